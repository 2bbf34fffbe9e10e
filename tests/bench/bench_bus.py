#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""How long it takes to read properties over D-Bus: a process of its own each time, as on a command line."""
import subprocess
import time

from instance import BUILD, ROOT, Instance, median, percentile, row

ROUNDS = 200


def times(*command):
    ms = []
    for _ in range(ROUNDS):
        begin = time.monotonic()
        subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
        ms.append((time.monotonic() - begin) * 1000)
    return ms


i = Instance(ROOT + "/programs/oom.yaml")
nothing = times("/bin/true")
status = times(BUILD + "/bin/ebpfctl", "--bus", i.bus, "status", "--json")
row("bus: properties of all five daemons through ebpfctl status", "%.2f" % median(status), "ms", "<= 5")
row("bus: the same, p99", "%.2f" % percentile(status, 99), "ms")
one = times("busctl", "--address=" + i.bus, "get-property", "org.ebpfagent.loader1", "/org/ebpfagent/loader1/program/oom",
            "org.ebpfagent.loader1.Program", "State")
row("bus: one property through busctl, beside it", "%.2f" % median(one), "ms")
row("bus: a process that does nothing, started in the same way", "%.2f" % median(nothing), "ms")
i.stop()
