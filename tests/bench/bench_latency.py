#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""How long a load takes to its first event, and an unload to the last one: alone, and with ten programs under load."""
import atexit
import json
import os
import subprocess
import time

from instance import BUILD, ROOT, Instance, median, percentile, row

LOADS = int(os.environ.get("LOADS", 21))
UNLOADS = int(os.environ.get("UNLOADS", 100))
TICKER = BUILD + "/tests/tools/ticker"


def program(i, name):
    path = "%s/%s.yaml" % (i.dir, name)
    with open(path, "w") as f:
        f.write("programs:\n  - { name: tick, type: ebpf_object, path: %s }\nchannels:\n  ticks: { type: ring_buffer }\nspool: { size: 4M }\n"
                % (BUILD + "/tests/bpf/tick_big.bpf.o"))
    return path


def to_first_event(i):
    size = os.path.getsize(i.out)
    t0 = time.monotonic()
    load = subprocess.Popen([BUILD + "/bin/ebpfctl", "--bus", i.bus, "load", ROOT + "/programs/exec.yaml"], stdout=subprocess.DEVNULL)
    while os.path.getsize(i.out) == size:
        time.sleep(0.0005)
    t1 = time.monotonic()
    load.wait()
    i.ctl("unload", "exec")
    return (t1 - t0) * 1000


def last_event_ns(i, name):
    """From the program's own file, whose end is its last event."""
    with open("%s/state/log/%s.jsonl" % (i.dir, name), "rb") as f:
        f.seek(0, os.SEEK_END)
        f.seek(max(0, f.tell() - 4096))
        return json.loads(f.read().splitlines()[-1])["data"]["ts_ns"]


def to_last_event(i, name):
    """The ticker goes on: only the detach ends the events. Kernel time of the last one after the command was given."""
    path = program(i, name)
    i.ctl("load", path)
    time.sleep(0.02)
    t0 = time.monotonic_ns()
    i.ctl("unload", name)
    return max(0, last_event_ns(i, name) - t0) / 1e6


def ticking(rate):
    t = subprocess.Popen([TICKER, "1000000000", "0", str(rate)])
    atexit.register(t.kill)
    return t


i = Instance(ROOT + "/programs/oom.yaml")
row("load of exec.yaml to its first event, median", "%.0f" % median([to_first_event(i) for _ in range(LOADS)]), "ms", "<= 300")

t = ticking(2000)
times = [to_last_event(i, "p0") for _ in range(UNLOADS)]
row("unload to the last event, p99 of %d" % UNLOADS, "%.1f" % percentile(times, 99), "ms", "<= 100")
row("unload to the last event, median", "%.1f" % median(times), "ms")
for n in range(1, 10):
    i.ctl("load", program(i, "p%d" % n))
times = [to_last_event(i, "p0") for _ in range(UNLOADS)]
row("the same with ten programs under load, p99 of %d" % UNLOADS, "%.1f" % percentile(times, 99), "ms", "<= 100")
row("the same with ten programs under load, median", "%.1f" % median(times), "ms")
t.kill()
t.wait()
i.stop()
