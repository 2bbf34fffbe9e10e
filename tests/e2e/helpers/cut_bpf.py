# SPDX-License-Identifier: GPL-2.0-or-later
"""cut_bpf.py BINARY OUT: writes the first BPF ELF object that lies inside BINARY (a libbpf skeleton) to OUT."""
import struct
import sys

EM_BPF = 247
data = open(sys.argv[1], "rb").read()
at = data.find(b"\x7fELF", 4)
while at >= 0:
    if struct.unpack_from("<H", data, at + 18)[0] == EM_BPF:
        sections, = struct.unpack_from("<Q", data, at + 40)
        size, count = struct.unpack_from("<HH", data, at + 58)
        open(sys.argv[2], "wb").write(data[at:at + sections + size * count])
        sys.exit(0)
    at = data.find(b"\x7fELF", at + 4)
sys.exit("no BPF object in " + sys.argv[1])
