#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# An output folder that is full, then read-only: the file sink is degraded, visibly, holds nothing else back, and recovers.
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
