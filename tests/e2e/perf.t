#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Perf buffers, one per CPU: every event is there, once, in the order in which its process made it, although that moves from
# CPU to CPU; what found no room is counted by the kernel; worker, channeld and loaderd may die one at a time, and if
# channeld and loaderd die together, the ledger says that nobody knows what was in the buffers.
. "$(dirname "$0")/lib.sh"

program() {	# NAME CHANNEL-OPTIONS…
	cat >"$T/$1.yaml" <<Y
programs:
  - { name: tick, type: ebpf_object, path: $BUILD/tests/bpf/tick_perf.bpf.o, properties: $TICKS }
channels:
  ticks: { type: perf_buffer${2:+, $2} }
Y
}
# row PROGRAM KEY, of the ledger as it is now
row() { ctl ledger "$1" --json | jq -r ".channels[0].$2"; }
ns() { jq .data.n "$T/x/log/$1.jsonl"; }

program tick "buffer: 1M"
start x "$T/tick.yaml" || { not_ok "an instance with a perf buffer gets ready"; sed 's/^/# /' "$T/x.err"; done_testing; }
ok "an instance with a perf buffer gets ready"
CPUS=$(nproc)
like "show says how large it is, and on how many CPUs" "$(ctl show tick)" "1048576 bytes on each of $CPUS CPU"
like "and where an event's time comes from" "$(ctl show tick)" "time +the kernel's"

# ---- order
export TICK_HOP=1
ticker 20000 0 10000
unset TICK_HOP
check "the ledger balances at rest" balanced 10
is "the program counted what was made" "$(row tick produced)" 20000
is "all of it was drained" "$(row tick drained)" 20000
is "none was lost" "$(row tick lost)" 0
seq 0 19999 >"$T/wanted"
check "every event is in the file, once, in order" cmp <(ns tick) "$T/wanted"
is "although they come from all CPUs" "$(jq .data.cpu "$T/x/log/tick.jsonl" | sort -un | wc -l)" "$CPUS"
is "their time is the kernel's" "$(jq -r .ts_source "$T/x/log/tick.jsonl" | sort -u)" kernel
check "and never goes back" sort -c <(jq -r .ts "$T/x/log/tick.jsonl")
is "nothing of the kernel's padding is seen" "$(jq -c .data.spare "$T/x/log/tick.jsonl" | sort -u)" "[0,0,0,0,0,0,0]"

# ---- kills
ticker 12000 20000 2000 & TICKER=$!
PIDS+=("$TICKER")
# As long as one of the two holds the buffers nothing is lost; a new one has them only once the other has handed them over.
both_hold() { holds channeld perf_event && holds loaderd perf_event; }
kills=0
for round in 1 2 3; do
	for who in tick channeld loaderd sinkd; do
		sleep 0.4
		wait_for 10 both_hold
		kill_one $who && kills=$((kills + 1))
	done
done
wait "$TICKER"; forget "$TICKER"
is "twelve kills" $kills 12
check "all are there again" wait_for 10 all_alive $DAEMONS tick
check "the ledger balances at rest" balanced 20
is "none was lost" "$(row tick lost)" 0
seq 0 31999 >"$T/wanted"
check "every event is in the file, once, in order" cmp <(ns tick) "$T/wanted"

# ---- overflow
program small "buffer: 4K"
check "a second program, with buffers of a page" ctl load "$T/small.yaml"
before=$(row small produced)
wait_for 10 all_alive small
kill -STOP "$(worker_pid small)"
ticker 3000 50000
pending=$(row small pending)
like "while its worker stands still, its buffers are full" "$pending" '^[1-9][0-9]*$'
is "and the ledger knows what found no room" "$(($(row small lost) + pending + $(row small drained)))" "$(row small produced)"
kill -CONT "$(worker_pid small)"
check "the ledger balances at rest" balanced 10
is "its program counted what was made" "$(($(row small produced) - before))" 3000
check "some were lost" test "$(row small lost)" -gt 0
is "as many as are not in the file" "$(($(row small lost) + $(wc -l <"$T/x/log/small.jsonl")))" "$(row small produced)"
kill_one small
check "a new worker counts none of them twice" balanced 10
check "status says so" wait_for 5 eval 'ctl status | grep -q "small.*lost"'

# ---- unloading
ticker 5000 100000 & TICKER=$!
PIDS+=("$TICKER")
wait "$TICKER"; forget "$TICKER"
kill -STOP "$(worker_pid tick)"
ticker 1000 200000
(sleep 0.5; kill -CONT "$(worker_pid tick)") &
PIDS+=("$!")
check "unloading waits for what is in the buffers" ctl unload tick
is "all of it is in the file" "$(grep -cE '"n":200[0-9]{3}' "$T/x/log/tick.jsonl")" 1000

# ---- both die
check "loaded again" ctl load "$T/tick.yaml"
ticker 100 300000
check "the ledger balances at rest" balanced 10
kill -STOP "$(worker_pid tick)"
ticker 50 400000
inside loaderd chmod 0550 "$RUN/manifest"
kill -9 "$(daemon_pid channeld)" "$(daemon_pid loaderd)"
unsaid() { ctl status --json | grep -q 'tick: its manifest cannot be written'; }
check "if channeld and loaderd die together, and that cannot be written down" wait_for 20 unsaid
sleep 2.5
check "there are no new buffers that would hide it" eval '! holds loaderd perf_event'
inside loaderd chmod 2750 "$RUN/manifest"
there() { [ "$(row tick lost)" = unknown ] && [ -n "$(worker_pid tick)" ]; }
check "once it can be, lost is unknown" wait_for 20 there
like "and status says why" "$(ctl status)" "how many events were in them is unknown"
settled() { ticker 1 500000; grep -q '"n":500000' "$T/x/log/tick.jsonl"; }
check "new buffers take new events" wait_for 10 settled
n=$(row tick produced)
ticker 500 600000
check "to the last one" wait_for 10 eval "[ \$(grep -cE '\"n\":600[0-9]{3}' '$T/x/log/tick.jsonl') = 500 ]"
is "and the ledger does not claim to know better" "$(row tick balance)" unknown
check "stops orderly" stop
done_testing
