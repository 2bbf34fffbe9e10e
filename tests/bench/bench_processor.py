#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""How long a processor that crashes or hangs holds its program up: from such an event to the result of the next one. The
record is tried twice, so two sandboxes are started (and two deadlines pass) on the way."""
import os
import subprocess
import sys
import tempfile
import time

from instance import BUILD, Instance, median, row

CRASHES = int(os.environ.get("CRASHES", 41))
HANGS = int(os.environ.get("HANGS", 7))
DEADLINE_MS = 1000  # as channeld has it by default
TICKER = BUILD + "/tests/tools/ticker"


def tick(first, n):
    subprocess.run([TICKER, str(n), str(first)], check=True)


class Output:
    """Lines as they come."""

    def __init__(self, path):
        self.f = open(path, "rb")

    def wait_for(self, text):
        rest, end = b"", time.monotonic() + 60
        while True:
            chunk = self.f.read()
            if not chunk:
                if time.monotonic() > end:
                    sys.exit("%s does not come" % text.decode())
                time.sleep(0.0005)
                continue
            rest += chunk
            if text in rest:
                return time.monotonic()


def until_next_result(out, first):
    """Event `first` is the bad one; the next one that tests/so/mortal.c answers is the second behind it."""
    tick(0, 1)      # its sandbox runs
    out.wait_for(b'"data":{"n":0}')
    start = time.monotonic()
    tick(first, 3)
    return (out.wait_for(b'"data":{"n":%d}' % (first + 2)) - start) * 1000


PROGRAM = """programs:
  - { name: tick, type: ebpf_object, path: %s/tests/bpf/tick_big.bpf.o }
  - { name: mortal, type: user_so, path: %s/tests/so/mortal.so }
channels:
  ticks: { type: ring_buffer }
events:
  - { name: mortal, hash: pid }
""" % (BUILD, BUILD)

with tempfile.NamedTemporaryFile("w", suffix=".yaml") as f:
    f.write(PROGRAM)
    f.flush()
    i = Instance(f.name)
out = Output(i.out)
plain = [until_next_result(out, 1000 + 50 * k) for k in range(CRASHES)]
crash = [until_next_result(out, 7 + 50 * k) for k in range(CRASHES)]
hang = [until_next_result(out, 123) - 2 * DEADLINE_MS for k in range(HANGS)]
row("processor: an event -> its result on stdout", "%.1f" % median(plain), "ms")
row("processor: one that crashes it (twice) -> the next one's result", "%.1f" % median(crash), "ms", "<= 200")
row("processor: the same, slowest of %d" % CRASHES, "%.1f" % max(crash), "ms", "<= 200")
row("processor: one that hangs it (twice) -> the next one's, less two deadlines", "%.1f" % median(hang), "ms", "<= 200")
i.stop()
