#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What can be wrong with Kafka, each thing in a program of its own beside one that is well: it is said by name in status,
# counted, and holds neither the files nor the other programs back. With the cause gone, what was held is delivered.
. "$(dirname "$0")/lib.sh"
. "$ROOT/tests/kafka/lib.sh"
kafka_fetch || skip_all "$KAFKA_MISSING"

# program NAME KAFKA [MORE]: $T/NAME.yaml, with a file and the given options for Kafka
program() {
	cat >"$T/$1.yaml" <<Y
programs:
  - { name: tick, type: ebpf_object, path: $BUILD/tests/bpf/tick_big.bpf.o, properties: $TICKS }
channels:
  ticks: { type: ring_buffer }
storage: { file: true, kafka: $2 }
${3:-}
Y
}
sink() { ctl ledger "$1" --json | jq "[.sinks[] | select(.sink | startswith(\"$2\")) | .$3] | add"; }
is_in() { [ "$(sink "$1" "$2" "$3")" = "$4" ]; }
degraded() { ctl status --json | jq -r '.. | objects | select(.daemon? == "sinkd") | .degraded | tostring'; }
says() { degraded | grep -qiE "$1"; }
# said NAME REGEX
said() {
	if wait_for 20 says "$2"; then ok "$1"; else not_ok "$1"; say "$(degraded)"; fi
}

# Topics are made by writing to them, while the broker still makes them.
check "a broker starts" eval "kafka_setup auto.create.topics.enable=true && kafka_up"
for t in well late large batches; do echo first | kcat -P -b "$BROKER" -t $t; done
kafka_down
printf '%s\n' auto.create.topics.enable=false message.max.bytes=40000 >>"$T/kafka/server.properties"
sed -i '/enable=true/d' "$T/kafka/server.properties"
check "it starts again, and makes no topics any more" kafka_up

mkdir "$T/conf"
printf 'kafka:\n  brokers: %s\n' "$BROKER" >"$T/conf/sinkd.yaml"
program well "{ topic: well }"
program nohost "{ topic: well, brokers: \"no-such-host.invalid:9092\" }"
program noport "{ topic: well, brokers: \"127.0.0.1:1\" }"
program notopic "{ topic: not-there }"
program nobroker "{ topic: well, settings: { security.protocol: ssl } }"
start x --config "$T/conf" "$T"/{well,nohost,noport,notopic,nobroker}.yaml || { not_ok "an instance gets ready"; done_testing; }
ok "an instance with five programs gets ready"
ticker 2000
check "the program that is well delivers" wait_for 20 is_in well kafka acked 2000
for p in well nohost noport notopic nobroker; do
	check "$p: the file has all" wait_for 10 is_in $p file acked 2000
done
said "a name that does not resolve is said" 'nohost: Kafka: .*no-such-host.invalid.*resolve'
said "a port where nobody listens is said" 'noport: Kafka: .*127.0.0.1:1.*(refused|failed)'
said "a topic that is not there is said" 'notopic: topic not-there: .*[Uu]nknown topic'
said "a broker that does not speak TLS is said" 'nobroker: Kafka: .*ssl'
