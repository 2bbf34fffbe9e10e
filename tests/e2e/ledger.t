#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The ledger as a whole: what a program gave up itself, what nobody counts, what the kernel never showed; as metrics; and while
# loaderd does not answer.
. "$(dirname "$0")/lib.sh"
/usr/bin/python3 -I -c 'import prometheus_client' 2>/dev/null || skip_all "python3-prometheus-client is not installed"

cat >"$T/led.yaml" <<Y
programs:
  - { name: obj, type: ebpf_object, path: $BUILD/tests/bpf/ledger.bpf.o, properties: $TICKS }
channels:
  counted: { type: ring_buffer }
  foreign: { type: ring_buffer }
Y
ADDRESS=$((0x10000 + 4096 * (RANDOM % 2048)))	# below any program's mappings, where nothing is
cat >"$T/re.yaml" <<Y
programs:
  - { name: obj, type: ebpf_object, path: $BUILD/tests/bpf/reenter.bpf.o, properties: { variables: { fault_address: $ADDRESS } } }
channels:
  faults: { type: ring_buffer }
Y
start x "$T/led.yaml" "$T/re.yaml" || { not_ok "an instance gets ready"; done_testing; }
ok "an instance gets ready"
ticker 1000
faults=$("$BUILD/tests/tools/faulter" 500 "$(printf %x $ADDRESS)")
check "the ledger balances" balanced 10
ctl ledger --json >"$T/ledger.json"
row() { jq -r "[.$1[] | select($2) | .$3] | map(tostring) | join(\" \")" "$T/ledger.json"; }

is "what a program gives up is told apart: produced, drained, discarded" \
	"$(for k in produced drained discarded balance; do row channels '.channel == "counted"' $k; done | xargs)" "1000 500 500 0"
is "what nobody counts is unknown" \
	"$(for k in produced ring_full nmi balance drained pending; do row channels '.channel == "foreign"' $k; done | xargs)" "unknown unknown unknown unknown 1000 0"
is "it says whether it was read live" "$(jq -c '[.live, (.channels[] | .live)]' "$T/ledger.json")" '[false,false,false,false]'
is "each fault was an event" "$(row channels '.channel == "faults"' drained)" "$faults"
[ "$faults" = 500 ] || not_ok "… of which there are 500"
is "and each entered the prog once more, which the kernel did not show" "$(row progs '.prog == "on_fault"' missed)" "$faults"
is "nothing of the other prog was missed" "$(row progs '.program == "led"' missed)" 0
like "people see it, too" "$(ctl ledger re)" "^re +obj +on_fault +$faults\$"
is "of one program: only its own" "$(ctl ledger led --json | jq -c '[.channels, .events, .sinks, .progs | map(.program) | unique[]] | unique')" '["led"]'

ctl ledger --openmetrics >"$T/metrics"
ctl ledger --json >"$T/ledger.json"
is "the same as metrics, read by Prometheus' own parsers" "$(/usr/bin/python3 -I "$ROOT/tests/e2e/helpers/openmetrics.py" "$T/metrics" "$T/ledger.json" 2>&1 | sed 's/^[0-9]* samples/samples/')" samples
like "a number with its labels" "$(cat "$T/metrics")" '^ebpf_agent_channel_produced_total\{program="led",channel="counted"\} 1000$'
is "what is unknown has no sample" "$(grep -c 'channel="foreign".*reason="nmi"\|produced.*channel="foreign"' "$T/metrics")" 0
check "every equation holds" ctl ledger --strict

loaderd=$(daemon_pid loaderd)
kill -STOP "$loaderd"
ctl ledger --json >"$T/without.json" 2>"$T/without.err"
is "while loaderd hangs: all the rest" "$(jq -c 'del(.progs)' "$T/without.json")" "$(jq -c 'del(.progs)' "$T/ledger.json")"
like "and it is said" "$(cat "$T/without.err")" "warning: ebpf-loaderd did not answer"
kill -CONT "$loaderd"
check "stops orderly" stop
done_testing
