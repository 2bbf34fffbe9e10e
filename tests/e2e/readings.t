#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Readings of a polled map that are removed or damaged beneath its worker: nothing is given twice, what was lost is unknown, and from the
# next reading on all is exact again.
. "$(dirname "$0")/lib.sh"
[ -z "${EBPF_AGENT_UNITS:-}" ] || skip_all "it looks into the folders of a private instance"

# by_hash NAME ENTRIES INTERVAL
by_hash() { polled "$1" "$2" <<<"  by_hash: { type: map, interval: $3, reset: true, metric: calls, values: [calls] }"; }
by_hash few 8 2s
start x "$T/few.yaml" || { not_ok "an instance with a polled map gets ready"; done_testing; }
ok "an instance with a polled map gets ready"
P=few
snapshot() { echo "$RUN/spool/$P.by_hash.snapshot"; }
number() { inside channeld od -An -tu8 -j $((1024 + 48 * $1)) -N 8 "$(snapshot)" | tr -d ' '; }	# of the reading in a half
# scribble HALF: its head
scribble() { inside channeld dd if=/dev/urandom of="$(snapshot)" bs=1 seek=$((1024 + 48 * $1)) count=48 conv=notrunc status=none; }
newest() { [ "$(number 0)" -gt "$(number 1)" ]; echo $?; }
sum() { jq -s 'map(.data.value) | add // 0' "$T/x/log/$P.jsonl"; }
sum_is() { [ "$(sum)" = "$1" ]; }
lost() { ctl ledger $P --json | jq -r '.channels[0].lost'; }
# another HALF: the worker is killed, and the next one has made a reading, in that half
another() {
	local before half=$1
	before=$(worker_pid $P)
	kill -9 "$before"
	anew() {
		local pid n
		pid=$(worker_pid $P) n=$(number "$half" 2>/dev/null)
		[ -n "$pid" ] && [ "$pid" != "$before" ] && [ -n "$n" ] && [ "${#n}" -lt 9 ] && [ "$n" -gt 0 ]
	}
	wait_for 10 anew
}

ticker 1000
check "what is added is given" wait_for 10 sum_is 1000
is "none is lost" "$(lost)" 0
inside channeld rm "$(snapshot)"
check "removed: another worker begins" another 0
is "it says so" "$(grep -c "channel 'by_hash': the last readings" "$T/x.err")" 1
is "what is lost is unknown" "$(lost)" unknown
ticker 300
check "what is added from then on is given, and nothing twice" wait_for 10 sum_is 1300

kill -STOP "$(worker_pid $P)"
scribble 0; scribble 1
check "damaged: another worker begins" another 0
ticker 40
check "what is added from then on is given, and nothing twice" wait_for 10 sum_is 1340

ticker 5
check "the last reading gave something" wait_for 10 sum_is 1345
kill -STOP "$(worker_pid $P)"
half=$(newest)
scribble "$half"
check "only that one is damaged: another worker begins" another "$half"
ticker 600
check "what is added from then on is given, and nothing twice" wait_for 10 sum_is 1945
is "each is said" "$(grep -c "channel 'by_hash': the last readings" "$T/x.err")" 3
is "no id twice" "$(jq -r .id "$T/x/log/few.jsonl" | sort | uniq -d | wc -l)" 0
check "unloads" ctl unload few

# In the middle of a long reading, whose other half is the one that is damaged.
by_hash many 4096 100ms
P=many
check "a second program" ctl load "$T/many.yaml"
ticker 4096
check "its first readings" wait_for 10 sum_is 4096
down sinkd
ticker 4096
# Nobody but channeld is asked: sinkd is away.
row() { channeld_rows Ledger many | jq -r "select(.kind == \"channel\") | .$1"; }
pending() { row pending | grep -vx 0; }
stuck() { local n; n=$(pending) && [ -n "$n" ] && sleep 0.5 && [ "$(pending)" = "$n" ]; }
check "it stands in the middle of one" wait_for 10 stuck
kill -STOP "$(worker_pid $P)"
scribble $((1 - $(newest)))
kill -9 "$(worker_pid $P)"
unknown() { [ "$(row lost)" = unknown ]; }
check "what was left of it is lost, nobody knows how much" wait_for 10 unknown
up
settled() { [ "$(ctl ledger many --json | jq '[.channels[0].pending] + [.sinks[].pending] | add')" = 0 ]; }
check "the others are delivered" wait_for 10 settled
before=$(sum)
check "some, not all ($before)" test "$before" -gt 4096 -a "$before" -lt 8192
ticker 4096
check "and nothing is missing of what is added from then on" wait_for 10 sum_is $((before + 4096))
is "no id twice" "$(jq -r .id "$T/x/log/many.jsonl" | sort | uniq -d | wc -l)" 0
check "stops orderly" stop
done_testing
