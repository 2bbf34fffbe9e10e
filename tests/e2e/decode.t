#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Every C type through the decoder, against what bpftool prints of the same bytes, and against Python's struct where bpftool
# prints "(unsupported-kind" (floating point); and records with a variable tail.
. "$(dirname "$0")/lib.sh"

cat >"$T/every.yaml" <<Y
programs:
  - { name: every, type: ebpf_object, path: $BUILD/tests/bpf/every.bpf.o, properties: $TICKS }
channels:
  events: { type: ring_buffer }
Y
sed 's/every/floats/g' "$T/every.yaml" >"$T/floats.yaml"
cat >"$T/trailing.yaml" <<Y
programs:
  - { name: trailing, type: ebpf_object, path: $BUILD/tests/bpf/trailing.bpf.o, properties: $TICKS }
channels:
  events: { type: ring_buffer }
Y
start x "$T/every.yaml" "$T/floats.yaml" || { not_ok "an instance with every.yaml and floats.yaml gets ready"; done_testing; }
ok "an instance with every.yaml and floats.yaml gets ready"
input_map() { ctl show "$1" --json | jq ".items[].maps[] | select(.name == \"input\") | .$2"; }
id=$(input_map every id) size=$(input_map every value_size) floats=$(input_map floats id)
mapfile -t float_bytes < <(python3 "$ROOT/tests/e2e/helpers/floats.py" make 40)
# Random bytes, except that text is ASCII (bpftool prints raw bytes) and booleans are 0 or 1.
for round in $(seq 1 40); do
	python3 - "$size" "$round" >"$T/bytes" <<'P'
import random, sys
size, seed = int(sys.argv[1]), int(sys.argv[2])
r = random.Random(seed)
b = [r.choice([0, 1, 127, 128, 255, r.randrange(256)]) for _ in range(size)]
b[32:34] = [1, 0]
def text(at, n):
    s = "".join(r.choice("abcXYZ019 _-") for _ in range(r.randrange(n)))
    b[at:at + n] = list(s.encode()) + [0] * (n - len(s))
text(34, 12)
b[48:52] = list(r.choice([1, 2, 0x7fffffff, 77]).to_bytes(4, "little"))
b[52:56] = list(r.choice([-1, 0, 1, 55]).to_bytes(4, "little", signed=True))
b[64:65] = [r.randrange(2)]
text(size - 16, 8), text(size - 8, 8)
print(" ".join("%d" % x for x in b))
P
	# shellcheck disable=SC2046
	bpftool map update id "$id" key 0 0 0 0 value $(cat "$T/bytes") || not_ok "bpftool updates the map"
	bpftool -j map dump id "$id" >>"$T/dumps"
	echo >>"$T/dumps"
	# shellcheck disable=SC2046
	bpftool map update id "$floats" key 0 0 0 0 value ${float_bytes[round - 1]} || not_ok "bpftool updates the map of floats"
	ticker 1
done
sed -i '/^$/d' "$T/dumps"
check "the ledger balances" balanced 5
check "stops orderly" stop
for p in every floats; do grep -F "\"program\":\"$p\"" "$T/x.out" >"$T/$p.out"; done	# jq would round
check "40 events of every type agree with bpftool" python3 "$ROOT/tests/e2e/helpers/same_value.py" "$T/dumps" "$T/every.out"
check "40 events of floating point agree with Python's struct, to the last bit" python3 "$ROOT/tests/e2e/helpers/floats.py" check 40 "$T/floats.out"
is "enums are names, unknown ones numbers" "$(jq -r '.data.colour | type' "$T/every.out" | sort -u | tr '\n' ' ')" "number string "

start y "$T/trailing.yaml" || { not_ok "an instance with trailing.yaml gets ready"; done_testing; }
for n in 0 2 6 60; do ticker 1 $n; done
check "stops orderly" stop
is "an empty tail" "$(jq -c 'select(.data.len == 0) | .data.values' "$T/y.out")" "[]"
is "a tail of three" "$(jq -c 'select(.data.len == 6) | .data.values' "$T/y.out")" "[0,1000,2000]"
is "a tail of thirty" "$(jq -c 'select(.data.len == 60) | .data.values | length' "$T/y.out")" 30
done_testing
