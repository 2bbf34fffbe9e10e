#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Processors in Go: the first example's function as it was published, and one that emits several results and samples, gives keys
# and ends badly. They live in a sandbox like any other.
. "$(dirname "$0")/lib.sh"
[ -e "$BUILD/tests/go/emits.so" ] || skip_all "no Go compiler: the processors of tests/go are not built"

cat >"$T/go.yaml" <<Y
programs:
  - { name: tick, type: ebpf_object, path: $BUILD/tests/bpf/tick_slide.bpf.o, properties: $TICKS }
  - { name: oom_user, type: user_so, path: $BUILD/tests/go/oom_slide.so }
  - name: emits
    type: user_so
    path: $BUILD/tests/go/emits.so
    properties: { functions: [{ name: emits }, { name: hash, type: hash }] }
channels:
  oom_events: { type: ring_buffer }
events:
  - { name: oom_user, target_processor: process }
  - { name: emits, hash: hash }
Y
mkdir "$T/conf"
echo 'processor: { deadline: 20s }' >"$T/conf/channeld.yaml"
start x --config "$T/conf" "$T/go.yaml" || { not_ok "an instance with two processors in Go gets ready"; done_testing; }
ok "an instance with two processors in Go gets ready"
before=$(date +%s)
ticker 400
check "the ledger balances" balanced 30
ctl ledger go --json >"$T/ledger.json"
row() { jq "[.events[] | select(.event == \"$1\") | .$2] | add" "$T/ledger.json"; }
inside channeld "$BUILD/tests/tools/spoolcat" --keys --from 0 "$RUN/spool/go.spool" 2>/dev/null | sed -E 's/^([0-9]+) \{/{"key":\1,/' >"$T/spool"
compare "a key by a function" <(jq -r 'select(.event == "emits" and .data.n) | "\(.key) \(.data.n)"' "$T/spool") <(seq 0 399 | awk '$1 % 4 < 2 { print $1 % 5, $1 }')
is "the published function answered for each event" "$(row oom_user ok)" 400
is "ok: two of four" "$(row emits ok)" 200
is "results: a sample more for each second one" "$(row emits results)" 300
is "an error code" "$(row emits so_error)" 100
is "a nil dereference is blamed" "$(row emits so_crash)" 1
is "nothing to say" "$(row emits filtered)" 99
is "its runtime is refused nothing" "$(channeld_rows Processors | jq -r '"\(.event) \(.refused) \(.refused_calls)"' | sort)" $'emits 0 \noom_user 0 '
check "stops orderly" stop
check "every line is JSON" all_json "$T/x.out"
of() { jq -c "select(.event == \"$1\") | .data$2" "$T/x.out"; }
compare "its numbers are the events'" <(of oom_user .delta_time) <(seq 0 399)
is "its texts too" "$(of oom_user '| [.comm, .message]' | sort -u)" '["ticker","Out of memory"]'
check "its time is the wall's" test "$(of oom_user '| .timestamp / 1e9 | floor' | awk -v a="$before" '$1 >= a - 2 && $1 <= a + 120' | wc -l)" = 400
compare "samples" <(of emits '| select(.type?) | .labels.n' | tr -d '"') <(seq 1 4 399)
is "the channel's name" "$(of emits '| select(.channel) | .channel' | sort -u)" '"oom_events"'
done_testing
