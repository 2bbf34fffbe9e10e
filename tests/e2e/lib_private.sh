# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# How a test's instance of the agent is started, stopped and looked into: a private one, by `ebpfctl run`. lib_units.sh has the other way.
# start NAME [ebpfctl-run options] FILE…: a private instance; its output in $T/NAME.out and $T/NAME.err, its state in
# $T/NAME, its pid in $PID, its bus in $BUS; $RUN and $LOG are its folders as it sees them. Fails if it does not get ready.
start() {
	local name=$1; shift
	: >"$T/$name.err"
	"$BIN/ebpfctl" run --json --state "$T/$name" "$@" >"$T/$name.out" 2>"$T/$name.err" &
	PID=$!
	PIDS+=("$PID")
	BUS=unix:path=$T/$name/bus
	if ! wait_for 30 eval "grep -qx ready '$T/$name.err' || ! kill -0 $PID"; then say "not ready after 30 s"; fi
	local dir
	dir=$(sed -nE 's/^bus: unix:path=(.*)\/bus .*/\1/p' "$T/$name.err")
	RUN=$dir/run LOG=$dir/log
	grep -qx ready "$T/$name.err" || { sed 's/^/# /' "$T/$name.err"; return 1; }
}
# stop: the last instance started, orderly; its exit status, or 99 if a sanitizer had something to say, and its last words
stop() {
	local rc
	kill "$PID"; wait "$PID"; rc=$?
	forget "$PID"
	! grep -E 'runtime error:|Sanitizer' "$T"/*.err || rc=99
	[ $rc = 0 ] || { echo "exit status $rc"; tail -n 12 "$(ls -t "$T"/*.err | head -1)"; }
	return $rc
}
ctl() { "$BIN/ebpfctl" --bus "$BUS" "$@"; }
# inside DAEMON COMMAND…: where DAEMON sees its files
inside() { nsenter -t "$PID" -m -r "${@:2}"; }
# down DAEMON: killed, and not started again before up DAEMON
down() { local pid; pid=$(daemon_pid "$1"); kill -STOP "$PID"; kill -9 "$pid"; }
up() { kill -CONT "$PID"; }
SINKS=3	# of each program: stdout, the live view, the file
