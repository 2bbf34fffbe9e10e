# SPDX-License-Identifier: GPL-2.0-or-later
"""blocks.py DEVICE: reads from it as "block reader", past the page cache, one request at a time: 41 of 4 KiB in a row, 15 of 16 KiB here and there, 6 of 64 KiB in a row."""
import mmap
import os
import sys

with open("/proc/self/comm", "w") as f:
    f.write("block reader")
fd = os.open(sys.argv[1], os.O_RDONLY | os.O_DIRECT)
buffer = memoryview(mmap.mmap(-1, 65536))


def read(kib, at):
    assert os.preadv(fd, [buffer[:kib << 10]], at << 10) == kib << 10


for i in range(41):
    read(4, 4 * i)
for i in range(15):
    read(16, 1024 + 7 * 48 * (15 - i))
for i in range(6):
    read(64, 64 * i)
