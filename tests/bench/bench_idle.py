#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What an idle agent costs: memory of five daemons, their helpers and one worker beyond rings and spools, and CPU time."""
import os
import re
import time

from instance import ROOT, Instance, row

SECONDS = 10


def pss_kb(pid):
    """PSS without what is a ring or a spool: those are sized by their owner."""
    total, skip = 0, False
    for line in open("/proc/%d/smaps" % pid):
        head = re.match(r"[0-9a-f]+-[0-9a-f]+ \S+ \S+ \S+ \d+ *(.*)", line)
        if head:
            skip = "anon_inode:bpf-map" in head.group(1) or ".spool" in head.group(1)
        elif line.startswith("Pss:") and not skip:
            total += int(line.split()[1])
    return total


def cpu_ns(pid):
    """Of all its threads; /proc/PID/stat counts in ticks of 10 ms, which is too coarse here."""
    threads = os.listdir("/proc/%d/task" % pid)
    return sum(int(open("/proc/%d/task/%s/schedstat" % (pid, t)).read().split()[0]) for t in threads)


i = Instance(ROOT + "/programs/oom.yaml")
time.sleep(2)
processes = i.processes()
before = {p: cpu_ns(p) for p in processes}
time.sleep(SECONDS)
ns = sum(cpu_ns(p) - before[p] for p in processes)
total = 0
for p, command in sorted(processes.items()):
    kb = pss_kb(p)
    total += kb
    row("idle: %s" % re.sub(r".*/", "", command.split()[0]) + (" worker" if " worker " in command else ""), "%.2f" % (kb / 1024), "MB PSS")
row("idle: five daemons, helpers, one worker", "%.1f" % (total / 1024), "MB PSS", "<= 25")
row("idle: CPU of all of them", "%.3f" % (100 * ns / 1e9 / SECONDS), "% of a core", "<= 0.2")
i.stop()
