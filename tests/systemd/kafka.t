#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# sinkd as shipped, its sandbox on, and a real Kafka in the same machine: found by name, down for a while, sinkd restarted and killed.
# Java and the broker's jars are this machine's.
ROOT=$(realpath "$(dirname "$0")/../..")
. "$ROOT/tests/kafka/lib.sh"
if [ -z "${EBPF_AGENT_INSIDE:-}" ] && [ -z "${SAN:-}" ]; then
	kafka_fetch || { echo "1..0 # SKIP $KAFKA_MISSING"; exit 0; }
	for dir in $(kafka_java_dirs); do MACHINE_OPTIONS+=(-b "$dir"); done
	MACHINE_OPTIONS+=(-e "JAVA=$(dirname "$(readlink -f "$(command -v java)")")")
fi
. "$(dirname "$0")/lib.sh"
PATH=$JAVA:$PATH
N_EVENTS=60000

check "a broker starts" eval "kafka_setup && kafka_up"
echo "127.0.0.1 kafka.example" >>/etc/hosts
mkdir -p /etc/ebpf-agent/sinkd.d
cat >/etc/ebpf-agent/sinkd.d/kafka.yaml <<Y
kafka: { brokers: "kafka.example:${BROKER#*:}", topic: "events.{program}", window: 2000, when-full: hold }
storage: { kafka: true, file: true }
Y
systemctl -q enable ebpf-agent.target
start_all
check "all five run" all_up
tick_yaml >"$T/tick.yaml"
check "a program is loaded" ctl load "$T/tick.yaml"
TICK_MAGIC=$MAGIC "$BUILD/tests/tools/ticker" $N_EVENTS 0 10000 & ticker=$!
PIDS+=("$ticker")

sent() { [ "$(sink tick kafka acked)" -ge "$1" ]; }
check "events arrive" wait_for 20 sent 1000
systemctl restart ebpf-sinkd
check "after a restart of the unit, too" wait_for 20 sent 10000
kafka_down -KILL
said "without its broker, status names it" 'kafka.example|127\.0\.0\.1.*refused|all brokers are down'
kill -9 "$(unit_pid sinkd)"
kafka_up || not_ok "the broker starts again"
wait "$ticker"
forget "$ticker"
check "all of them are there" wait_for 60 sent $N_EVENTS
check "nothing is degraded any more" wait_for 20 eval '[ "$(ctl status --json | jq "[.. | .degraded? // empty | .[]] | length")" = 0 ]'
resent=$(sink tick kafka resent)
stop_all
check "nothing is left" wait_for 20 all_down
kafka_read events.tick | grep -ohE '"n":[0-9]+' | cut -d: -f2 >"$T/n"
is "each event is in the topic" "$(sort -nu "$T/n" | awk '$1 != NR - 1 { bad++ } END { print NR, bad + 0 }')" "$N_EVENTS 0"
check "and twice only as the ledger says ($(wc -l <"$T/n") records, $resent sent again)" test "$(wc -l <"$T/n")" -le $((N_EVENTS + resent))
is "and in the file" "$(numbers tick | sort -nu | wc -l)" $N_EVENTS
kafka_down
done_testing
