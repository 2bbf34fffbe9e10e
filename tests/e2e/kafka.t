#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A real Kafka, and a million events of four processes out of a real ring. The broker is killed and started again in the middle,
# sinkd is killed 20 times on the way. Then what is in the topic is compared, one by one, with what the processes made.
# KAFKA_EVENTS: another number of events; KAFKA_RATE: of each process, a second.
. "$(dirname "$0")/lib.sh"
. "$ROOT/tests/kafka/lib.sh"
kafka_fetch || skip_all "$KAFKA_MISSING"

EVENTS=${KAFKA_EVENTS:-$([ -n "${SAN:-}" ] && echo 100000 || echo 1000000)}
RATE=${KAFKA_RATE:-$([ -n "${SAN:-}" ] && echo 1000 || echo 5000)}
EACH=$((EVENTS / 4))
check "a broker starts" eval "kafka_setup && kafka_up"
mkdir "$T/conf"
cat >"$T/conf/sinkd.yaml" <<Y
kafka:
  brokers: $BROKER
  topic: "events.{program}"
  window: 8000
  when-full: hold
storage: { kafka: true }
Y
cat >"$T/tick.yaml" <<Y
programs:
  - { name: tick, type: ebpf_object, path: $BUILD/tests/bpf/tick_big.bpf.o, properties: $TICKS }
channels:
  ticks: { type: ring_buffer }
spool: { size: 512M }
Y
start x --config "$T/conf" "$T/tick.yaml" || { not_ok "an instance gets ready"; done_testing; }
ok "an instance gets ready"
ranges=() tickers=()
for i in 0 1 2 3; do
	ranges+=("$((i * EACH)):$EACH")
	TICK_MAGIC=$MAGIC "$BUILD/tests/tools/ticker" $EACH $((i * EACH)) "$RATE" & tickers+=($!)
	PIDS+=($!)
done
kafka() { ctl ledger tick --json | jq "[.sinks[] | select(.sink == \"kafka\") | .$1] | add"; }

victim_there() { [ -n "$(victim sinkd)" ]; }
kills=0 during=0
for round in $(seq 20); do
	# Who is killed often is started again late: the spool has room for all that comes meanwhile.
	wait_for 10 victim_there || say "no sinkd"
	sleep "0.$((RANDOM % 6 + 1))"
	kill -0 "${tickers[0]}" 2>/dev/null && during=$((during + 1))
	[ $round = 10 ] && { kafka_down -KILL; sleep 1; kafka_up || say "the broker does not come back"; }
	kill_one sinkd && kills=$((kills + 1))
done
is "sinkd was killed 20 times" $kills 20
check "most of them while events came" test $during -ge 10
for p in "${tickers[@]}"; do wait "$p" || not_ok "ticker $p"; forget "$p"; done
delivered() { [ "$(kafka pending)" = 0 ]; }
check "sinkd is there, and Kafka has all" wait_for 120 delivered
check "the ledger balances at rest" balanced 20
ctl ledger --json >"$T/ledger.json" || ctl ledger | sed 's/^/# /'
is "the ring lost none" "$(jq '[.channels[] | .ring_full + .lost + .nmi] | add' "$T/ledger.json")" 0
is "all that was produced is acknowledged by Kafka" "$(kafka acked)" $((4 * EACH))
resent=$(kafka resent)
check "a kill was in the midst of what was under way: some were handed over again ($resent)" test "$resent" -gt 0
is "at most a window for each kill" "$((resent <= 20 * 8000))" 1
check "stops orderly" stop
kafka_read events.tick '%p\t%k\t%h\t%s\n' | python3 "$ROOT/tests/kafka/check.py" 4 "$resent" "${ranges[@]}" >"$T/check.log"
rc=("${PIPESTATUS[@]}")
sed 's/^/# /' "$T/check.log"
is "none is missing, keys keep their order and partition, repeats are as the ledger says" "${rc[*]}" "0 0"
is "sinkd.yaml's storage stands in the place of the default: there is no file" "$(ls "$T/x/log")" ""
kafka_down
done_testing
