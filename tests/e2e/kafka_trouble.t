#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What can be wrong with Kafka, each thing in a program of its own beside one that is well: it is said by name in status,
# counted, and holds neither the files nor the other programs back. With the cause gone, what was held is delivered.
. "$(dirname "$0")/lib.sh"
. "$ROOT/tests/kafka/lib.sh"
kafka_fetch || skip_all "$KAFKA_MISSING"

# Topics are made by writing to them, while the broker still makes them.
check "a broker starts" eval "kafka_setup auto.create.topics.enable=true && kafka_up"
writers=()
for t in well late large batches; do echo first | kcat -P -b "$BROKER" -t $t & writers+=($!); done
wait "${writers[@]}"
kafka_down -KILL
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
check "the program that is well delivers" wait_for 20 sink_is well kafka acked 2000
for p in well nohost noport notopic nobroker; do
	check "$p: the file has all" wait_for 10 sink_is $p file acked 2000
done
said "a name that does not resolve is said" 'nohost: Kafka: .*no-such-host.invalid.*resolve'
said "a port where nobody listens is said" 'noport: Kafka: .*127.0.0.1:1.*(refused|failed)'
said "a topic that is not there is said" 'notopic: topic not-there: .*[Uu]nknown topic'
said "a broker that does not speak TLS is said" 'nobroker: Kafka: .*ssl'
for p in nohost noport notopic nobroker; do is "$p: what is not delivered is pending" "$(sink $p kafka pending)" 2000; done
is "nobody speaks of the one that is well" "$(degraded | grep -c 'well: ')" 0
check "the ledger balances" eval "ctl ledger --json | json_is .balanced"
ticker 1000
check "the program that is well goes on delivering" wait_for 20 sink_is well kafka acked 3000
check "so do the files" wait_for 20 sink_is nohost file acked 3000
check "programs with a dead Kafka are unloaded by force" eval "ctl unload --force nohost && ctl unload --force noport && ctl unload --force nobroker && ctl unload --force notopic"
check "and nobody speaks of them any more" wait_for 5 eval "! degraded | grep -qE 'no(host|port|topic|broker)'"

# The topic comes to be: by another broker configuration.
program late "{ topic: late-too }"
check "a program whose topic is not there yet" ctl load "$T/late.yaml"
ticker 500
said "says so" 'late: topic late-too'
kafka_down -KILL
sed -i s/enable=false/enable=true/ "$T/kafka/server.properties"
check "the broker makes topics again" kafka_up
check "what was held is delivered" wait_for 30 sink_is late kafka acked 500
is "once" "$(kafka_read late-too | wc -l)" 500
gone() { ! says 'late: topic'; }
check "and it is not spoken of any more" wait_for 10 gone
ctl unload late >/dev/null

# One record that the topic does not take, among many; by the broker's word, and by librdkafka's own.
cat >"$T/fill.yaml" <<Y
programs:
  - { name: tick, type: ebpf_object, path: $BUILD/tests/bpf/tick_big.bpf.o, properties: $TICKS }
  - { name: so, type: user_so, path: $BUILD/tests/so/swell.so }
channels:
  ticks: { type: ring_buffer }
events:
  - { name: so, channels: [ticks] }
storage: { file: true, kafka: { topic: TOPIC, settings: SETTINGS } }
Y
sed 's/TOPIC/large/; s/SETTINGS/{}/' "$T/fill.yaml" >"$T/large.yaml"
sed 's/TOPIC/batches/; s/SETTINGS/{ message.max.bytes: 30000 }/' "$T/fill.yaml" >"$T/local.yaml"
check "programs with some large records load" ctl load "$T/large.yaml" "$T/local.yaml"
ticker 3000
for p in large local; do
	check "$p: all but the large ones are delivered" wait_for 30 sink_is $p kafka acked 2997
	is "$p: these are counted as rejected" "$(sink $p kafka rejected)" 3
	said "$p: and that is said" "$p: refused for good: 3 so far; the last: .*(size|large)"
	check "$p: the file has all" wait_for 10 sink_is $p file acked 3000
done
kafka_read large | grep -o '"n":[0-9]*' | cut -d: -f2 >"$T/got"
is "in order, none twice, but for the large ones" "$(sort -nu "$T/got" | cksum)" "$(seq 0 2999 | grep -vxE '1000|1001|2500' | cksum)"
check "the ledger balances at rest" balanced 10
check "stops orderly" stop
kafka_down
done_testing
