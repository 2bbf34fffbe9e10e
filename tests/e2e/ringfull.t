#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A known number of events finds no room in the ring: the ledger says exactly that number.
. "$(dirname "$0")/lib.sh"

cat >"$T/tick.yaml" <<Y
programs:
  - { name: tick, type: ebpf_object, path: $BUILD/tests/bpf/tick.bpf.o, properties: $TICKS }
channels:
  ticks: { type: ring_buffer }
Y
start x "$T/tick.yaml" || { not_ok "an instance with tick.yaml gets ready"; done_testing; }
ok "an instance with tick.yaml gets ready"
ticker 10
check "ten events pass" balanced 5

# A 4,096-byte ring has room for 56 records of 64 bytes with their 8-byte headers, minus where it stands now.
worker=$(worker_pid tick)
kill -STOP "$worker"
ticker 1000 100
kill -CONT "$worker"
check "the ledger balances again" balanced 5
ctl ledger tick --json >"$T/ledger.json"
row() { jq "[.channels[].$1] | add" "$T/ledger.json"; }
is "produced" "$(row produced)" 1010
is "drained" "$(row drained)" 66
is "ring_full" "$(row ring_full)" 944
is "pending" "$(row pending)" 0
ticker 5 5000
check "it goes on" balanced 5

# As if each CPU had found the ring locked, three times (tests/e2e/nmi.t: how that is counted). bpftool gives all CPUs one value.
id=$(ctl show tick --json | jq '.items[].maps[] | select(.name == "ticks_counts") | .id')
cpus=$(bpftool -j map dump id "$id" | jq '.[0].formatted.values | length')
more=$((cpus - 71 % cpus)) each=$((71 / cpus + 1))
ticker $more 6000
check "and on" balanced 5
# shellcheck disable=SC2046
check "three on each CPU are counted" bpftool map update id "$id" key 0 0 0 0 \
	value $(python3 -c 'import struct, sys; print(*struct.pack("=4Q", int(sys.argv[1]) + 3, 0, 3, 0))' $each)
is "the ledger calls them nmi, and balances" "$(ctl ledger tick --json | jq -c '[.balanced, (.channels[] | .produced, .drained, .nmi)]')" \
	"[true,$((cpus * (each + 3))),$((71 + more)),$((cpus * 3))]"
check "stops orderly" stop
compare "what got into the ring came out of it, in order" <(jq -r .data.n "$T/x.out") <(seq 0 9; seq 100 155; seq 5000 5004; seq 6000 $((5999 + more)))

# A sink that takes nothing: first the spool is full, then the ring; the worker dies now and then, and still each number is
# in the file or counted.
sed 's/^channels:/spool: { size: 256K }\n&/' "$T/tick.yaml" >"$T/tight.yaml"
start y "$T/tight.yaml" || { not_ok "an instance with a small spool gets ready"; done_testing; }
ticker 10
check "ten events pass a small spool" balanced 5
sinkd=$(daemon_pid sinkd)
kill -STOP "$sinkd"
for first in 10 2010 4010; do
	ticker 2000 "$first" 4000
	kill -9 "$(worker_pid tight)"
	wait_for 5 all_alive tight
done
kill -CONT "$sinkd"
check "the ledger balances after a pause of sinkd" balanced 10
full=$(ctl ledger tight --json | jq '[.channels[].ring_full] | add')
check "most found no room ($full)" test "$full" -gt 1000
check "stops orderly" stop
jq -r .data.n "$T/y/log/tight.jsonl" >"$T/got"
is "what is not in the file was counted" "$(($(wc -l <"$T/got") + full))" 6010
is "in order, none twice" "$(sort -nu "$T/got" | cksum)" "$(cksum <"$T/got")"
compare "and on stdout" <(jq -r .data.n "$T/y.out") "$T/got"
done_testing
