# SPDX-License-Identifier: GPL-2.0-or-later
"""sleeper.py READY GO LOG: one process, "sleeper", that another, "waker", wakes again and again; first its pid goes to READY, and both wait until there is somebody who opens
the FIFO GO. To LOG, at the end: "LEAST MOST TIMES VOLUNTARY INVOLUNTARY", microseconds that the sleeper slept for, how often it came onto a processor, and how it left it."""
import ctypes
import os
import signal
import sys
import time

ready, go, log = sys.argv[1:4]
CYCLES = 60


def named(comm):
    with open("/proc/self/comm", "w") as f:
        f.write(comm)


def switches(pid):
    """As the kernel counts them: onto a processor; off it, by itself or not."""
    times = int(open("/proc/%d/schedstat" % pid).read().split()[2])
    status = dict(line.split(":", 1) for line in open("/proc/%d/status" % pid))
    return times, int(status["voluntary_ctxt_switches"]), int(status["nonvoluntary_ctxt_switches"])


def asleep(pid, beyond):
    """Until it has left the processor once more; the time by which it had."""
    while switches(pid)[1] <= beyond or open("/proc/%d/stat" % pid).read().split()[2] != "S":
        time.sleep(0.0002)
    return time.monotonic_ns()


# On one processor: across two an interrupt finishes what the waker began, under the name of whoever it interrupts.
os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
here, there = os.pipe()
told, tell = os.pipe()
sleeper = os.fork()
if not sleeper:
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)		# PR_SET_PDEATHSIG
    named("sleeper")
    slept = 0
    for i in range(CYCLES):
        before = time.monotonic_ns()
        os.read(here, 1)
        slept += time.monotonic_ns() - before if i else 0
    os.write(tell, b"%d" % slept)
    os._exit(0)

named("waker")
asleep(sleeper, 0)
first = switches(sleeper)
with open(ready + ".new", "w") as f:
    f.write("%d\n" % sleeper)
os.rename(ready + ".new", ready)
open(go).read()

least = 0
for i in range(CYCLES):
    if i:
        begin = asleep(sleeper, before)
        time.sleep(0.002)
    before = switches(sleeper)[1]
    least += time.monotonic_ns() - begin if i else 0
    os.write(there, b"x")
most = int(os.read(told, 32))
os.waitid(os.P_PID, sleeper, os.WEXITED | os.WNOWAIT)
time.sleep(0.1)			# it leaves the processor for good a little after it is seen to have ended
last = switches(sleeper)
os.waitpid(sleeper, 0)
with open(log, "w") as f:
    print(least // 1000, most // 1000, *(b - a for a, b in zip(first, last)), file=f)
