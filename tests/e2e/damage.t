#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A spool that is damaged in memory while a program runs: what was in it and can be read is delivered, what cannot is counted as damaged, and
# said; the head is whole again within a second, and so is a file that was cut.
. "$(dirname "$0")/lib.sh"
[ -z "${EBPF_AGENT_UNITS:-}" ] || skip_all "units have no stdout"

printf 'programs:\n  - { name: tick, type: ebpf_object, path: %s, properties: %s }\nchannels:\n  ticks: { type: ring_buffer }\n' "$BUILD/tests/bpf/tick_big.bpf.o" "$TICKS" >"$T/tick.yaml"
start x "$T/tick.yaml" || { not_ok "an instance gets ready"; done_testing; }
ok "an instance gets ready"
spool() { inside channeld "$@"; }
# scribble OFFSET BYTES: into the spool, beneath those who have it open
scribble() { spool dd if=/dev/urandom of="$RUN/spool/tick.spool" bs=1 seek="$1" count="$2" conv=notrunc status=none; }
lines() { wc -l <"$T/x/log/tick.jsonl"; }
file() { ctl ledger tick --json | jq -r "[.sinks[] | select(.sink == \"file\") | .$1] | .[0]"; }
HEAD=$(sed -nE 's/^#define SPOOL_HEAD_SIZE ([0-9]+)u.*/\1/p' "$ROOT/abi/spool.h")

ticker 1000
check "it runs" balanced 10
sinkd=$(daemon_pid sinkd)
kill -STOP "$sinkd"
ticker 1000 1000
drained() { [ "$(spool_says tick source drained)" = 2000 ]; }
check "events wait in the spool" wait_for 10 drained
# Behind what was delivered: its end is where the file's cursor stands.
at=$(spool_says tick "cursor file" pos)
scribble $((HEAD + at + 5000)) 3000
kill -CONT "$sinkd"
check "the ledger balances" balanced 10
lost=$(file damaged)
check "some records are lost ($lost), and few" test "$lost" -ge 5 -a "$lost" -le 40
is "all others are in the file" "$(lines)" $((2000 - lost))
check "every line of it is whole" all_json "$T/x/log/tick.jsonl"
like "status says it" "$(degraded)" 'its spool was damaged in memory'
ticker 1000 2000
check "and it goes on" balanced 10
is "with nothing more lost" "$(lines)" $((3000 - lost))

first() { spool head -c 64 "$RUN/spool/tick.spool" | cksum; }
was=$(first)
scribble 4096 64
scribble 0 64	# whoever mends this mends the other one, too
whole() { [ "$(first)" = "$was" ]; }
check "a damaged head is whole again" wait_for 10 whole
check "it is said" wait_for 5 grep -q 'the head of its spool was damaged in memory, and is whole again' "$T/x.err"
ticker 1000 3000
check "the ledger balances" balanced 10
is "nothing is lost" "$(lines)" $((4000 - lost))

worker=$(worker_pid tick)
spool truncate -s $((HEAD + 4096)) "$RUN/spool/tick.spool"
another() { [ -n "$(worker_pid tick)" ] && [ "$(worker_pid tick)" != "$worker" ]; }
check "a file that was cut: another worker begins" wait_for 10 another
ticker 1000 4000
check "the ledger balances" balanced 15
is "what was delivered is, what comes is, nothing is lost" "$(lines) $(file damaged)" "$((5000 - lost)) $lost"
check "nothing was set aside" test -z "$(spool ls "$RUN/spool" | grep bad)"
check "stops orderly" stop
done_testing
