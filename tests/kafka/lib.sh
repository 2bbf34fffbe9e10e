# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# A real Kafka broker (KRaft mode) on loopback, for tests and benchmarks: source it behind $ROOT and $T. Its jars come by
# Maven, as tests/kafka/pom.xml names them, and are kept in build/kafka; its data lies in $T.
KAFKA_LIB=$ROOT/build/kafka/lib

# Fetches the jars unless they are there. Fails, and $KAFKA_MISSING says why.
kafka_fetch() {
	local tool
	for tool in java mvn kcat; do
		command -v $tool >/dev/null || { KAFKA_MISSING="$tool is not installed"; return 1; }
	done
	mkdir -p "$ROOT/build/kafka"
	(
		flock 9
		cmp -s "$ROOT/tests/kafka/pom.xml" "$ROOT/build/kafka/pom.xml" && exit
		rm -rf "$KAFKA_LIB"
		timeout 300 mvn -B -q -f "$ROOT/tests/kafka/pom.xml" dependency:copy-dependencies -DoutputDirectory="$KAFKA_LIB" \
			>"$ROOT/build/kafka/log" 2>&1 && cp "$ROOT/tests/kafka/pom.xml" "$ROOT/build/kafka/pom.xml"
	) 9>"$ROOT/build/kafka/lock" || { KAFKA_MISSING="the broker's jars cannot be fetched by Maven: $(grep -m1 ERROR "$ROOT/build/kafka/log" | cut -c1-200)"; return 1; }
}
KAFKA_JAVA=(java -Xmx512m -Dorg.slf4j.simpleLogger.defaultLogLevel=warn -cp "$KAFKA_LIB/*")

# kafka_port VARIABLE: one that nobody has just now, nor got from here before
KAFKA_PORTS=" "
kafka_port() {
	local free
	while :; do
		free=$((20000 + RANDOM % 12000))
		[[ $KAFKA_PORTS == *" $free "* ]] || (exec 3<>"/dev/tcp/127.0.0.1/$free") 2>/dev/null || break
	done
	KAFKA_PORTS+="$free "
	printf -v "$1" %s $free
}

# kafka_setup [PROPERTY…]: a broker with nothing in it, in $T/kafka; $BROKER is HOST:PORT of its plain listener. Listeners
# in $KAFKA_LISTENERS (NAME:PROTOCOL …) get ports of their own: $PORT_NAME. $KAFKA_FORMAT: further options of the format.
kafka_setup() {
	local l all="PLAINTEXT://127.0.0.1:" map="CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT" advertised control plain
	rm -rf "$T/kafka"
	mkdir -p "$T/kafka"
	kafka_port plain
	kafka_port control
	BROKER=127.0.0.1:$plain
	all+=$plain
	advertised=$all
	for l in ${KAFKA_LISTENERS:-}; do
		kafka_port "PORT_${l%:*}"
		local port=PORT_${l%:*}
		all+=,${l%:*}://127.0.0.1:${!port}
		advertised+=,${l%:*}://${KAFKA_HOST:-127.0.0.1}:${!port}
		map+=,${l%:*}:${l#*:}
	done
	cat >"$T/kafka/server.properties" <<P
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:$control
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
listeners=$all,CONTROLLER://127.0.0.1:$control
advertised.listeners=$advertised
listener.security.protocol.map=$map
log.dirs=$T/kafka/data
num.partitions=4
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
group.initial.rebalance.delay.ms=0
broker.session.timeout.ms=1500
broker.heartbeat.interval.ms=300
$(printf '%s\n' "$@")
P
	# shellcheck disable=SC2086
	"${KAFKA_JAVA[@]}" kafka.tools.StorageTool format -t "$("${KAFKA_JAVA[@]}" kafka.tools.StorageTool random-uuid 2>/dev/null)" \
		-c "$T/kafka/server.properties" ${KAFKA_FORMAT:-} >"$T/kafka/format.log" 2>&1
}
kafka_answers() { timeout 5 kcat -L -b "$BROKER" -m 2 2>/dev/null | grep -q '1 brokers'; }
# kafka_up: starts it, or again; its pid in $KAFKA_PID
kafka_up() {
	"${KAFKA_JAVA[@]}" kafka.Kafka "$T/kafka/server.properties" \
		>>"$T/kafka/log" 2>&1 &
	KAFKA_PID=$!
	[ -z "${PIDS+x}" ] || PIDS+=("$KAFKA_PID")
	local end=$((SECONDS + 60))
	until kafka_answers; do
		[ $SECONDS -lt $end ] && kill -0 "$KAFKA_PID" 2>/dev/null || { tail -5 "$T/kafka/log" | sed 's/^/# /'; return 1; }
		sleep 0.1
	done
}
# kafka_down [SIGNAL]
kafka_down() {
	kill "${1:--TERM}" "$KAFKA_PID"
	wait "$KAFKA_PID" 2>/dev/null
	[ -z "${PIDS+x}" ] || forget "$KAFKA_PID"
}
# kafka_read TOPIC [FORMAT]: all that is in it
kafka_read() { timeout 300 kcat -C -b "$BROKER" -t "$1" -o beginning -e -q -f "${2:-%s\n}" -X fetch.wait.max.ms=100; }

# program NAME KAFKA [MORE]: $T/NAME.yaml, of ticks, with a file and these options for Kafka
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

# What sinkd says of it, to an instance of lib.sh. sink PROGRAM SINK COLUMN: from the ledger; sink_is … VALUE
sink() { ctl ledger "$1" --json | jq "[.sinks[] | select(.sink | startswith(\"$2\")) | .$3] | add"; }
sink_is() { [ "$(sink "$1" "$2" "$3")" = "$4" ]; }
says() { degraded | grep -qiE "$1"; }
# said NAME REGEX: soon
said() { if wait_for 20 says "$2"; then ok "$1"; else not_ok "$1"; say "$(degraded)"; fi; }
# kafka_java_dirs: what a machine of its own has to see of this one for Java to work there
kafka_java_dirs() {
	local home
	home=$(dirname "$(dirname "$(readlink -f "$(command -v java)")")")
	echo "$home"
	find "$home/conf" -type l -exec readlink -f {} + | xargs -r dirname | sort -u
}
