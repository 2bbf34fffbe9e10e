#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# While Kafka is away: its library is not there; a spool that fills up holds or expires, as the program wishes; and other
# brokers by reload, under way.
. "$(dirname "$0")/lib.sh"
. "$ROOT/tests/kafka/lib.sh"
kafka_fetch || skip_all "$KAFKA_MISSING"
# A mount namespace of our own, in which the library is hidden.
[ -n "${EBPF_AGENT_HIDDEN:-}" ] || EBPF_AGENT_HIDDEN=1 exec unshare -m --propagation private "$0"

KAFKA_LISTENERS=OTHER:PLAINTEXT
check "a broker starts" eval "kafka_setup && kafka_up"
mkdir "$T/conf"
configure() { printf 'kafka:\n  brokers: %s\n  topic: "{program}"\n  window: %s\n' "$@" >"$T/conf/sinkd.yaml"; }
reload() { kill -HUP "$(daemon_pid sinkd)"; }

# ---- without its library ----
configure "$BROKER" 1000
library=$(ldconfig -p | sed -n 's/.*librdkafka\.so\.1 .*=> //p' | head -1)
check "librdkafka is hidden" mount --bind /dev/null "$(realpath "$library")"
program lib true
start x --config "$T/conf" "$T/lib.yaml" || { not_ok "an instance gets ready"; done_testing; }
ok "an instance gets ready without librdkafka"
ticker 1000
check "the file has all" wait_for 10 sink_is lib file acked 1000
said "the package is named" 'lib: Kafka needs the package librdkafka1: .*librdkafka.so.1'
is "what is not delivered is pending" "$(sink lib kafka pending)" 1000
check "with the library there" nsenter -t "$PID" -m umount "$(realpath "$library")"
umount "$(realpath "$library")"
check "it is delivered" wait_for 20 sink_is lib kafka acked 1000
quiet() { ! says 'Kafka'; }
check "and not spoken of any more" wait_for 10 quiet
ctl unload lib >/dev/null 2>&1

# ---- a broker that is away for longer than the spool holds ----
program expire "{ when-full: expire }" "spool: { size: 1M }"
program hold "{ when-full: hold }" "spool: { size: 1M }"
program well false
check "three programs load" ctl load "$T/expire.yaml" "$T/hold.yaml" "$T/well.yaml"
ticker 500
for p in expire hold; do check "$p: Kafka has the first" wait_for 20 sink_is $p kafka acked 500; done
kafka_down
ticker 20000 500 4000
check "expire: the file goes on" wait_for 10 sink_is expire file acked 20500
check "so does the program without Kafka" wait_for 10 sink_is well file acked 20500
expired=$(sink expire kafka expired)
check "expire: the oldest are given up, and counted ($expired)" test "$expired" -gt 10000
is "expire: nothing is lost without that name" "$(($(sink expire kafka acked) + $(sink expire kafka pending) + expired))" 20500
like "expire: and told in the log" "$(cat "$T/x.err")" 'expire: kafka:[0-9a-f]+: the spool is nearly full: what is oldest is given up, and counted as expired'
is "hold: nothing is given up" "$(sink hold kafka expired)" 0
held=$(sink hold file acked)
check "hold: its file waits ($held of 20500)" test "$held" -lt 20500
check "the broker comes back" kafka_up
drained() { [ "$(sink expire kafka pending)" = 0 ] && [ "$(sink hold kafka pending)" = 0 ]; }
check "what is left is delivered" wait_for 30 drained
check "the ledger balances at rest" balanced 20
is "hold: Kafka and the file have the same" "$(sink hold kafka acked)" "$(sink hold file acked)"
kafka_read expire | grep -o '"n":[0-9]*' | sort -u >"$T/got"
there=$(wc -l <"$T/got")
check "expire: what is acknowledged is there, and no more than can be ($there)" \
	test "$there" -ge "$(sink expire kafka acked)" -a "$there" -le "$(($(sink expire kafka acked) + 1000))"
is "expire: with the newest" "$(grep -cx '"n":20499' "$T/got")" 1
is "hold: what the file has, Kafka has" "$(kafka_read hold | sort -u | cksum)" "$(sort -u "$T/x/log/hold.jsonl" | cksum)"
check "they unload" ctl unload expire hold well

# ---- other brokers, a topic, a window by reload, with records under way ----
program moved true "spool: { size: 64M }"
check "a program loads" ctl load "$T/moved.yaml"
ticker 40000 0 8000 & ticking=$!
PIDS+=("$ticking")
for i in 1 2 3; do
	sleep 0.7; configure "127.0.0.1:$PORT_OTHER" $((i * 3000)); reload
	sleep 0.7; configure "$BROKER" $((i * 2000)); reload
done
wait "$ticking"; forget "$ticking"
delivered() { [ "$(sink moved kafka pending)" = 0 ] && sink_is moved kafka acked 40000; }
check "six reloads on the way, and all is delivered" wait_for 30 delivered
kafka_read moved '%p\t%k\t%h\t%s\n' | python3 "$ROOT/tests/kafka/check.py" 4 "$(sink moved kafka resent)" 0:40000 >"$T/check.log"
rc=("${PIPESTATUS[@]}")
sed 's/^/# /' "$T/check.log"
is "none is missing, in order, repeats are as the ledger says" "${rc[*]}" "0 0"
check "the ledger balances at rest" balanced 10
# ---- a reload gives a sink that stays one more of its program's routes ----
configure "$BROKER" 1000; reload
cat >"$T/routes.yaml" <<Y
programs:
  - { name: tick, type: ebpf_object, path: $BUILD/tests/bpf/tick_big.bpf.o, properties: $TICKS }
  - { name: one, type: user_so, path: $BUILD/tests/so/plain.so }
  - { name: two, type: user_so, path: $BUILD/tests/so/plain.so }
channels:
  ticks: { type: ring_buffer }
events:
  - { name: one, channels: [ticks], storage: { kafka: true } }
  - { name: two, channels: [ticks] }
Y
check "a program of which Kafka gets one of two events loads" ctl load "$T/routes.yaml"
ticker 100
check "it gets that one" wait_for 20 sink_is routes kafka acked 100
before=$(daemon_pid sinkd)
echo 'storage: { file: true, kafka: true }' >>"$T/conf/sinkd.yaml"
reload
check "with the other one by reload, it gets both" wait_for 20 eval 'ticker 1; [ "$(kafka_read routes | grep -c "\"event\":\"two\"")" -ge 1 ]'
is "by the same sinkd" "$(daemon_pid sinkd)" "$before"
check "the ledger balances at rest" balanced 10
check "it unloads" ctl unload routes

threads() { ls "/proc/$(daemon_pid sinkd)/task" | wc -l; }
few() { [ "$(threads)" -le 16 ]; }
check "producers of old are gone ($(threads) threads)" wait_for 10 few
check "stops orderly" stop
kafka_down
done_testing
