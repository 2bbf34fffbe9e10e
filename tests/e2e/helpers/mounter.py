# SPDX-License-Identifier: GPL-2.0-or-later
"""mounter.py DIR LOG: makes mount(2) and umount2(2) calls below DIR, allowed and refused ones, from two threads, and writes to
LOG what it passed to each and what came of it: "PID TID OP FLAGS RET SRC DEST FS DATA", flags in decimal, strings as JSON,
a NULL as "". To be run in a mount namespace of its own."""
import ctypes
import json
import os
import sys
import threading

MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_REMOUNT, MS_NOATIME = 1, 2, 4, 8, 32, 1024
MS_BIND, MS_MOVE, MS_REC, MS_SILENT, MS_PRIVATE, MS_MGC_VAL = 1 << 12, 1 << 13, 1 << 14, 1 << 15, 1 << 18, 0xc0ed0000
MNT_FORCE, MNT_DETACH, MNT_EXPIRE, UMOUNT_NOFOLLOW = 1, 2, 4, 8
libc = ctypes.CDLL(None, use_errno=True)
libc.mount.argtypes = [ctypes.c_char_p] * 3 + [ctypes.c_ulong, ctypes.c_char_p]
libc.umount2.argtypes = [ctypes.c_char_p, ctypes.c_int]
log = open(sys.argv[2], "w")


def note(op, flags, ret, *strings):
    result = -ctypes.get_errno() if ret < 0 else ret
    log.write("%d %d %s %d %d %s\n" % (os.getpid(), threading.get_native_id(), op, flags, result, " ".join(map(json.dumps, strings))))


def text(s):
    return None if s is None else s.encode()


def mount(src, dest, fs, flags, data=None):
    ret = libc.mount(text(src), text(dest), text(fs), flags, text(data))
    note("MOUNT", flags, ret, src or "", dest or "", fs or "", data or "")


def umount(dest, flags=0):
    note("UMOUNT", flags, libc.umount2(text(dest), flags), "", dest or "", "", "")


def work(name):
    top = os.path.join(sys.argv[1], name)
    a, b = top + "/a", top + "/b"
    os.makedirs(a)
    os.mkdir(b)
    for i in range(5):
        mount("from-%d" % i, a, "tmpfs", MS_NOSUID | MS_NODEV | (MS_NOEXEC if i % 2 else 0), "size=%dM,mode=700" % (i + 1))
        mount(a, b, "none", MS_BIND)
        mount(a, b, "7 bytes", MS_BIND | MS_REC)
        mount(None, b, "ignored", MS_BIND | MS_REMOUNT | MS_RDONLY)
        mount("none", b, "", MS_PRIVATE | MS_REC)
        umount(b)
        umount(b, MNT_DETACH)
        umount(b, UMOUNT_NOFOLLOW)
        mount("old", b, "ramfs", MS_MGC_VAL | MS_NOATIME)
        mount(b, a + "/nowhere", "none", MS_MOVE)
        umount(b, MNT_DETACH | UMOUNT_NOFOLLOW)
        mount("/dev/null", b, "ext4", MS_SILENT | MS_RDONLY, "data=ordered")
        mount("x", b, "nosuch", 0)
        mount(None, b, None, MS_SILENT)
        umount(a, MNT_FORCE | MNT_EXPIRE)
        umount(a)
        umount(a)


work("main")
thread = threading.Thread(target=work, args=("thread",))
thread.start()
thread.join()
