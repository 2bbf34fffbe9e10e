# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Storms of kill -9 over an instance (lib.sh), for tests/e2e/storm.t and tests/soak/storm.sh. The caller seeds $RANDOM: the same seed gives
# the same victims and pauses.

# The programs of a long storm; each sees all events. To add one: its name here, and its YAML below.
STORM_PROGRAMS="plain processor"
storm_yaml() {
	local tick="{ name: tick, type: ebpf_object, path: $BUILD/tests/bpf/tick_big.bpf.o, properties: { variables: { tick_magic: $MAGIC }, maps: { ticks: { max_entries: 67108864 } } } }"
	case $1 in
	plain) printf 'programs:\n  - %s\n' "$tick" ;;
	# It refuses some events, has nothing to say of others, and dies of one (tests/so/moody.c).
	processor) printf 'programs:\n  - %s\n  - { name: moody, type: user_so, path: %s }\nevents:\n  - { name: moody }\n' "$tick" "$BUILD/tests/so/moody.so" ;;
	esac
	printf 'channels:\n  ticks: { type: ring_buffer }\nstorage:\n  file: { rotate-size: 4M, keep: 1000 }\n'
}

# storm_while CONDITION VICTIM…: while it holds, kills one of them at a time, or two at once, at random; now and then stops them for a while
# instead. Counts in $kills and $stops. A victim that is not there just now is passed over.
kills=0 stops=0
storm_while() {
	local condition=$1 all=("${@:2}") pids pid
	while eval "$condition"; do
		sleep "0.0$((RANDOM % 10))"
		pids=()
		for _ in 1 $([ $((RANDOM % 4)) = 0 ] && echo 2); do
			pid=$(victim "${all[RANDOM % ${#all[@]}]}" 2>/dev/null)
			[ -n "$pid" ] && pids+=("$pid")
		done
		[ ${#pids[@]} -gt 0 ] || continue
		if [ $((RANDOM % 10)) = 0 ]; then
			kill -STOP "${pids[@]}" 2>/dev/null && stops=$((stops + 1))
			(sleep "0.$((RANDOM % 10))"; kill -CONT "${pids[@]}" 2>/dev/null) &
			PIDS+=("$!")
		else
			kill -9 "${pids[@]}" 2>/dev/null && kills=$((kills + ${#pids[@]}))
		fi
	done
}
