#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# kill -9 of each daemon in turn, and of the workers, while events come: nothing is lost, nothing is in the file twice, the
# ledger balances. Two programs: exec, and one whose events the test makes itself, so that it knows how many there are.
. "$(dirname "$0")/lib.sh"
. "$ROOT/tests/e2e/lib_children.sh"

cat >"$T/tick.yaml" <<Y
programs:
  - { name: tick, type: ebpf_object, path: $BUILD/tests/bpf/tick_big.bpf.o, properties: $TICKS }
channels:
  ticks: { type: ring_buffer }
Y
start x "$ROOT/programs/exec.yaml" "$T/tick.yaml" || { not_ok "an instance with exec.yaml and tick.yaml gets ready"; done_testing; }
ok "an instance with exec.yaml and tick.yaml gets ready"

"$BUILD/tests/tools/spawner" 1000 2 "$RANDOM" "$T/log" 8000 & SPAWNER=$!
PIDS+=("$SPAWNER")
TICKED=12000
TICK_MAGIC=$MAGIC "$BUILD/tests/tools/ticker" $TICKED 0 2000 & TICKER=$!
PIDS+=("$TICKER")
kills=0 during=0
for round in 1 2; do
	for who in exec tick sinkd channeld loaderd tagd xdpd; do
		sleep 0.3
		kill -0 "$TICKER" 2>/dev/null && during=$((during + 1))
		kill_one $who && kills=$((kills + 1))
	done
done
is "fourteen kills" $kills 14
check "of each kind while the ticker ticked" test $during -ge 7
wait "$TICKER"; is "it made all its events" $? 0; forget "$TICKER"
wait "$SPAWNER"; is "the children ended as they were told" $? 0; forget "$SPAWNER"
check "all daemons and the workers were started again" wait_for 10 all_alive $DAEMONS exec tick
check "the ledger balances at rest" balanced 10
wait_for 5 ledger_of_one_moment || ctl ledger | sed 's/^/# /'
check "stops orderly" stop

told() { children_told "$T/log" EXIT "$1"; children_told "$T/log" EXEC "$1"; }
{ children_ends "$T/log"; children_starts "$T/log"; } >"$T/wanted"
compare "every start and end is in the file, once" <(told "$T/x/log/exec.jsonl") "$T/wanted"
is "no id twice in the file" "$(jq -r .id "$T/x/log/exec.jsonl" | sort | uniq -d | wc -l)" 0
grep -F '"program":"exec"' "$T/x.out" >"$T/exec.out"
compare "every start and end is on stdout" <(told "$T/exec.out" | uniq) "$T/wanted"
twice=$(jq -r .id "$T/x.out" | sort | uniq -d | wc -l)
is "what a new sinkd repeats is dropped by its id: nothing twice on stdout" "$twice" 0
is "the kernel's own count accounts for all" "$(jq '[.channels[] | .produced - .drained - .pending - .ring_full - .nmi - .lost] | add' "$T/ledger.json")" 0

# What the test knows to the last one: not only that the ledger agrees with itself.
row() { jq "[.channels[] | select(.program == \"tick\") | .$1] | add" "$T/ledger.json"; }
is "produced is what the ticker made, no more, no less" "$(row produced)" $TICKED
is "all of it was drained" "$(row drained)" $TICKED
is "and acknowledged by every sink" "$(jq -c '[.sinks[] | select(.program == "tick") | .acked] | unique' "$T/ledger.json")" "[$TICKED]"
seq 0 $((TICKED - 1)) >"$T/wanted"
compare "every tick is in the file, once, in order" <(jq .data.n "$T/x/log/tick.jsonl") "$T/wanted"
grep -F '"program":"tick"' "$T/x.out" >"$T/tick.out"
compare "and on stdout" <(jq .data.n "$T/tick.out") "$T/wanted"
is "each has an id of its own" "$(jq -r .id "$T/x/log/tick.jsonl" | sort -u | wc -l)" $TICKED
like "the kills were said" "$(cat "$T/x.err")" 'sinkd'
done_testing
