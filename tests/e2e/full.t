#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# An output folder that is full, then read-only: the file sink is degraded, visibly, holds nothing else back, and recovers. One that shall
# not wait gives lines up, and counts each.
. "$(dirname "$0")/lib.sh"

printf 'programs:\n  - { name: tick, type: ebpf_object, path: %s, properties: %s }\nchannels:\n  ticks: { type: ring_buffer }\n' "$BUILD/tests/bpf/tick_big.bpf.o" "$TICKS" >"$T/tick.yaml"
start x "$ROOT/programs/oom.yaml" || { not_ok "an instance gets ready"; done_testing; }
ok "an instance gets ready"
inside sinkd mount -t tmpfs -o size=16k,mode=0777 full "$LOG"
check "a program loads" ctl load "$T/tick.yaml"
file() { ctl ledger tick --json | jq -r "[.sinks[] | select(.sink == \"file\") | .$1] | .[0]"; }

ticker 500
all_out() { [ "$(wc -l <"$T/x.out")" -ge "$1" ]; }
[ -n "${EBPF_AGENT_UNITS:-}" ] || check "stdout has all, whatever the file does" wait_for 5 all_out 500
full() { degraded | grep -qiE 'no space|full'; }
check "status says that the disk is full" wait_for 5 full
say "$(degraded)"
check "what the file lacks is pending, not lost" test "$(file pending)" -gt 400
is "pending and delivered are all" $(($(file pending) + $(file acked))) 500
inside sinkd mount -o remount,size=8m full "$LOG"
check "with room again it recovers by itself" balanced 10
is "and has everything" "$(file acked)" 500
clear() { ! full; }
check "and says so" wait_for 5 clear

# One that gives up: what found no room is counted, nothing waits, also when sinkd is killed in between.
{ sed 's/name: tick,/name: drops,/' "$T/tick.yaml"; echo 'storage: { file: { when-full: drop } }'; } >"$T/drops.yaml"
check "the program unloads" ctl unload tick
inside sinkd mount -t tmpfs -o size=16k,mode=0777 small "$LOG"
check "one that shall not wait loads" ctl load "$T/drops.yaml"
of() { ctl ledger drops --json | jq -r "[.sinks[] | select(.sink == \"file\") | .$1] | .[0]"; }
for first in 0 1000 2000; do
	ticker 1000 $first
	# A unit's folder that was mounted over goes with its process.
	[ -n "${EBPF_AGENT_UNITS:-}" ] || kill_one sinkd
done
check "nothing waits" balanced 20
check "most was given up, and is counted: $(of disk_full)" test "$(of disk_full)" -gt 2900
is "that, and what the file has, are all" $(($(of disk_full) + $(of acked))) 3000
given_up() { degraded | grep -q 'no space left: lines are given up'; }
ticker 100 3000
check "status says so" wait_for 5 given_up
inside sinkd mount -o remount,size=8m small "$LOG"
ticker 500 3100
check "with room again it writes on" balanced 10
check "all of them" eval '[ "$(of acked)" -gt 500 ]'
next=3600
calm() { ticker 1 $next; next=$((next + 1)); ! given_up; }
check "and after a while says no more" wait_for 15 calm
check "the ledger balances" balanced 10
inside sinkd cat "$LOG/drops.jsonl" >"$T/drops"
check "every line of the file is whole" all_json "$T/drops"
is "as many as are counted" "$(wc -l <"$T/drops")" "$(of acked)"
compare "in order, none twice" <(jq -r .data.n "$T/drops") <(jq -r .data.n "$T/drops" | sort -nu)
compare "all since then are there" <(jq -r 'select(.data.n >= 3100) | .data.n' "$T/drops") <(seq 3100 $((next - 1)))
check "it unloads" ctl unload drops
inside sinkd umount -l "$LOG"
check "the first program loads again" ctl load "$T/tick.yaml"

# Read-only: a folder with a file that is open for writing cannot become so, hence another over it.
check "the program unloads" ctl unload tick
inside sinkd mount -t tmpfs -o ro ro "$LOG"
check "it loads again" ctl load "$T/tick.yaml"
ticker 100 500
readonly_said() { degraded | grep -qiE 'read-only'; }
check "status says that the folder is read-only" wait_for 5 readonly_said
inside sinkd umount -l "$LOG"
check "writable again, it recovers by itself" balanced 10
inside sinkd cat "$LOG/tick.jsonl" >"$T/file"
check "stops orderly" stop
check "every line of the file is whole" all_json "$T/file"
compare "the file has every event once, in order" <(jq -r .data.n "$T/file") <(seq 0 599)
done_testing
