#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A processor emits none, one or several results, and metric samples; its events are keyed by a function or a field, and those of
# one key stay in order. Several processors on one channel, several channels on one processor, whose functions share a process.
. "$(dirname "$0")/lib.sh"

cat >"$T/tick.yaml" <<Y
programs:
  - { name: one, type: ebpf_object, path: $BUILD/tests/bpf/tick_big.bpf.o, properties: $TICKS }
  - { name: two, type: ebpf_object, path: $BUILD/tests/bpf/tick_big.bpf.o, properties: $TICKS }
  - { name: three, type: ebpf_object, path: $BUILD/tests/bpf/tick_big.bpf.o, properties: $TICKS }
  - name: shapes
    type: user_so
    path: $BUILD/tests/so/shapes.so
    properties:
      functions:
        - { name: process, type: default }
        - { name: second, type: default }
        - { name: parity, type: hash }
        - { name: prepare, type: init, initfile: prepared.txt }
  - { name: moody, type: user_so, path: $BUILD/tests/so/plain.so }
channels:
  left: { type: ring_buffer, map: one.ticks }
  right: { type: ring_buffer, map: two.ticks }
  third: { type: ring_buffer, map: three.ticks }
events:
  - { name: shapes, channels: [left, right], target_processor: process, hash: parity }
  - { name: shapes, channels: [third], target_processor: second }
  - { name: moody, channels: [left], hash: n }
  - { name: plain, channels: [right], hash: parity }
Y
printf 'from the file' >"$T/prepared.txt"
start x "$T/tick.yaml" || { not_ok "an instance with three channels and three processors gets ready"; done_testing; }
ok "an instance with three channels and three processors gets ready"
like "show says whose function gives the key" "$(ctl show tick)" "what parity\(\) of shapes returns"
ticker 800
check "the ledger balances" balanced 20
is "each user_so has one sandbox, whatever asks it" "$(pgrep -c -P "$(pgrep -P "$(daemon_pid channeld)" -f ebpf-launcher | head -1)" ebpf-sandbox)" 2
inside channeld "$BUILD/tests/tools/spoolcat" --keys --from 0 "$RUN/spool/tick.spool" 2>/dev/null | sed -E 's/^([0-9]+) \{/{"key":\1,/' >"$T/spool"
keyed() { jq -r "select(.channel == \"$1\" and .event == \"$2\") | $3" "$T/spool"; }
compare "a key by a field is what it holds" <(keyed left moody .key) <(seq 0 799)
compare "one by a function is what that returns" <(keyed right plain .key) <(seq 0 799 | awk '{ print $1 % 2 }')
is "without either it is the process id" "$(keyed third shapes .key | sort -u)" "$(keyed right plain .data.pid | sort -u)"
ctl ledger tick --json >"$T/ledger.json"
row() { jq "[.events[] | select(.channel == \"$1\" and .event == \"$2\") | .$3] | add" "$T/ledger.json"; }
for c in left right; do
	is "$c: of 800, 100 were filtered" "$(row $c shapes filtered)" 100
	is "$c: a sample without a name, and one bad result among two, are so_error" "$(row $c shapes so_error)" 200
	is "$c: the others are ok" "$(row $c shapes ok)" 500
	is "$c: three of five kinds gave two results" "$(row $c shapes results)" 800
	is "$c: all of them were spooled" "$(row $c shapes spooled)" 800
done
is "the second processor of a channel got all of it" "$(row left moody ok)" 800
is "so did the layout, with a key by function" "$(row right plain ok)" 800
check "stops orderly" stop
check "every line is JSON" all_json "$T/x.out"
of() { jq -c "select(.channel == \"$1\" and .event == \"$2\") | $3" "$T/x.out"; }
is "results of one event are numbered" "$(of left shapes 'select(.data.n == 2 or .data.again == 2) | .id' | tr -d '"' | sed 's/.*-//' | tr '\n' ' ')" "0 1 "
is "samples are as the SDK wrote them" "$(of left shapes 'select(.data.labels.n == "3") | .data')" '{"name":"ticks","type":"counter","labels":{"n":"3","quote":"\"\\\n"},"value":1}'
is "histograms too" "$(of left shapes 'select(.data.type? == "histogram" and .data.labels.n == "4") | .data | [.buckets, .count]')" '[[[1,0],[3,2],[7,1]],3]'
is "a processor of several channels is told which one it is" "$(of right shapes 'select(.data.channel) | .data.channel' | sort -u)" '"right"'
for c in left right; do
	of $c shapes 'select((.data.n? | type) == "number" and .data.n % 8 == 1) | .data.n' >"$T/got"
	compare "$c: events of one key are in order" "$T/got" <(seq 1 8 799)
done
is "an init function was called with its file in the sandbox, and functions share their variables" \
	"$(of third shapes '.data' | sort -u | tail -1)" '{"seen":true,"prepared":"from the file"}'
compare "and so are those without a processor" <(of right plain .data.n) <(seq 0 799)
done_testing
