# SPDX-License-Identifier: GPL-2.0-or-later
"""straced.py KIND LOG [SINCE]: what strace -f -Y -xx -X raw saw, as rows that tests print events in. With SINCE: from the line on that has it.

open:  PID COMM FLAGS RET "PATH"		stat: PID COMM RET "PATH"		kill: PID COMM TARGET SIGNAL RET
exec:  PID PPID RET ["ARG",…], cut to 8 and to 127 bytes		count: CALL TIMES, calls by their numbers if strace -n says them"""
import collections
import errno
import json
import re
import sys

kind = sys.argv[1]
counted = collections.Counter()
parents = {}
unfinished = {}


def text(arg, limit=None):
    """A string as strace shows it, cut like an event's field of limit bytes, NUL included; a pointer nobody can follow is none."""
    if not arg.startswith('"'):
        return ""
    data = bytes.fromhex(arg[1:arg.rindex('"')].replace("\\x", ""))
    return decoded(data[:limit - 1] if limit else data)


def decoded(data):
    """As the agent does it: bytes that are no UTF-8, or were cut, become U+FFFD one by one."""
    return data.decode("utf-8", "replace")


def as_json(value):
    """As jq prints it."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def number(arg):
    return int(re.match(r"-?(0x[0-9a-f]+|\d+)", arg)[0], 0)


since = sys.argv[3] if len(sys.argv) > 3 else None
for line in open(sys.argv[2]):
    if since:
        if since not in line and "".join("\\x%02x" % c for c in since.encode()) not in line:
            continue
        since = None
    line = re.sub(r" \[ *(\d+)\] \w+\(", r" \1(", line)	# strace -n
    m = re.match(r"(\d+)(?:<([^>]*)>)? +(?:<\.\.\. )?(\w+)(.*)", line)
    if not m:
        continue
    pid, comm, call, rest = m.groups()
    comm = comm and text('"%s"' % comm)
    if rest.endswith("<unfinished ...>"):
        unfinished[pid] = rest[:-len("<unfinished ...>")]
        continue
    if rest.startswith(" resumed>"):
        rest = unfinished.pop(pid, "(") + rest[len(" resumed>"):]
    m = re.match(r"\((.*)\) += (-?\w+)(?:<[^>]*>)?(?: (E\w+))?", rest)
    if not m or m[2] == "?":
        continue
    args = re.findall(r'"[^"]*"(?:\.\.\.)?|\[[^]]*\]|[^ ,"\[]+(?: /\*[^*]*\*/)?', m[1])
    ret = -getattr(errno, m[3]) if m[3] and hasattr(errno, m[3]) else int(m[2], 0)
    if call in ("clone", "clone3", "fork", "vfork"):
        parents[str(ret)] = pid
    counted[call] += 1
    if kind == "open" and call in ("open", "openat"):
        args = args[call == "openat":]
        print(pid, comm, number(args[1]), ret, as_json(text(args[0], 255)))
    elif kind == "stat" and call in ("stat", "lstat", "statfs", "newfstatat", "statx"):
        print(pid, comm, ret, as_json(text(args[call in ("newfstatat", "statx")], 255)))
    elif kind == "kill" and call in ("kill", "tkill", "tgkill"):
        target, sig = args[-2:]
        print(pid, comm, number(target), number(sig), ret)
    elif kind == "exec" and call == "execve" and pid in parents:
        argv = re.findall(r'"[^"]*"', args[1])
        print(pid, parents[pid], ret, as_json([text(a, 128) for a in [args[0]] + argv[1:8]]))
if kind == "count":
    for call, times in counted.items():
        print(call, times)
