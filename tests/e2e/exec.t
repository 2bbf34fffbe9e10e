#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# exec: 1,000 children with random arguments and ends, from several parents, beside unrelated processes: every event
# agrees with the log of whoever started them, one to one.
. "$(dirname "$0")/lib.sh"
. "$ROOT/tests/e2e/lib_children.sh"

start x "$ROOT/programs/exec.yaml" || { not_ok "an instance with exec.yaml gets ready"; done_testing; }
ok "an instance with exec.yaml gets ready"

(while :; do /bin/true; sleep 0.01; done) & NOISE=$!
PIDS+=("$NOISE")
check "1,000 children end as they were told" "$BUILD/tests/tools/spawner" 1000 4 "$RANDOM" "$T/log"
kill "$NOISE"; wait "$NOISE" 2>/dev/null; forget "$NOISE"
check "500 processes end whose two threads end at the same instant" eval "'$BUILD/tests/tools/twins' 500 >'$T/twins'"
check "the ledger balances at rest" balanced 5
wait_for 5 ledger_of_one_moment
check "stops orderly" stop
check "every line is JSON" all_json "$T/x.out"

compare "every end: pid, ppid, comm, exit code or signal" <(children_told "$T/log" EXIT "$T/x.out") <(children_ends "$T/log")
jq -r 'select(.data.kind == "EXIT" and .data.comm == "twins" and .data.exit_code == 7) | .data.pid' "$T/x.out" | sort >"$T/got.twins"
sort "$T/twins" >"$T/wanted.twins"
compare "one end each of those whose threads ended together" "$T/got.twins" "$T/wanted.twins"
compare "every start: pid, ppid, comm, arguments" <(children_told "$T/log" EXEC "$T/x.out") <(children_starts "$T/log")

is "each line has the envelope" "$(jq -c 'select((keys_unsorted == ["ts","ts_source","host","program","channel","event","id","tags","data"]) | not)' "$T/x.out" | wc -l)" 0
is "no id twice" "$(jq -r .id "$T/x.out" | sort | uniq -d | wc -l)" 0
is "run times are those of children" "$(jq -r 'select(.data.kind == "EXIT" and (.data.comm | startswith("kid-")) and (.data.run_ns <= 0 or .data.run_ns > 60e9)) | .id' "$T/x.out" | wc -l)" 0
first=$(head -1 "$T/x.out" | jq -r '.ts[:19] + "Z" | fromdate')
check "ts is wall time" test $((first > $(date +%s) - 600 && first <= $(date +%s))) = 1
cmp "$T/x.out" "$T/x/log/exec.jsonl" >/dev/null && ok "the file has what stdout had, in the same order" || not_ok "the file has what stdout had, in the same order"
# Read live: asking for the ledger starts processes, which are events.
is "produced is the kernel's own counter, and accounts for all" "$(jq '[.channels[] | .produced - .drained - .pending - .ring_full - .nmi - .lost] | add' "$T/ledger.json")" 0
check "and there were as many as the children made, at least" test "$(jq '[.channels[].produced] | add' "$T/ledger.json")" -ge 2000
done_testing
