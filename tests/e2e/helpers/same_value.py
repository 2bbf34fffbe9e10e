# SPDX-License-Identifier: GPL-2.0-or-later
"""same_value.py DUMPS EVENTS: compares, one by one, `bpftool -j map dump` outputs (one per line) with our events of the same bytes.

bpftool prints char arrays as arrays of characters, u8 arrays as numbers, pointers as hex text; we print text, hex, hex text."""
import json
import sys


def char_text(v):
    """bpftool: a list of one-character strings, up to the NUL."""
    text = ""
    for c in v:
        if c in ("", "\0", 0):
            break
        text += c if isinstance(c, str) else chr(c)
    return text


def number(v):
    return int(v, 0) if isinstance(v, str) and v[:2] in ("0x", "0X") else v


def same(theirs, ours, path):
    if isinstance(ours, dict):
        # Anonymous members are flattened by us, and put under "" or "(anon)" by bpftool.
        flat = {}
        for k, v in theirs.items():
            flat.update(v) if k in ("", "(anon)") else flat.__setitem__(k, v)
        if set(flat) != set(ours):
            return "%s: members %s against %s" % (path, sorted(flat), sorted(ours))
        for k in ours:
            bad = same(flat[k], ours[k], path + "." + k)
            if bad:
                return bad
        return None
    if isinstance(theirs, list) and isinstance(ours, str):
        hexed = "".join("%02x" % number(x) for x in theirs) if all(isinstance(number(x), int) for x in theirs) else None
        return None if ours in (char_text(theirs) if hexed is None else hexed, hexed) else "%s: %r against %r" % (path, theirs, ours)
    if isinstance(theirs, list):
        if len(theirs) != len(ours):
            return "%s: %d elements against %d" % (path, len(theirs), len(ours))
        for i, (t, o) in enumerate(zip(theirs, ours)):
            bad = same(t, o, "%s[%d]" % (path, i))
            if bad:
                return bad
        return None
    if number(theirs) == number(ours) or str(theirs) == str(ours):
        return None
    # bpftool prints bit-fields and 128-bit numbers as unsigned hex, signed ones too.
    if isinstance(theirs, str) and isinstance(ours, int) and ours < 0:
        if any(ours + (1 << bits) == number(theirs) and -ours <= 1 << (bits - 1) for bits in [*range(1, 65), 128]):
            return None
    # … and a number that an unsigned enum has no name for as signed.
    if isinstance(theirs, int) and theirs < 0 and theirs + (1 << 32) == ours:
        return None
    return "%s: bpftool says %r, we say %r" % (path, theirs, ours)


dumps = [json.loads(line) for line in open(sys.argv[1])]
events = [json.loads(line)["data"] for line in open(sys.argv[2])]
if len(dumps) != len(events):
    sys.exit("%d dumps, %d events" % (len(dumps), len(events)))
for i, (d, e) in enumerate(zip(dumps, events)):
    bad = same(d[0]["formatted"]["value"], e, "event %d" % i)
    if bad:
        sys.exit(bad)
print("%d events, %d members each" % (len(events), len(events[0])))
