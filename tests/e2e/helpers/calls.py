# SPDX-License-Identifier: GPL-2.0-or-later
"""calls.py KIND DIR [GO]: makes system calls that tools trace, allowed and refused ones: open, stat, kill, exec (programs are started), count (many different ones), exit
(nothing but processes and threads that end; it prints "PID TID PPID COMM SIGNAL CODE" of each). Two processes do it, one after the other; with GO it does it itself, once
somebody opens that FIFO. Whoever may not read this file gets it on standard input."""
import ctypes
import os
import signal
import sys
import threading
import time

kind, top = sys.argv[1:3]
libc = ctypes.CDLL(None, use_errno=True)
NAMES = ["plain", "with space", "quote\"and\\backslash", "tab\tnewline\n", "umlaut-\xfc".encode(), b"no-utf8-\xff\xfe", "x" * 200, "y/" * 140 + "z", "", "missing/below"]


def path(name):
    return os.path.join(os.fsencode(top), os.fsencode(name))


def named(comm):
    libc.prctl(15, comm.encode())


def opens(rounds):
    for _ in range(rounds):
        for name in NAMES:
            for flags in os.O_RDONLY, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, os.O_WRONLY | os.O_CREAT | os.O_EXCL, os.O_RDONLY | os.O_DIRECTORY:
                try:
                    os.close(os.open(path(name), flags, 0o600))
                except OSError:
                    pass
        try:
            os.open("below", os.O_RDONLY, dir_fd=0)
        except OSError:
            pass
        libc.syscall(257, -100, ctypes.c_void_p(0xdead0000), 0)		# openat of what cannot be read
        libc.syscall(2, path("plain"), 0)				# open, which no library calls any more


def stats(rounds):
    buffer = ctypes.create_string_buffer(4096)
    for name in NAMES * rounds:
        p = path(name)
        libc.syscall(4, p, buffer)				# stat
        libc.syscall(6, p, buffer)				# lstat
        libc.syscall(137, p, buffer)				# statfs
        libc.syscall(262, -100, p, buffer, 0x100)		# newfstatat
        libc.syscall(332, -100, p, 0, 0x7ff, buffer)		# statx
        libc.syscall(332, -100, p, 0xffff, 0x7ff, buffer)	# refused


def kills(rounds):
    signal.signal(signal.SIGUSR1, lambda *_: None)
    signal.signal(signal.SIGRTMIN, lambda *_: None)
    me, other = os.getpid(), os.fork()
    if not other:
        signal.signal(signal.SIGUSR1, signal.SIG_IGN)
        time.sleep(60)
        os._exit(0)
    for _ in range(rounds):
        for pid, sig in (me, signal.SIGUSR1), (other, 0), (other, signal.SIGCONT), (me, signal.SIGRTMIN), (other, 65), (0x7ffffff0, signal.SIGTERM), (me, signal.SIGURG):
            libc.syscall(62, pid, sig)		# kill
            libc.syscall(200, pid, sig)		# tkill
            libc.syscall(234, pid, pid, sig)	# tgkill
        libc.syscall(234, me, other, signal.SIGTERM)
    libc.syscall(62, other, signal.SIGKILL)
    os.waitpid(other, 0)


def execs(rounds):
    for i in range(rounds):
        for argv in ["/bin/true"], ["/bin/echo", "with space", "", "quote\"\\", "umlaut-\xfc", "tab\t"], ["/bin/false", *map(str, range(20))], \
                ["/bin/echo", b"no-utf8-\xff\xfe", "long" * 40], ["/nonexistent/program", "a"], [top, "is a directory"], ["/bin/true", str(i)]:
            pid = os.fork()
            if not pid:
                null = os.open("/dev/null", os.O_WRONLY)
                os.dup2(null, 1)
                try:
                    os.execv(argv[0], argv)
                except OSError:
                    os._exit(1)
            os.waitpid(pid, 0)


def counts(rounds):
    for i in range(rounds):
        for call in os.getppid, os.getuid, os.sched_yield, os.getcwd:
            for _ in range(i + 1):
                call()
        opens(1)
        stats(1)


def ended(pid, comm, what):
    here, there = os.pipe()
    child = os.fork()
    if not child:
        named(comm)

        def thread():
            os.write(there, b"%d\n" % threading.get_native_id())
        for _ in range(2):
            t = threading.Thread(target=thread)
            t.start()
            t.join()
        while len(os.listdir("/proc/self/task")) > 1:		# joined, yet not gone
            time.sleep(0.001)
        os.close(there)
        if what < 0:
            os.kill(os.getpid(), -what)
            time.sleep(60)
        os._exit(what)
    os.close(there)
    threads = os.fdopen(here).read().split()
    status = os.waitpid(child, 0)[1]
    for tid in threads:
        print(child, tid, pid, comm, 0, 0)
    print(child, child, pid, comm, status & 127, status >> 8)


def exits(rounds):
    for i in range(rounds):
        for what in 0, 1, 7, 255, -signal.SIGTERM, -signal.SIGKILL, -signal.SIGRTMIN, 128 + i:
            ended(os.getpid(), "ender-%d" % i, what)


run = {"open": opens, "stat": stats, "kill": kills, "exec": execs, "count": counts, "exit": exits}[kind]
if len(sys.argv) > 3:
    libc.prctl(1, signal.SIGKILL)		# PR_SET_PDEATHSIG: with strace
    named(kind)
    open(sys.argv[3]).read()
    run(2)
    sys.exit()
for turn in range(2):
    child = os.fork()
    if not child:
        named("%s-%d" % (kind, turn))
        run(2)
        sys.stdout.flush()
        os._exit(0)
    os.waitpid(child, 0)
