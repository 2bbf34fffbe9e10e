# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# For end-to-end tests: TAP, and a private instance per test. Source it; it makes $T (a scratch folder) and cleans up
# whatever the test started, by pid.
#
# With EBPF_AGENT_UNITS=1 (tests/units) the same tests run against the units as installed, on a systemd of their own.
set -u
export LC_ALL=C
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
if [ -n "${EBPF_AGENT_UNITS:-}" ]; then
	MACHINE=nspawn
	. "$ROOT/tests/vm/enter.sh"
	enter -o -e EBPF_AGENT_UNITS=1
	TEST_DIR=/srv	# units have a /tmp of their own
fi
BUILD=${BUILD:-$ROOT/build}
BIN=$BUILD/bin
T=$(mktemp -d "${TEST_DIR:-/tmp}/ebpf-agent-test.XXXXXX")
chmod 755 "$T"
PIDS=()
N=0 FAILED=0
# What is waited for comes soon or not at all: patience costs nothing, but where it is in vain. A machine that others use, too,
# can be some times slower, an emulated one 8 to 10 times.
PATIENCE=${EBPF_AGENT_VM:+10}
PATIENCE=${PATIENCE:-4}

cleanup() {
	local p
	for p in "${PIDS[@]}"; do kill "$p" 2>/dev/null && kill -CONT "$p"; done	# one that is stopped would be waited for without end
	for p in "${PIDS[@]}"; do wait "$p" 2>/dev/null; done
	type at_exit >/dev/null 2>&1 && at_exit
	if [ "$FAILED" != 0 ] && [ -n "${KEEP:-}" ]; then echo "# kept: $T"; else rm -rf --one-file-system "$T"; fi
}
trap cleanup EXIT
trap 'exit 1' INT TERM

say() { sed 's/^/# /' <<<"$*"; }
ok() { N=$((N + 1)); echo "ok $N - $*"; }
not_ok() { N=$((N + 1)); FAILED=$((FAILED + 1)); echo "not ok $N - $*"; }
# check NAME COMMAND…: passes when the command does
check() { local name=$1; shift; if "$@" >"$T/check.out" 2>&1; then ok "$name"; else not_ok "$name"; head -40 "$T/check.out" | sed 's/^/#   /'; fi; }
# is NAME GOT WANTED
is() { if [ "$2" = "$3" ]; then ok "$1"; else not_ok "$1"; say "got:    $2"; say "wanted: $3"; fi; }
# like NAME TEXT REGEX
like() { if grep -qE -- "$3" <<<"$2"; then ok "$1"; else not_ok "$1"; say "got:    $(head -c 2000 <<<"$2")"; say "wanted: $3"; fi; }
# compare NAME GOT_FILE WANTED_FILE: the same lines, and not none
compare() {
	cat "$3" >"$T/compare.wanted"	# it may be a pipe
	if [ ! -s "$T/compare.wanted" ]; then not_ok "$1: there is nothing to compare with"
	elif diff "$T/compare.wanted" "$2" >"$T/diff" 2>&1; then ok "$1 ($(wc -l <"$T/compare.wanted") lines)"
	else not_ok "$1"; say "< wanted, > got; $(grep -c '^[<>]' "$T/diff") lines differ"; head -20 "$T/diff" | sed 's/^/#   /'; fi
}
done_testing() { echo "1..$N"; [ "$FAILED" = 0 ]; exit; }
skip_all() { echo "1..0 # SKIP $*"; exit 0; }

[ "$(id -u)" = 0 ] || skip_all "needs root"

# wait_for SECONDS COMMAND…: until it succeeds
wait_for() {
	local end=$((SECONDS + $1 * PATIENCE)); shift
	until "$@" >/dev/null 2>&1; do
		[ $SECONDS -lt $end ] || return 1
		sleep 0.02
	done
}

if [ -n "${EBPF_AGENT_UNITS:-}" ]; then
	. "$ROOT/tests/e2e/lib_units.sh"
else
	. "$ROOT/tests/e2e/lib_private.sh"
