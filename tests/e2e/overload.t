#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A sink that stands still, and one that takes a tenth of what comes: with `full: stop` events wait in the ring, which counts what it loses;
# with `full: drop_newest` no ring fills, and results that find no room are counted. Either way each event is delivered once or counted, and
# memory stays what it was. Both programs see the same events, whose number is known outside.
. "$(dirname "$0")/lib.sh"
[ -z "${EBPF_AGENT_UNITS:-}" ] || skip_all "units have no stdout"

# The one ring is small, so that it fills soon; the other would hold it all for as long as its worker has no CPU.
for p in stop drop_newest; do
	[ $p = stop ] && ring=262144 || ring=67108864
	cat >"$T/$p.yaml" <<Y
programs:
  - name: tick
    type: ebpf_object
    path: $BUILD/tests/bpf/tick_big.bpf.o
    properties: { variables: { tick_magic: $MAGIC }, maps: { ticks: { max_entries: $ring } } }
channels:
  ticks: { type: ring_buffer }
spool: { size: 256K, full: $p }
storage:
  file: { rotate-size: 64M, keep: 10 }
Y
done
start x "$T/stop.yaml" "$T/drop_newest.yaml" || { not_ok "an instance with two programs gets ready"; done_testing; }
ok "an instance with two programs gets ready"
like "show says what becomes of a full spool" "$(ctl show drop_newest)" 'full spool +drops what comes newly, counted as spool_full'
like "and the other one" "$(ctl show stop)" 'full spool +stops the draining'

sum() { ctl ledger "$1" --json | jq "[.$2[].$3] | add"; }
lines() { cat "$T/x/log/$1.jsonl"* | wc -l; }
twice() { grep -ohE '"id":"[^"]+"' "$T/x/log/$1.jsonl"* | sort | uniq -d | wc -l; }
# expect WHEN PRODUCED: the ledgers balance, and all that was produced is in a file or has a name
expect() {
	check "$1: the ledger balances" balanced 60
	is "$1, stop: produced = in the file + lost in the ring" "$(($(lines stop) + $(sum stop channels ring_full)))" "$2"
	is "$1, stop: nothing was lost behind the ring" "$(sum stop events spool_full)" 0
	is "$1, drop_newest: produced = in the file + lost for want of room" "$(($(lines drop_newest) + $(sum drop_newest events spool_full)))" "$2"
	is "$1, drop_newest: the ring lost nothing" "$(sum drop_newest channels ring_full)" 0
	is "$1: none is there twice" "$(twice stop) $(twice drop_newest)" "0 0"
}

sinkd=$(daemon_pid sinkd)
kill -STOP "$sinkd"
ticker 20000
all_drained() { [ "$(spool_says drop_newest source drained)" = 20000 ]; }
check "a sink that stands still: drop_newest drains all the same" wait_for 10 all_drained
check "stop does not" test "$(spool_says stop source drained)" -lt 10000
kill -CONT "$sinkd"
expect "a sink that stood still" 20000
check "stop lost events in its ring" test "$(sum stop channels ring_full)" -gt 0
check "drop_newest lost results" test "$(sum drop_newest events spool_full)" -gt 0

# Private memory: rings and spools are sized by their owner.
private_kb() { awk '/^Pss_Anon:/ { print $2 }' "/proc/$1/smaps_rollup"; }
who="channeld sinkd stop drop_newest"
declare -A before most
for w in $who; do before[$w]=$(private_kb "$(victim "$w")"); most[$w]=${before[$w]}; done
was_stop=$(lines stop) was_drop=$(lines drop_newest)
EVENTS=${OVERLOAD_EVENTS:-600000}
TICK_MAGIC=$MAGIC "$BUILD/tests/tools/ticker" "$EVENTS" 20000 & TICKER=$!
PIDS+=("$TICKER")
while kill -0 "$TICKER" 2>/dev/null; do
	kill -STOP "$sinkd"; sleep 0.2
	for w in $who; do
		kb=$(private_kb "$(victim "$w")")
		[ "${kb:-0}" -le "${most[$w]}" ] || most[$w]=$kb
	done
	kill -CONT "$sinkd"; sleep 0.01
done
kill -CONT "$sinkd"
wait "$TICKER"; forget "$TICKER"
expect "overload" $((20000 + EVENTS))
say "of $EVENTS events the files got $(($(lines stop) - was_stop)) (stop) and $(($(lines drop_newest) - was_drop)) (drop_newest)"
check "it was an overload of ten times and more" test $(($(lines drop_newest) - was_drop)) -lt $((EVENTS / 10))
for w in $who; do
	say "$w: ${before[$w]} kB before, at most ${most[$w]} kB"
	check "memory of $w stays flat" test "${most[$w]}" -le $((before[$w] + ${SAN:+20}4096))
done
check "stops orderly" stop
done_testing
