#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Polled maps of every kind: what comes out adds up to what bpftool reads in them, to the last one, also when the worker
# or channeld is killed in the middle of readings.
. "$(dirname "$0")/lib.sh"

# dump MAP: of the last instance's program, each entry of it in a line of JSON
dump() {
	local id
	id=$(ctl show "$NAME" --json | jq -r ".. | objects | select(.name? == \"$1\" and .id? != null) | .id" | head -1)
	bpftool -j map dump id "$id" | jq -c '.[] | .formatted // .'
}
# sums CHANNEL OUT: of each metric and its labels, what its samples add up to: "METRIC LABELS SUM", sorted
sums() {
	jq -cr "select(.channel == \"$1\") | .data | [.name, ([.labels[]] | join(\",\")), .value // .count] | @tsv" "$2" |
		awk -F'\t' '{ s[$1 " " $2] += $3 } END { for (k in s) print k, s[k] }' | sort
}

polled small 64 <<'Y'
  by_hash: { type: map, interval: 100ms, reset: true, metric: calls, values: [calls, sum] }
  by_index: { type: map, interval: 100ms, reset: true }
  total: { type: map, interval: 200ms, kind: gauge }
  per_cpu: { type: map, interval: 100ms, reset: true, labels: { which: key } }
  cpu_hash: { type: map, interval: 100ms, reset: true, values: [calls] }
  recent: { type: map, interval: 100ms, reset: true }
  cpu_lru: { type: map, interval: 100ms, per_cpu: true, reset: true }
  sizes: { type: map, interval: 100ms, reset: true, buckets: { unit: bytes } }
  linear: { type: map, interval: 100ms, reset: true, buckets: { scale: linear, step: 10 } }
  stacks: { type: map, interval: 100ms }
Y
NAME=small
start x "$T/small.yaml" || { not_ok "an instance with polled maps gets ready"; done_testing; }
ok "an instance with polled maps gets ready"
for _ in 1 2 3 4 5; do ticker 2000 0 20000; done
sleep 0.5
for map in by_hash by_index total per_cpu cpu_hash recent cpu_lru sizes linear stacks; do dump $map >"$T/$map.json"; done
ticker 77
check "unloads" ctl unload small
check "stops orderly" stop
out=$T/x.out
# Unloading reads them once more: what was added after the dump, 77 times, is in it.
added() { awk -v n=77 -v every="$1" 'BEGIN { for (i = 0; i < n; i++) print i % every }' | sort | uniq -c; }
with_last() { awk 'NR == FNR { add[$2] = $1; next } { print $1, $2, $3 + add[$2] }' <(added "$1") - | sort; }
compare "hash: calls" <(sums by_hash "$out" | grep '^calls_calls' | sed 's/,ticker//') \
	<(jq -r '"calls_calls \(.key.n) \(.value.calls)"' "$T/by_hash.json" | with_last 64)
is "hash: another value of the same entries" "$(sums by_hash "$out" | awk '/^calls_sum/ { s += $3 } END { print s }')" \
	$((5 * 1999 * 1000 + 76 * 77 / 2))
compare "array" <(sums by_index "$out") <(jq -r '"by_index \(.key) \(.value)"' "$T/by_index.json" | with_last 64)
is "a gauge: its last sample" "$(jq -r 'select(.channel == "total") | .data | "\(.type) \(.labels | length) \(.value)"' "$out" | tail -1)" "gauge 0 10077"
compare "per-CPU array, summed" <(sums per_cpu "$out") \
	<(jq -r '"per_cpu \(.key) \([.values[].value] | add)"' "$T/per_cpu.json" | with_last 4)
compare "per-CPU hash, summed" <(sums cpu_hash "$out") \
	<(jq -r '"cpu_hash \(.key) \([.values[].value.calls] | add)"' "$T/cpu_hash.json" | with_last 64)
compare "LRU hash" <(sums recent "$out") <(jq -r '"recent \(.key) \(.value)"' "$T/recent.json" | with_last 64)
compare "per-CPU LRU hash, by CPU" <(sums cpu_lru "$out" | sed -E 's/,[0-9]+ / /' | awk '{ s[$1 " " $2] += $3 } END { for (k in s) print k, s[k] }' | sort) \
	<(jq -r '"cpu_lru \(.key) \([.values[].value] | add)"' "$T/cpu_lru.json" | with_last 64)
is "which have a label cpu" "$(jq -r 'select(.channel == "cpu_lru") | .data.labels | keys | join(" ")' "$out" | sort -u)" "cpu key"
compare "log2 histogram: how many in all" <(sums sizes "$out") \
	<(jq -r '"sizes \(.key) \([.value.slots[]] | add)"' "$T/sizes.json" | with_last 4)
