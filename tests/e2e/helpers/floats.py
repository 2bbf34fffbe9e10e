# SPDX-License-Identifier: GPL-2.0-or-later
"""floats.py make N: N lines with the bytes of a struct floats (tests/bpf/floats.bpf.c) each, as numbers for bpftool.
floats.py check N EVENTS: whether N events say, to the last bit, what those bytes are. What packs and
unpacks here is Python's struct; infinities and NaN, which JSON cannot say, have to be null."""
import json
import math
import random
import struct
import sys

FORMAT = "<f4xd3f4x2dddf4xf4x"  # single wide singles wides eight inner.deep inner.deeper either
SINGLES = ["00000000", "00000080", "01000000", "ffff7f00", "00008000", "ffff7f7f", "0000807f", "000080ff", "0000c07f",
           "cdcccc3d", "0000803f", "000020c1", "db0f4940", "0000804b", "00007a44", "6f12833a"]
WIDES = [0.0, -0.0, 5e-324, 2.2250738585072014e-308, 1.7976931348623157e308, math.inf, -math.inf, math.nan, 0.1, 0.3,
         1 / 3, -1.5, math.pi, 2.0**53 + 2, 1e23, 9007199254740993.0, 123456.789, 1e-3, 9.999999e8, 1e9]


def make(seed):
    """The struct's bytes: special values, and any bits at all."""
    r = random.Random(seed)
    singles = [struct.unpack("<f", bytes.fromhex(r.choice(SINGLES)) if r.random() < .5 else r.randbytes(4))[0] for _ in range(6)]
    wides = [r.choice(WIDES) if r.random() < .5 else struct.unpack("<d", r.randbytes(8))[0] for _ in range(5)]
    return struct.pack(FORMAT, singles[0], wides[0], *singles[1:4], *wides[1:5], singles[4], singles[5])


def differs(code, said, bits):
    """Why the JSON number @said is not the one that has these @bits; None: it is."""
    value, = struct.unpack("<" + code, bits)
    if not math.isfinite(value):
        return None if said is None else "%r for %r" % (said, value)
    if not isinstance(said, float):
        return "%r for %r" % (said, value)
    return None if struct.pack("<" + code, said) == bits else "%r for %r" % (said, value)


def check_one(b, d):
    word = struct.unpack_from("<I", b, 72)[0]
    if d["either"]["as_word"] != word:
        return "as_word: %r for %r" % (d["either"]["as_word"], word)
    rows = [("f", d["single"], 0), ("d", d["wide"], 8), ("d", d["eight"], 48), ("d", d["inner"]["deep"], 56),
            ("f", d["inner"]["deeper"], 64), ("f", d["either"]["as_float"], 72)]
    rows += [("f", v, 16 + 4 * i) for i, v in enumerate(d["singles"])] + [("d", v, 32 + 8 * i) for i, v in enumerate(d["wides"])]
    if len(rows) != 11:
        return "%d numbers" % len(rows)
    for code, said, at in rows:
        bad = differs(code, said, b[at:at + struct.calcsize(code)])
        if bad:
            return "at byte %d: %s" % (at, bad)
    return None


n = int(sys.argv[2])
if sys.argv[1] == "make":
    for i in range(n):
        print(*make(i))
    sys.exit(0)
# A whole number is a float here, too: "-0" keeps its sign.
events = [json.loads(line, parse_int=float)["data"] for line in open(sys.argv[3])]
if len(events) != n:
    sys.exit("%d events, not %d" % (len(events), n))
for i, e in enumerate(events):
    bad = check_one(make(i), e)
    if bad:
        sys.exit("event %d: %s" % (i, bad))
print("%d events" % n)
