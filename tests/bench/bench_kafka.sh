#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# sinkd → Kafka, out of a spool filled beforehand, beside `kcat -P` with the very same messages (keys, values, as many
# headers), by the same librdkafka and with the same promises, to the same broker, turn by turn. How long it took is the
# broker's word: by when it appended them. And what Kafka costs sinkd in memory.
. "$(dirname "$0")/../e2e/lib.sh" >&2
. "$ROOT/tests/kafka/lib.sh"
kafka_fetch || { echo "bench_kafka: skipped: $KAFKA_MISSING" >&2; exit 0; }
EVENTS=${EVENTS:-400000} ROUNDS=${ROUNDS:-5}
die() { echo "bench_kafka: $*" >&2; exit 1; }
row() { printf '%s\t%s\t%s\t%s\n' "$@"; }
median() { sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }
# rate TOPIC: messages a second, from the first quarter to the last: connecting and queues that fill or empty are not in it
rate() {
	kafka_read "$1" '%T\n' | sort -n | awk '{ t[NR] = $1 } END { a = int(NR / 4); b = int(NR * 3 / 4); printf "%.0f\n", (b - a) * 1000 / (t[b] - t[a] + 1) }'
}
# pss: of sinkd in KB, without spools
pss() { awk '/^[0-9a-f]+-[0-9a-f]+ / { skip = /\.spool/ } /^Pss:/ && !skip { s += $2 } END { print s }' "/proc/$(daemon_pid sinkd)/smaps"; }

# program STORAGE
program() {
	cat >"$T/tick.yaml" <<Y
programs:
  - { name: tick, type: ebpf_object, path: $BUILD/tests/bpf/tick_big.bpf.o, properties: $TICKS }
channels:
  ticks: { type: ring_buffer }
storage: $1
spool: { size: 512M }
Y
}
# ticks N: of four processes
ticks() {
	local i pids=()
	for i in 0 1 2 3; do ticker $(($1 / 4)) $((i * $1 / 4)) 20000 & pids+=($!); done
	wait "${pids[@]}"
}
# delivered SINK: all that was spooled; on a busy machine the ring may lose some
delivered() { ctl ledger tick --json | jq -se ".[0] | .events[0].spooled > $EVENTS / 2 and ([.sinks[] | select(.sink == \"$1\") | .acked] | add) == .events[0].spooled"; }
# by_sinkd TOPIC
by_sinkd() {
	printf 'kafka: { brokers: "%s", topic: %s }\n' "$BROKER" "$1" >"$T/conf/sinkd.yaml"
	start "$1" --config "$T/conf" "$T/tick.yaml" >&2 || die "no instance"
	down sinkd
	ticks "$EVENTS"
	up
	sleep "${ALONE:-4}"	# whoever asks for the ledger has sinkd count what is pending: kcat is asked nothing either
	wait_for 60 delivered kafka || die "not delivered: $(ctl ledger)"
	PEAK_KB=$(pss)
	sleep 2.5
	KAFKA_KB=$(pss)
	stop >&2
	rm -rf "${T:?}/$1"
}
# by_kcat TOPIC
by_kcat() {
	kcat -P -b "$BROKER" -t "$1" -X acks=all -X enable.idempotence=true -X partitioner=murmur2_random -K '\t' \
		-H ce_specversion=1.0 -H "ce_id=$ID" -H "ce_source=/$HOSTNAME/ebpf-agent/tick/ticks" \
		-H ce_type=org.ebpfagent.tick.tick -H ce_time=2026-11-25T01:02:03.123456789Z -H content-type=application/json \
		-l "$T/messages"
}

mkdir -p "$T/conf"
kafka_setup log.message.timestamp.type=LogAppendTime && kafka_up || die "no broker"
program "{ kafka: true, file: false }"
# The first round warms the broker up; what it wrote is what kcat writes.
by_sinkd warm
kafka_read warm '%k\t%s\n' >"$T/messages"
ID=$(head -1 "$T/messages" | grep -o '"id":"[^"]*"' | cut -d'"' -f4)
by_kcat kcat-warm
for i in $(seq "$ROUNDS"); do
	by_sinkd "sinkd-$i"
	by_kcat "kcat-$i"
	ours=$(rate "sinkd-$i") theirs=$(rate "kcat-$i")
	echo "$ours" >>"$T/ours"
	echo "$theirs" >>"$T/theirs"
	awk -v a="$ours" -v b="$theirs" 'BEGIN { printf "%.2f\n", a / b }' >>"$T/ratios"
done
echo "ratios: $(tr '\n' ' ' <"$T/ratios")" >&2
row "kcat -P to a Kafka broker on this machine, idempotent, acks=all" "$(median <"$T/theirs")" "messages/s" ""
row "spool -> sinkd -> the same broker, the same messages" "$(median <"$T/ours")" "messages/s" ""
row "spool -> sinkd -> Kafka, of kcat -P" "$(median <"$T/ratios")" "x" ">= 0.7"
program "{ file: true }"
start plain --config "$T/conf" "$T/tick.yaml" >&2 || die "no instance"
ticks "$EVENTS"
wait_for 60 delivered file || die "not written"
row "sinkd after $EVENTS records to a file" "$(awk -v k="$(pss)" 'BEGIN { printf "%.1f", k / 1024 }')" "MB PSS" ""
row "sinkd right after $EVENTS records to Kafka" "$(awk -v k="$PEAK_KB" 'BEGIN { printf "%.1f", k / 1024 }')" "MB PSS" ""
row "  the same, two seconds later" "$(awk -v k="$KAFKA_KB" 'BEGIN { printf "%.1f", k / 1024 }')" "MB PSS" ""
stop >&2
kafka_down