buckets() { jq -cr "select(.channel == \"$1\") | .data.buckets[] | @tsv" "$out" | awk '{ s[$1] += $2 } END { for (k in s) print k, s[k] }' | sort -n; }
# n % 1000, of which slot i counts 2^i up to 2^(i+1) - 1; ten times 0 to 999, and 0 to 76
compare "log2 histogram: each bucket" <(buckets sizes) \
	<({ for _ in {1..10}; do seq 0 999; done; seq 0 76; } | awk '{ b = 1; while (b < $1) b = b * 2 + 1; s[b]++ } END { for (k in s) print k, s[k] }' | sort -n)
is "and their unit" "$(jq -r 'select(.channel == "sizes") | .data | .type + " " + .unit' "$out" | sort -u)" "histogram bytes"
compare "linear histogram: each bucket" <(buckets linear) \
	<({ for _ in {1..5}; do seq 0 1999; done; seq 0 76; } | awk '{ b = int($1 % 160 / 10) * 10 + 9; s[b]++ } END { for (k in s) print k, s[k] }' | sort -n)
compare "stacks: each once, with its addresses" <(jq -r 'select(.channel == "stacks") | .data | "\(.stack_id) \(.addresses | length > 0)"' "$out" | sort) \
	<(jq -r 'select(.channel == "stacks") | .data | "\(.stack_id) true"' "$out" | sort -u)
# As bpftool has them, byte by byte; 0 ends them.
jq -c '[.value | range(0; length; 8) as $i | .[$i:$i + 8] | reverse | map(.[2:]) | join("") | sub("^0+"; "0x")] | .[:index("0x")]' "$T/stacks.json" | sort >"$T/addresses"
compare "stacks: the addresses that are in the map" <(jq -c 'select(.channel == "stacks") | .data.addresses' "$out" | grep -Fxf "$T/addresses" | sort) "$T/addresses"
check "there was one" grep -q '"stack_id":[0-9]*,"addresses":\["0x' "$out"
check "all samples of a reading have its time" test "$(jq -r 'select(.channel == "by_index") | .ts' "$out" | sort -u | wc -l)" -lt "$(jq -r 'select(.channel == "by_index") | .ts' "$out" | wc -l)"
jq -r 'select(.channel == "total") | .ts' "$out" | sort -u >"$T/readings"
check "there are as many as the interval allows: $(wc -l <"$T/readings"), 200 ms apart" jq -enR '
	def ms: (.[:19] + "Z" | fromdate) * 1000 + (.[20:23] | tonumber);
	[inputs | ms] | length > 3 and length <= (last - first) / 200 + 2' "$T/readings"
is "which is no event's" "$(jq -r .ts_source "$out" | sort -u)" drain

# Long readings, a small spool, and a worker that never gets through one.
polled large 4096 <<'Y'
  by_hash: { type: map, interval: 20ms, reset: true, metric: calls, values: [calls, sum] }
  cpu_lru: { type: map, interval: 20ms, reset: true }
Y
NAME=large
start y "$T/large.yaml" || { not_ok "an instance with large maps gets ready"; done_testing; }
ok "an instance with large maps gets ready"
TICK_MAGIC=$MAGIC "$BUILD/tests/tools/ticker" 120000 0 10000 & TICKER=$!
PIDS+=("$TICKER")
kills=0
while kill -0 "$TICKER" 2>/dev/null; do
	sleep 0.0$((RANDOM % 90 + 10))
	if [ $((kills % 5)) = 4 ]; then kill_one channeld; else kill_one large; fi && kills=$((kills + 1))
done
wait "$TICKER"; forget "$TICKER"
check "some kills ($kills)" test $kills -gt 9
wait_for 5 all_alive large channeld
check "the ledger balances" balanced 20
check "unloads" ctl unload large
check "stops orderly" stop
seq 0 119999 | awk '{ n[$1 % 4096]++ } END { for (k in n) print "calls_calls", k, n[k] }' | sort >"$T/wanted"
compare "hash: nothing lost, nothing twice" <(sums by_hash "$T/y.out" | grep '^calls_calls' | sed 's/,ticker//') "$T/wanted"
compare "per-CPU LRU: nothing lost, nothing twice" <(sums cpu_lru "$T/y.out") <(sed 's/^calls_calls/cpu_lru/' "$T/wanted")
is "no id twice" "$(jq -r .id "$T/y.out" | sort | uniq -d | head -3)" ""
done_testing
