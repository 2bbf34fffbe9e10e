# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Storms of kill -9 over an instance (lib.sh), for tests/e2e/storm.t and tests/soak/storm.sh. The caller seeds $RANDOM: the same seed gives
# the same victims and pauses.

# The programs of a long storm; each sees all events. To add one: its name here, and its YAML below.
STORM_PROGRAMS="plain processor perf map pipe"
# storm_object OBJECT [MAPS]
storm_object() { printf 'programs:\n  - { name: tick, type: ebpf_object, path: %s, properties: { variables: { tick_magic: %s }%s } }\n' "$BUILD/tests/bpf/$1" "$MAGIC" "${2:+, maps: $2}"; }
storm_yaml() {
	local big="{ ticks: { max_entries: 67108864 } }"
	case $1 in
	plain)
		storm_object tick_big.bpf.o "$big"
		printf 'channels:\n  ticks: { type: ring_buffer }\n'
		;;
	processor)	# it refuses some events, has nothing to say of others, and dies of one (tests/so/moody.c)
		storm_object tick_big.bpf.o "$big"
		printf '  - { name: moody, type: user_so, path: %s }\nevents:\n  - { name: moody }\n' "$BUILD/tests/so/moody.so"
		printf 'channels:\n  ticks: { type: ring_buffer }\n'
		;;
	perf)
		storm_object tick_perf.bpf.o
		printf 'channels:\n  ticks: { type: perf_buffer, buffer: 4M }\n'
		;;
	map)	# an event adds to one of 64 entries
		storm_object polled.bpf.o
		printf 'channels:\n  by_hash: { type: map, interval: 50ms, reset: true, metric: calls, values: [calls] }\n'
		;;
	pipe)	# an event is a line
		printf 'programs: []\nchannels:\n  lines: { type: pipe }\n'
		;;
	esac
	printf 'storage:\n  file: { rotate-size: 4M, keep: 1000 }\n'
}

# storm_produce N FIRST RATE DIR: events FIRST to FIRST + N - 1 for all of them; DIR is the instance's state. Ends when they are made.
storm_produce() {
	seq "$2" $(($1 + $2 - 1)) | awk -v rate="$3" '{ print "n=" $1 } NR % int(rate / 20) == 0 { fflush(); system("sleep 0.048") }' >"$4/lib/pipe/pipe.lines" &
	local writer=$!
	TICK_MAGIC=$MAGIC "$BUILD/tests/tools/ticker" "$@"
	wait "$writer"
}
# storm_said PROGRAM FILE…: what its lines speak of: the number of an event; a map's: an id, and how many events
storm_said() {
	case $1 in
	map) sed -nE 's/.*"id":"([^"]+)".*"value":([0-9]+).*/\1 \2/p' "${@:2}" ;;
	*) grep -ohE '"n":[0-9]+' "${@:2}" | cut -d: -f2 ;;
	esac
}
# storm_count PROGRAM: of how many events stdin speaks, which storm_said() has said
storm_count() { if [ "$1" = map ]; then awk '{ n += $2 } END { print n + 0 }'; else wc -l; fi; }

# Without a process, which would cost more than what it looks for.
exec {STORM_FD}<> <(:)
storm_pause() { read -rt "$1" -u "$STORM_FD"; }
# storm_child PARENT COMMAND [LAST]: leaves in $pid the child that runs COMMAND, with LAST as its last argument; false: none does just now
storm_child() {
	local kids=() argv parent=$1
	pid=
	read -r -a kids 2>/dev/null <"/proc/$parent/task/$parent/children"	# no line feed ends it: never true
	for pid in ${kids[@]+"${kids[@]}"}; do
		mapfile -d '' -t argv 2>/dev/null <"/proc/$pid/cmdline" || continue
		[ ${#argv[@]} -gt 0 ] && [ "${argv[0]##*/}" = "$2" ] || continue
		[ -z "${3:-}" ] || [ "${argv[-1]}" = "$3" ] || continue
		return 0
	done
	pid=
	return 1
}
# storm_victim WHO: a daemon or a program's worker, into $pid
storm_victim() {
	if [ -n "${EBPF_AGENT_UNITS:-}" ]; then
		pid=$(victim "$1" 2>/dev/null)
		[ -n "$pid" ]
	elif [[ " $DAEMONS " == *" $1 "* ]]; then
		storm_child "$PID" "ebpf-$1"
	else
		storm_child "$PID" ebpf-channeld && storm_child "$pid" ebpf-channeld "$1"
	fi
}

# storm_while CONDITION VICTIM…: while it holds, kills one of them at a time, or two at once, at random; now and then stops them for a while
# instead. Counts in $kills and $stops. A victim that is not there just now is passed over.
kills=0 stops=0
storm_while() {
	local condition=$1 all=("${@:2}") pids pid n
	while eval "$condition"; do
		storm_pause "0.0$((RANDOM % 10))"
		pids=()
		for ((n = RANDOM % 4 ? 1 : 2; n > 0; n--)); do
			storm_victim "${all[RANDOM % ${#all[@]}]}" && pids+=("$pid")
		done
		[ ${#pids[@]} -gt 0 ] || continue
		if [ $((RANDOM % 10)) = 0 ]; then
			kill -STOP "${pids[@]}" 2>/dev/null && stops=$((stops + 1))
			(sleep "0.$((RANDOM % 10))"; kill -CONT "${pids[@]}" 2>/dev/null) &	# not in PIDS: long ended, its pid may be another's
		else
			kill -9 "${pids[@]}" 2>/dev/null && kills=$((kills + ${#pids[@]}))
		fi
	done
}
# all_there PROGRAMS: whoever was killed often is started again late, and a daemon that has just begun knows of no program yet
all_there() {
	local d
	for d in loaderd channeld sinkd; do [ -n "$(daemon_pid $d)" ] || return 1; done
	[ "$(ctl ledger --json | jq '[(.channels | length), (.sinks | length)] | join(" ")')" = "\"$1 $(($1 * SINKS))\"" ] && ctl list
}
