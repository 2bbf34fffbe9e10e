#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A storm of kill -9 (and of SIGSTOP) on worker, channeld, sinkd and loaderd, alone and two at once, while two programs see
# 20,000 events a second and their files rotate; then unloading, loading and stopping while events come. Whatever the kernel
# counted as produced is in the files and on stdout, once. STORM_SEED repeats a storm, STORM_SECONDS prolongs it.
. "$(dirname "$0")/lib.sh"
. "$ROOT/tests/e2e/lib_storm.sh"
command -v busctl >/dev/null || skip_all "busctl is not installed (package systemd)"

RANDOM=${STORM_SEED:=$$}
EVENTS=$((20000 * ${STORM_SECONDS:-5}))
say "seed $STORM_SEED"
for p in a b c d; do
	cat >"$T/$p.yaml" <<Y
programs:
  - { name: tick, type: ebpf_object, path: $BUILD/tests/bpf/tick_big.bpf.o, properties: $TICKS }
channels:
  ticks: { type: ring_buffer }
storage:
  file: { rotate-size: 300K, keep: 1000 }
Y
done

# The kernel's own counts outlive a program where they are pinned once more.
mkdir "$T/held" && mount -t bpf none "$T/held" || skip_all "no bpffs can be mounted"
at_exit() { umount "$T/held"; }
hold() {
	local p id
	for p in "$@"; do
		id=$(ctl show "$p" --json | jq '.items[].maps[] | select(.name == "ticks_counts") | .id')
		bpftool map pin id "$id" "$T/held/${p}_$id" || say "cannot hold map $id of $p"
	done
}
produced() {
	local f
	for f in "$T/held/$1"_*; do bpftool -j map dump pinned "$f"; done |
		jq -s '[.[][].formatted.values[].value | .produced - .ring_full] | add'
}
numbers() { grep -ohE '"n":[0-9]+' "$@" | cut -d: -f2 | sort -n; }
ids() { grep -ohE '"id":"[^"]+"' "$@" | sort; }
stdout_of() { grep -F "\"program\":\"$1\"" "$T/x.out"; }

start x "$T/a.yaml" "$T/b.yaml" || { not_ok "an instance with two programs gets ready"; done_testing; }
ok "an instance with two programs gets ready"
hold a b

TICK_MAGIC=$MAGIC "$BUILD/tests/tools/ticker" "$EVENTS" 0 20000 & TICKER=$!
PIDS+=("$TICKER")
storm_while 'kill -0 $TICKER 2>/dev/null || [ $kills -lt 10 ]' a b channeld sinkd sinkd loaderd
wait "$TICKER"; forget "$TICKER"
say "$kills kills, $stops stops"
check "the storm killed" test "$kills" -ge 10
check "all daemons were started again" wait_for 10 all_there 2
check "the ledger balances at rest" balanced 20
is "no ring overflowed" "$(ctl ledger --json | jq '[.channels[].ring_full] | add')" 0
seq 0 $((EVENTS - 1)) >"$T/wanted"
for p in a b; do
	numbers "$T/x/log/$p.jsonl"* >"$T/got"
	compare "every number is in the files of $p, once" "$T/got" "$T/wanted"
	[ -z "${EBPF_AGENT_UNITS:-}" ] || continue	# units have no stdout
	printed() { [ "$(stdout_of $p | wc -l)" -ge $EVENTS ]; }
	wait_for 5 printed
	stdout_of $p | numbers >"$T/got"
	compare "every number of $p is on stdout, once" "$T/got" "$T/wanted"
done
check "the files rotated" test "$(ls "$T/x/log/" | wc -l)" -gt 10

# A program that is unloaded and loaded again before channeld looks begins anew.
ctl load "$T/c.yaml" >/dev/null && ticker 500
check "a third program is drained" balanced 10
channeld=$(daemon_pid channeld)
kill -STOP "$channeld"
# Not by ebpfctl, which would ask channeld for what there was.
check "it is unloaded by force, and loaded again" eval "timeout 10 busctl --address='$BUS' call org.ebpfagent.loader1 \
	/org/ebpfagent/loader1 org.ebpfagent.loader1 Unload 'sa{sv}' c 1 force b true && ctl load '$T/c.yaml'"
kill -CONT "$channeld"
check "its ledger begins anew" wait_for 5 eval "ctl ledger c --json | json_is '.balanced and .events[0].drained == 0 and ([.sinks[].routed] | add) == 0'"
ctl unload c >/dev/null 2>&1

# A ring has one consumer.
for p in c d; do sed -i 's/properties: {/& maps: { ticks: { pin: shared } },/' "$T/$p.yaml"; done
check "a shared ring is drained by one program" ctl load "$T/c.yaml"
like "and a second one is refused" "$(ctl load "$T/d.yaml" 2>&1)" "c drains that map already"
ctl unload c >/dev/null 2>&1

TICK_MAGIC=$MAGIC "$BUILD/tests/tools/ticker" 100000000 "$EVENTS" 20000 & TICKER=$!
PIDS+=("$TICKER")
failed=0
for round in 1 2 3 4 5; do
	sleep "0.$((RANDOM % 4))"
	ctl unload --all >"$T/out" 2>&1 || { failed=$((failed + 1)); say "$(cat "$T/out")"; }
	ctl load "$T/a.yaml" "$T/b.yaml" >"$T/out" 2>&1 || { failed=$((failed + 1)); say "$(cat "$T/out")"; }
	hold a b
done
is "five times unloaded and loaded while events came" $failed 0
sleep 0.2
kill -9 "$(daemon_pid loaderd)" "$(worker_pid a)"
check "stops orderly while events come and loaderd has just died" stop
kill "$TICKER"; wait "$TICKER" 2>/dev/null; forget "$TICKER"
for p in a b; do
	say "$p: $(produced $p) produced"
	is "what the kernel counted for $p is in the files" "$(cat "$T/x/log/$p.jsonl"* | wc -l)" "$(produced $p)"
	is "none twice" "$(ids "$T/x/log/$p.jsonl"* | uniq -d | wc -l)" 0
	[ -n "${EBPF_AGENT_UNITS:-}" ] || is "and the same is on stdout" "$(stdout_of $p | ids | cksum)" "$(ids "$T/x/log/$p.jsonl"* | cksum)"
done
done_testing
