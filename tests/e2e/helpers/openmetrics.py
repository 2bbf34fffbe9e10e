#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# openmetrics.py METRICS LEDGER.json: reads the metrics as Prometheus' own client does, in its strict parser and in the one for the
# older format; says how many samples there are, or what they and the ledger's numbers do not have in common.
import json
import sys
from prometheus_client import parser
from prometheus_client.openmetrics import parser as strict

text = open(sys.argv[1]).read()
ledger = json.load(open(sys.argv[2]))
got = {}
for family in strict.text_string_to_metric_families(text):
    assert family.documentation and family.type in ("counter", "gauge"), family
    for s in family.samples:
        name = s.name.removeprefix("ebpf_agent_").removesuffix("_total")
        kind, key = name.split("_", 1)
        labels = dict(s.labels)
        key = labels.pop("reason", key)
        got[kind, key, *sorted(labels.items())] = s.value
older = sum(len(f.samples) for f in parser.text_string_to_metric_families(text))
assert older == len(got), (older, len(got))
assert got.pop(("ledger", "off")) == len(ledger["off"])
assert got.pop(("ledger", "unknown")) == ledger["unknown"]
wanted = {}
for kind in "channel", "event", "sink", "prog":
    for row in ledger[kind + "s"]:
        labels = {k: row[k] for k in ("program", "channel", "event", "sink", "item", "prog") if k in row}
        for key, value in row.items():
            if isinstance(value, (int, float)):
                wanted[kind, key, *sorted(labels.items())] = value
for key in sorted(set(got) | set(wanted)):
    if got.get(key) != wanted.get(key):
        print(key, got.get(key), wanted.get(key))
print(len(got), "samples")
