#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""check.py PARTITIONS RESENT FIRST:N… < kcat's output of the format '%p\\t%k\\t%h\\t%s\\n'

What was consumed, compared one by one with what was produced: for each range the numbers FIRST … FIRST+N-1, each range
under a key of its own. Prints what is wrong, nothing if all is well but for a line of what was seen."""
import collections
import re
import sys


def murmur2(data):
    """As in org.apache.kafka.common.utils.Utils."""
    m, mask = 0x5BD1E995, 0xFFFFFFFF
    h = (0x9747B28C ^ len(data)) & mask
    for i in range(0, len(data) // 4 * 4, 4):
        k = int.from_bytes(data[i:i + 4], "little") * m & mask
        k = (k ^ k >> 24) * m & mask
        h = h * m & mask ^ k
    rest = data[len(data) // 4 * 4:]
    if rest:
        h = (h ^ int.from_bytes(rest, "little")) * m & mask
    h = (h ^ h >> 13) * m & mask
    return h ^ h >> 15


# Kafka's own UtilsTest.testMurmur2
for text, wanted in (("21", -973932308), ("foobar", -790332482), ("a-little-bit-long-string", -985981536),
                     ("a-little-bit-longer-string", -1486304829), ("abc", 479470107)):
    if murmur2(text.encode()) != wanted & 0xFFFFFFFF:
        sys.exit("murmur2 is not Java's: %s" % text)

partitions, resent = int(sys.argv[1]), int(sys.argv[2])
ranges = [tuple(map(int, r.split(":"))) for r in sys.argv[3:]]
seen = [collections.Counter() for _ in ranges]
last = [-1] * len(ranges)
keys, wrong, total = {}, collections.Counter(), 0
number, ident = re.compile(rb'"n":(\d+)'), re.compile(rb'"id":"([^"]+)"')
for line in sys.stdin.buffer:
    partition, key, headers, value = line.rstrip(b"\n").split(b"\t", 3)
    total += 1
    n = int(number.search(value).group(1))
    of = next((i for i, (first, count) in enumerate(ranges) if first <= n < first + count), None)
    if of is None:
        wrong["that nobody produced"] += 1
        continue
    if n not in seen[of]:
        if n < last[of]:
            wrong["out of the order of their key"] += 1
        last[of] = n
    seen[of][n] += 1
    if keys.setdefault(key, of) != of:
        wrong["under another's key"] += 1
    if (murmur2(key) & 0x7FFFFFFF) % partitions != int(partition):
        wrong["in another partition than Java would put it"] += 1
    if b"ce_id=" + ident.search(value).group(1) + b"," not in headers:
        wrong["with another ce_id than its line"] += 1
missing = sum(count - len(s) for (first, count), s in zip(ranges, seen))
twice = total - sum(len(s) for s in seen) - wrong["that nobody produced"]
if missing:
    wrong["missing"] = missing
if twice > resent:
    wrong["there twice, though the ledger says at most %d" % resent] = twice
if len(keys) != len(ranges):
    wrong["keys, of %d" % len(ranges)] = len(keys)
print("%d records, %d of them repeats (the ledger says at most %d), %d keys" % (total, twice, resent, len(keys)))
for what, n in wrong.items():
    print("%d records %s" % (n, what))
sys.exit(1 if wrong else 0)
