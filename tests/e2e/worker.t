#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# channeld and its workers alone, over a real ring that a tool fills: no loader, no sink. A mount namespace of its own
# holds the runtime directory.
if [ -z "${IN_NAMESPACE:-}" ]; then
	[ "$(id -u)" = 0 ] || { echo "1..0 # SKIP needs root"; exit 0; }
	IN_NAMESPACE=1 exec unshare --mount --propagation private "$0" "$@"
fi
[ -z "${EBPF_AGENT_UNITS:-}" ] || { echo "1..0 # SKIP it starts channeld and its workers by hand, without a loader: units have no part in it"; exit 0; }
. "$(dirname "$0")/lib.sh"

export EBPF_AGENT_RUNTIME_DIR=$T/run EBPF_AGENT_CONFIG_DIR=$T/etc
mkdir -p "$T/run" "$T/etc"
mount -t tmpfs -o size=1g none "$T/run"
mkdir -p "$T/run"/{bpf,manifest,spool,hint,lock}
mount -t bpf none "$T/run/bpf"
at_exit() { umount "$T/run/bpf" "$T/run"; }

tool() { "$BUILD/tests/tools/$1" "${@:2}"; }
RING=$((4 << 20))
# fill PROGRAM COUNT [SPOOL]: how many got a place
fill() { tool ringfill "$BUILD/tests/bpf/ringfill.bpf.o" "$1" $RING "$2" "${3:-0}" | cut -d' ' -f1; }
drained() { tool ringbench commit "$1" | grep -q '^1 '; }

# ---- a worker that is killed again and again while the ring fills: every event once, the counters exact
total=$(fill kill 1000 $((128 << 20)))
for i in $(seq 50); do fill kill 5000; sleep 0.02; done >"$T/filled" & filler=$!
kills=0
while kill -0 $filler 2>/dev/null; do
	"$BIN/ebpf-channeld" worker kill & w=$!
	sleep 0.0$((RANDOM % 9))
	kill -9 $w; wait $w 2>/dev/null
	kills=$((kills + 1))
	tool ringbench commit kill 2>/dev/null
done >"$T/commits"
wait $filler
total=$((total + $(paste -sd+ "$T/filled")))
say "$(sort -u "$T/commits" | wc -l) of $kills kills came after something had been drained"
"$BIN/ebpf-channeld" worker kill & w=$!
PIDS+=($w)
check "$total events, $kills kills at any instruction: none lost, none twice, the counters exact" \
	wait_for 20 tool ringbench check kill $total
status=$(cat /proc/$w/status)
like "a worker has no capability" "$status" '^CapEff:.*0000000000000000$'
like "a worker has a filter" "$status" '^Seccomp:.*2$'
on_cpu() { cut -d' ' -f1 /proc/$w/schedstat; }
# What a neighbour took of the processor counts as its own: the best of three.
took=$(for _ in 1 2 3; do before=$(on_cpu); sleep 2; echo $((($(on_cpu) - before) / 1000)); done | sort -n | head -1)
check "an idle worker takes no time ($took us of 2 s)" test "$took" -lt 10000
kill -9 $w; wait $w 2>/dev/null
forget $w

# ---- a spool that is full: the worker waits, and nothing is lost
total=$(fill small 40000 $((1 << 20)))
"$BIN/ebpf-channeld" worker small & w=$!
PIDS+=($w)
full() { local a; a=$(tool ringbench commit small) && sleep 0.1 && [ "$(tool ringbench commit small)" = "$a" ]; }
check "without room the worker stops draining" wait_for 5 full
taken=0
wait_for_all() { taken=$((taken + $(tool ringbench take small))); [ $taken = "$total" ]; }
check "and goes on whenever a sink makes room: nothing is lost" wait_for 20 wait_for_all
kill -9 $w; wait $w 2>/dev/null
forget $w