fi
forget() {
	local p kept=()
	for p in "${PIDS[@]}"; do [ "$p" = "$1" ] || kept+=("$p"); done
	PIDS=(${kept[@]+"${kept[@]}"})
}
# Events of tests/bpf/tick.bpf.c that belong to this test alone: `properties: $TICKS` in the YAML, and ticker N [FIRST [RATE]]
MAGIC=$((65536 * (1 + RANDOM % 16384) + $$ % 65536))	# process ids alone are not unlike: machines count from 1
TICKS="{ variables: { tick_magic: $MAGIC } }"
ticker() { TICK_MAGIC=$MAGIC "$BUILD/tests/tools/ticker" "$@"; }
# daemon_pid NAME: of the last instance
daemon_pid() { pgrep -P "$PID" -f "ebpf-$1\$|ebpf-$1 " | head -1; }
# worker_pid PROGRAM
worker_pid() { pgrep -P "$(daemon_pid channeld)" -f "worker .* $1\$" | head -1; }
DAEMONS="loaderd tagd channeld sinkd xdpd"
# victim WHO: the pid of a daemon, or of a program's worker
victim() { case " $DAEMONS " in *" $1 "*) daemon_pid "$1" ;; *) worker_pid "$1" ;; esac; }
# kill_one WHO: kill -9, once it is there; all_alive WHO…: everybody is there (again)
kill_one() {
	local who=$1 pid=
	there() { pid=$(victim "$who"); [ -n "$pid" ]; }
	wait_for 5 there && kill -9 "$pid" || { say "no $who to kill"; return 1; }
}
all_alive() { local who; for who; do [ -n "$(victim "$who")" ] || return 1; done; }
# polled NAME ENTRIES: $T/NAME.yaml, of maps that ticker fills (tests/bpf/polled.bpf.c); stdin: how they are read
polled() {
	cat >"$T/$1.yaml" <<Y
programs:
  - name: polled
    type: ebpf_object
    path: $BUILD/tests/bpf/polled.bpf.o
    properties: { variables: { tick_magic: $MAGIC, entries: $2 } }
spool: { size: 256K }
channels:
$(cat)
Y
}
# holds DAEMON WHAT: it has something open whose path or name has that
holds() { find "/proc/$(daemon_pid "$1")/fd" -lname "*$2*" 2>/dev/null | grep -q .; }
# spool_says PROGRAM KIND FIELD: a number in its spool's own words (tests/tools/spoolcat), for which no daemon is asked
spool_says() { inside channeld "$BUILD/tests/tools/spoolcat" "$RUN/spool/$1.spool" 2>&1 >/dev/null | sed -nE "s/^$2 .*\b$3=([0-9]+).*/\1/p"; }
# channeld_rows METHOD [PROGRAM]: what channeld answers on the bus, each row in a line of JSON
channeld_rows() { busctl --address="$BUS" --json=short call org.ebpfagent.channel1 /org/ebpfagent/channel1 org.ebpfagent.channel1 "$1" "${2:+s}a{sv}" ${2:+"$2"} 0 | jq -c '.data[0][] | map_values(.data)'; }
# json_is FILTER [FILE]: it holds for a value of the input. (jq 1.6 with -e is content with none at all.)
json_is() { jq -se "any(.[] | ($1); .)" "${@:2}"; }
# all_json FILE: it has lines, and every one is JSON
all_json() { [ -s "$1" ] && jq -e . "$1" >/dev/null; }
# what sinkd says is not as it should be
degraded() { ctl status --json | jq -r '.. | objects | select(.daemon? == "sinkd") | .degraded | tostring'; }
# the ledger of the last instance balances within SECONDS, and nothing is on its way any more. A sink that has just begun may not
# have heard of a program, or of what its spool holds.
at_rest() {
	local all
	all=$(ctl ledger --json) && json_is <<<"$all" '
		def has($program): any(.sinks[]; .program == $program and .routed > 0);
		.balanced and (.channels | length) > 0 and all(.channels[]; .live | not) and ([.channels[], .sinks[] | .pending] | add) == 0
		and (. as $all | all(.events[] | select(.spooled > 0); .program as $p | $all | has($p)))'
}
balanced() { wait_for "${1:-5}" at_rest; }
