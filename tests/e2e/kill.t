#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# kill -9 of each daemon in turn, and of the worker, while events come: nothing is lost, nothing is in the file twice,
# the ledger balances.
. "$(dirname "$0")/lib.sh"

start x "$ROOT/programs/exec.yaml" || { not_ok "an instance with exec.yaml gets ready"; done_testing; }
ok "an instance with exec.yaml gets ready"

"$BUILD/tests/tools/spawner" 1000 2 "$RANDOM" "$T/log" 8000 & SPAWNER=$!
PIDS+=("$SPAWNER")
kills=0
victim() { if [ "$1" = worker ]; then worker_pid exec; else daemon_pid "$1"; fi; }
for round in 1 2; do
	for d in worker sinkd channeld loaderd tagd xdpd; do
		sleep 0.3
		wait_for 5 eval 'pid=$(victim '$d'); [ -n "$pid" ]'
		if [ -n "$pid" ] && kill -9 "$pid"; then kills=$((kills + 1)); else say "no $d to kill"; fi
	done
done
is "twelve kills" $kills 12
wait "$SPAWNER"; is "the children ended as they were told" $? 0; forget "$SPAWNER"
all_alive() { for d in loaderd tagd channeld sinkd xdpd; do [ -n "$(daemon_pid $d)" ] || return 1; done; [ -n "$(worker_pid exec)" ]; }
check "all daemons and the worker were started again" wait_for 10 all_alive
check "the ledger balances at rest" balanced 10
ctl ledger --json >"$T/ledger.json" || ctl ledger | sed 's/^/# /'
check "stops orderly" stop

pids=$(cut -d' ' -f1 "$T/log" | jq -sc 'map({(tostring): true}) | add')
flat() { jq -r --argjson p "$pids" 'select($p[.data.pid | tostring]) | .data | if .kind == "EXIT" then "\(.pid) \(.ppid) \(.comm) \(if .signal > 0 then "signal:\(.signal)" else "exit:\(.exit_code)" end)" else "\(.pid) \(.ppid) \(.comm) \(.args | tojson)" end' "$1" | sort; }
{ cut -d' ' -f1-4 "$T/log"; sed -E 's/^([^ ]+ [^ ]+ [^ ]+) [^ ]+/\1/' "$T/log"; } | sort >"$T/wanted"
flat "$T/x/log/exec.jsonl" >"$T/got"
compare "every start and end is in the file, once" "$T/got" "$T/wanted"
is "no id twice in the file" "$(jq -r .id "$T/x/log/exec.jsonl" | sort | uniq -d | wc -l)" 0
flat "$T/x.out" >"$T/got"
compare "every start and end is on stdout" <(sort -u "$T/got") "$T/wanted"
twice=$(jq -r .id "$T/x.out" | sort | uniq -d | wc -l)
is "what a new sinkd repeats is dropped by its id: nothing twice on stdout" "$twice" 0
is "the kernel's own count accounts for all" "$(jq '[.channels[] | .produced - .drained - .pending - .ring_full - .nmi - .lost] | add' "$T/ledger.json")" 0
like "the kills were said" "$(cat "$T/x.err")" 'sinkd'
done_testing
