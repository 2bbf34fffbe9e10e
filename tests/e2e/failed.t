#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Processors that die of every event, or cannot even be loaded: failed after a while, said on the bus and in status; their events are
# counted without a try, those of others on the same channel flow on; tried again now and then; a new configuration holds at once.
. "$(dirname "$0")/lib.sh"
[ -z "${EBPF_AGENT_UNITS:-}" ] || skip_all "it brings a configuration of its own"

mkdir -p "$T/conf/channeld.d"
conf() { echo "processor: { failed-after: 4, deadline: 5s, $1 }" >"$T/conf/channeld.d/50-test.yaml"; }
conf "retry: 1h"
cat >"$T/tick.yaml" <<Y
programs:
  - { name: tick, type: ebpf_object, path: $BUILD/tests/bpf/tick_big.bpf.o, properties: $TICKS }
  - { name: sick, type: user_so, path: $BUILD/tests/so/mortal.so }
  - { name: broken, type: user_so, path: $BUILD/tests/so/constructor.so }
  - { name: honest, type: user_so, path: $BUILD/tests/so/escape.so }
channels:
  ticks: { type: ring_buffer }
events:
  - { name: sick, hash: pid, target_processor: die }
  - { name: broken, hash: pid }
  - { name: honest, hash: pid, target_processor: honest }
Y
start x --config "$T/conf" "$T/tick.yaml" || { not_ok "an instance gets ready"; done_testing; }
ok "an instance gets ready"
processor() { channeld_rows Processors | jq -r "select(.event == \"$1\") | .$2"; }
said() { ctl status --json | jq -r '.[] | select(.daemon == "channeld") | .degraded[]'; }
ticker 50
check "the ledger balances" balanced 60
row() { ctl ledger tick --json | jq -c "[.events[] | select(.event == \"$1\") | .ok, .so_crash]"; }
is "one that dies of every event" "$(row sick)" "[0,50]"
is "one that cannot be loaded" "$(row broken)" "[0,50]"
is "the honest one beside them" "$(row honest)" "[50,0]"
is "the states" "$(processor sick state) $(processor broken state) $(processor honest state)" "failed failed running"
is "two events were tried, twice each" "$(processor sick deaths) $(processor sick letters)" "4 2"
is "of one that never ran there are no letters" "$(processor broken letters)" 0
is "neither has a process" "$(processor sick pid) $(processor broken pid)" "0 0"
both() { [ "$(said | grep -c '^processor:tick/')" = 2 ]; }
check "status says so within a second or two" wait_for 10 both
like "… of the one" "$(said)" '^processor:tick/sick: failed: killed by signal 6 \(SIGABRT\); its events are counted as so_crash'
like "… of the other" "$(said)" '^processor:tick/broken: failed: died while it was being loaded: killed by signal 11 \(SIGSEGV\)'
like "ebpfctl show as well" "$(ctl show tick)" '^  failed +sick on ticks by sick:die\(\)  restarts 3  deaths 4  letters 2  – killed by signal 6'

kill_one tick
again() { [ -n "$(worker_pid tick)" ]; }
check "a new worker comes" wait_for 10 again
ticker 50 50
check "the ledger balances" balanced 60
is "and tries nothing anew" "$(processor sick deaths) $(processor broken deaths) $(row sick) $(row honest)" "4 4 [0,100] [100,0]"

conf "retry: 1s, memory: 32M"
check "a new configuration is taken" busctl --address="$BUS" call org.ebpfagent.channel1 /org/ebpfagent/channel1 org.ebpfagent.daemon1 Reload 'a{sv}' 0
is "its limits hold at once" "$(processor honest memory)" $((32 << 20))
pid=$(processor honest pid)
check "its process is killed" eval '[ "$pid" -gt 0 ] && kill -9 "$pid"'
sleep 1.1
ticker 1 100
balanced 60
limit=$(awk '/Max data size/ { print $4 }' "/proc/$(processor honest pid)/limits")
is "… and for the next sandbox" "${SAN:+with sanitizers: }$limit" "${SAN:+with sanitizers: }$([ -n "${SAN:-}" ] && echo unlimited || echo $((32 << 20)))"
is "a failed one is tried again when it says so" "$(processor sick deaths) $(processor sick state)" "6 failed"
conf "retry: 1s, dead-letter-for: [so_dead]"
refused=$(busctl --address="$BUS" call org.ebpfagent.channel1 /org/ebpfagent/channel1 org.ebpfagent.daemon1 Reload 'a{sv}' 0 2>&1)
like "one that makes no sense is refused, with its place" "$refused" "50-test.yaml:1: dead-letter-for: 'so_dead' is none of"

check "unloads" ctl unload tick
check "and nothing is said any more" wait_for 5 eval '! said | grep -q processor:'

echo "processor: { delay-min: 60s, delay-max: 60s }" >"$T/conf/channeld.d/50-test.yaml"
sed '/broken\|honest/d' "$T/tick.yaml" >"$T/waits.yaml"
check "with longer delays" busctl --address="$BUS" call org.ebpfagent.channel1 /org/ebpfagent/channel1 org.ebpfagent.daemon1 Reload 'a{sv}' 0
check "another one that dies of every event is loaded" ctl load "$T/waits.yaml"
ticker 3 200
waits() { [ "$(processor sick state) $(processor sick deaths)" = "waiting 4" ]; }
check "after its second event it waits, and that is on the bus" wait_for 10 waits
is "the third one is pending meanwhile" "$(ctl ledger waits --json | jq -c '.channels[0] | [.drained + .pending, .pending > 0]')" '[3,true]'
check "unloads by force" ctl unload --force waits
check "stops orderly" stop
compare "the honest one's results: all, in order" <(jq -r 'select(.event == "honest") | .data.n' "$T/x.out") <(seq 0 100)
done_testing
