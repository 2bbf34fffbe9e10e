#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The whole way: ring → JSON → spool → file, from a ring filled beforehand; how late a line is in its file at 50,000 events
a second; how fast a backlog goes that came while channeld was away; and what memory the worker has meanwhile."""
import os
import re
import signal
import subprocess
import sys
import time

from instance import BUILD, ROOT, Instance, median, percentile, row

ROUNDS = int(os.environ.get("ROUNDS", 5))
EVENTS = int(os.environ.get("EVENTS", 90000))	# what the ring of tick_big holds
RATE, SECONDS = 50000, int(os.environ.get("SECONDS", 5))
AWAY_RATE, AWAY = 20000, 10
TICKER = BUILD + "/tests/tools/ticker"


def program(i, name, ring=8 << 20):
    path = "%s/%s.yaml" % (i.dir, name)
    with open(path, "w") as f:
        f.write("programs:\n  - name: tick\n    type: ebpf_object\n    path: %s\n    properties: { maps: { ticks: { max_entries: %d } } }\n"
                "channels:\n  ticks: { type: ring_buffer }\nspool: { size: 128M }\n"
                "storage: { file: { rotate-size: 1G } }\n" % (BUILD + "/tests/bpf/tick_big.bpf.o", ring))
    return path


def worker(i):
    return next(p for p, c in i.processes().items() if " worker " in c and not c.endswith(" oom"))


def channeld(i):
    return next(p for p, c in i.processes().items() if re.search(r"ebpf-channeld( --|$)", c))


def ticker(n, rate=0):
    return subprocess.Popen([TICKER, str(n), "0", str(rate)])


def lines_of(path, start, n):
    """When the @n-th line behind @start was in the file."""
    end = time.monotonic() + 60
    with open(path, "rb") as f:
        f.seek(start)
        while n > 0:
            chunk = f.read(1 << 20)
            n -= chunk.count(b"\n")
            if not chunk:
                time.sleep(0.0005)
                if time.monotonic() > end:
                    sys.exit("%d lines do not come to %s" % (n, path))
    return time.monotonic()


def backlog(i, path, n, wait):
    """Whoever drains stands still while @n events come: how long they take to their file once it goes on."""
    pids = [worker(i), channeld(i)]
    start = os.path.getsize(path)
    for p in pids:
        os.kill(p, signal.SIGSTOP)
    wait(n)
    for p in pids:
        os.kill(p, signal.SIGCONT)
    t0 = time.monotonic()
    return lines_of(path, start, n) - t0


def private_kb(pid):
    """Without the rings and the spool, whose sizes are the YAML's."""
    total = skip = 0
    for line in open("/proc/%d/smaps" % pid):
        if re.match(r"[0-9a-f]+-[0-9a-f]+ ", line):
            skip = ".spool" in line or "bpf-map" in line or "bpf_ringbuf" in line
        elif line.startswith("Pss:") and not skip:
            total += int(line.split()[1])
    return total


def lateness(i, path):
    """Milliseconds from the kernel's time of an event to its line in the file, as a reader sees it that looks all the time."""
    late, rest = [], b""
    with open(path, "rb") as f:
        f.seek(0, os.SEEK_END)
        t = ticker(RATE * SECONDS, RATE)
        chunks, end = [], None
        while end is None or time.monotonic() < end:
            chunk = f.read(1 << 20)
            if chunk:
                chunks.append((time.clock_gettime_ns(time.CLOCK_MONOTONIC), chunk))
            else:
                time.sleep(0.0002)
            if end is None and t.poll() is not None:
                end = time.monotonic() + 1
    for when, chunk in chunks:
        lines = (rest + chunk).split(b"\n")
        rest = lines.pop()
        for line in lines:
            at = line.index(b'"ts_ns":') + 8
            late.append((when - int(line[at:line.index(b",", at)])) / 1e6)
    return late


def ran(n):
    ticker(n).wait()


def ran_at_rate(n):
    ticker(n, AWAY_RATE).wait()


i = Instance(ROOT + "/programs/oom.yaml")
path = i.dir + "/state/log/file.jsonl"
i.ctl("load", program(i, "file"))
while not os.path.exists(path):
    ran(1)
    time.sleep(0.1)
i.at_rest()
row("ring -> JSON -> spool -> file, from a filled ring", "%.2f" % (EVENTS / median([backlog(i, path, EVENTS, ran) for _ in range(ROUNDS)]) / 1e6),
    "M events/s")
late = lateness(i, path)
row("kernel -> file at %d events/s: median" % RATE, "%.2f" % median(late), "ms")
row("kernel -> file at %d events/s: p99 of %d" % (RATE, len(late)), "%.2f" % percentile(late, 99), "ms", "<= 5")
row("the worker's memory after that, beyond ring and spool", "%.1f" % (private_kb(worker(i)) / 1024), "MB PSS")
i.at_rest()
i.ctl("unload", "file")
i.ctl("load", program(i, "away", 32 << 20))
path = i.dir + "/state/log/away.jsonl"
while not os.path.exists(path):
    ran(1)
    time.sleep(0.1)
i.at_rest()
row("%d s away at %d events/s, then drained to the file" % (AWAY, AWAY_RATE), "%.2f" % backlog(i, path, AWAY * AWAY_RATE, ran_at_rate), "s", "<= 2")
i.at_rest()
i.stop()