# ---- the supervisor
dbus-daemon --session --nofork --nopidfile --address="unix:path=$T/bus" >"$T/dbus.log" 2>&1 &
PIDS+=($!)
export DBUS_SYSTEM_BUS_ADDRESS=unix:path=$T/bus
wait_for 5 test -S "$T/bus"
rm "$T/run/manifest/kill.json"
"$BIN/ebpf-channeld" 2>"$T/channeld.err" & daemon=$!
PIDS+=($daemon)
bus() { busctl --address="$DBUS_SYSTEM_BUS_ADDRESS" --json=short call org.ebpfagent.channel1 /org/ebpfagent/channel1 org.ebpfagent.channel1 "$@"; }
rows() { bus Ledger 'sa{sv}' "${1:-}" 0 | jq -c '.data[0][] | map_values(.data)'; }
row() { rows "$1" | jq -r "select(.kind == \"$2\") | .$3"; }
worker() { bus Workers 'a{sv}' 0 | jq -r ".data[0][] | map_values(.data) | select(.program == \"$1\") | .$2"; }

check "the spool of a program without a manifest is removed at start" wait_for 5 test ! -e "$T/run/spool/kill.spool"
total=$(fill sup 20000 $((64 << 20)))
at_rest() { [ "$(row sup channel drained)" = "$total" ] && [ "$(row sup channel pending)" = 0 ]; }
check "a manifest that appears gets a worker" wait_for 5 at_rest
is "the ledger balances" "$(row sup channel balance)" 0
is "produced is the kernel's own counter" "$(row sup channel produced)" "$total"
is "drained is what was turned into lines" "$(row sup event ok)/$(row sup event spooled)" "$total/$total"

pid=$(worker sup pid)
kill -9 "$pid"
respawned() { [ "$(worker sup pid)" != "$pid" ] && [ "$(worker sup state)" = running ] && [ "$(worker sup restarts)" = 1 ]; }
check "a worker that was killed is started again" wait_for 3 respawned
total=$((total + $(fill sup 5000)))
check "and goes on where it was" wait_for 3 at_rest

kill -STOP "$(worker sup pid)"
got=$(fill sup 70000)
total=$((total + got))
full=$((70000 - got))
is "what waits is pending, what had no place is ring_full" \
	"$(row sup channel pending)/$(row sup channel ring_full)/$(row sup channel balance)" "$got/$full/0"
kill -CONT "$(worker sup pid)"
check "and is drained when the worker goes on" wait_for 5 at_rest
is "the ledger balances with losses" "$(row sup channel produced)/$(row sup channel balance)" "$((total + full))/0"

got=$(RINGFILL_DISCARD=4 RINGFILL_NO_WAKEUP=1 fill sup 1000)
total=$((total + 750))
check "a ring that wakes nobody is drained once a second" wait_for 3 at_rest
is "discarded records are no events, and balance" "$got/$(row sup channel discarded)/$(row sup channel balance)" 1000/250/0

sed -i 's/"state":"loaded"/"state":"draining"/' "$T/run/manifest/sup.json"
check "told to drain, the worker says when it has" wait_for 3 drained sup
is "its state says so" "$(worker sup state)" draining
pid=$(worker sup pid)
rm "$T/run/manifest/sup.json"
check "without its manifest the spool goes" wait_for 3 test ! -e "$T/run/spool/sup.spool"
check "and the worker" wait_for 3 eval "! kill -0 $pid"

# ---- a manifest that no worker can serve
fill broken 10 >/dev/null
sed -i 's/"map":"events"/"map":"nothing"/' "$T/run/manifest/broken.json"
failed() { [ "$(worker broken state)" = failed ]; }
check "a worker that dies at once, again and again, is failed" wait_for 20 failed
degraded=$(busctl --address="$DBUS_SYSTEM_BUS_ADDRESS" get-property org.ebpfagent.channel1 /org/ebpfagent/channel1 org.ebpfagent.daemon1 Degraded)
like "and the daemon degraded" "$degraded" 'worker:broken: ended with status 1'
rm "$T/run/manifest/broken.json"
healthy() { ! busctl --address="$DBUS_SYSTEM_BUS_ADDRESS" get-property org.ebpfagent.channel1 /org/ebpfagent/channel1 org.ebpfagent.daemon1 Degraded | grep -q broken; }
check "until it is gone" wait_for 5 healthy

kill $daemon
wait $daemon
is "the supervisor ends orderly" $? 0
forget $daemon
done_testing
