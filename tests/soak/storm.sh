#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# make soak: KILLS (1000) random kill -9 over workers, channeld and sinkd at 20,000 events a second, round by round. After each round and at
# the end, for each program of lib_storm.sh: produced = delivered + counted, to the event, and nothing twice in its file. SEED=N repeats a
# storm as far as the machine lets it; ROUND is how many events a round has.
. "$(dirname "$0")/../e2e/lib.sh"
. "$ROOT/tests/e2e/lib_storm.sh"

: "${KILLS:=1000}" "${SEED:=$$}" "${ROUND:=200000}"
RANDOM=$SEED
say "SEED=$SEED KILLS=$KILLS ROUND=$ROUND"
yamls=()
for p in $STORM_PROGRAMS; do
	storm_yaml "$p" >"$T/$p.yaml"
	yamls+=("$T/$p.yaml")
	: >"$T/$p.said"
done
start x "${yamls[@]}" || { not_ok "an instance with all programs gets ready"; done_testing; }
ok "an instance with all programs gets ready"

# At rest: what the rotated files have is noted, and they go.
harvest() {
	local p f
	for p in $STORM_PROGRAMS; do
		for f in "$T/x/log/$p.jsonl".*; do
			[ -f "$f" ] || continue
			storm_said "$p" "$f" >>"$T/$p.said"
			rm "$f"
		done
	done
	: >"$T/x.out"
}
counted() { ctl ledger "$1" --json | jq '[.channels[] | .ring_full, .nmi, .lost] + [.events[] | .decode, .so_error, .so_crash, .so_timeout, .filtered, .oversize, .spool_full] + [.sinks[] | select(.sink == "file") | .rejected, .disk_full, .expired, .damaged] | map(numbers) | add'; }
delivered() { { cat "$T/$1.said"; storm_said "$1" "$T/x/log/$1.jsonl"*; } | storm_count "$1"; }
# A map is read a while after the last event.
settled() { local p; for p in $STORM_PROGRAMS; do [ $(($(delivered "$p") + $(counted "$p"))) = "$produced" ] || return 1; done; }

produced=0 round=0 began=$SECONDS before=-1
while [ "$kills" -lt "$KILLS" ]; do
	storm_produce "$ROUND" "$produced" 20000 "$T/x" & TICKER=$!
	PIDS+=("$TICKER")
	# shellcheck disable=SC2086
	storm_while 'kill -0 $TICKER 2>/dev/null && [ $kills -lt $KILLS ]' $STORM_PROGRAMS $STORM_PROGRAMS channeld sinkd sinkd
	wait "$TICKER"; forget "$TICKER"
	produced=$((produced + ROUND)) round=$((round + 1))
	wait_for 60 all_there ${#yamls[@]} && balanced 120 || { not_ok "round $round: the ledger balances at rest"; ctl ledger; break; }
	harvest
	wait_for 20 settled
	for p in $STORM_PROGRAMS; do
		delivered=$(delivered "$p") lost=$(counted "$p")
		[ $((delivered + lost)) = "$produced" ] || not_ok "round $round, $p: produced $produced, delivered $delivered, counted $lost"
	done
	echo "# round $round, $((SECONDS - began)) s: $kills kills, $stops stops, $produced events: all are delivered or counted"
	[ "$kills" -gt "$before" ] || not_ok "round $round: somebody was killed"
	before=$kills
	[ "$FAILED" = 0 ] || break
done
is "killed as often as asked for" "$([ "$kills" -ge "$KILLS" ] && echo yes)" yes
for p in $STORM_PROGRAMS; do
	storm_said "$p" "$T/x/log/$p.jsonl" >>"$T/$p.said"
	sort -n "$T/$p.said" >"$T/got"
	is "$p: produced = delivered + counted" "$(($(storm_count "$p" <"$T/got") + $(counted "$p")))" "$produced"
	is "$p: nothing twice" "$(cut -d' ' -f1 "$T/got" | sort | uniq -d | wc -l)" 0
	[ "$p" = map ] || is "$p: nothing that was not produced" "$(awk -v n="$produced" '$1 < 0 || $1 >= n' "$T/got" | wc -l)" 0
	say "$p: $(storm_count "$p" <"$T/got") delivered, $(counted "$p") counted: $(ctl ledger "$p" --json | jq -c '[(.channels[], .events[]) | to_entries[] | select(.key | test("ring_full|nmi|lost|decode|so_|filtered|oversize|spool_full")) | select(.value != 0) | {(.key): .value}] | add // {}')"
done
check "stops orderly" stop
done_testing
