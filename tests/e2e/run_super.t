#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What dies is started again; what hangs is killed for it; a reader that is slow is waited for; tail survives sinkd.
. "$(dirname "$0")/lib.sh"

start x "$ROOT/programs/exec.yaml" || { not_ok "an instance gets ready"; done_testing; }
running() { [ "$(ctl status --json | jq '[.[] | select(.running)] | length')" = 5 ]; }
check "five daemons run" running
for d in tagd xdpd sinkd channeld loaderd; do
	pid=$(daemon_pid $d)
	kill -9 "$pid"
	check "$d was killed and is started again" wait_for 5 eval "[ -n \"\$(daemon_pid $d)\" ] && [ \"\$(daemon_pid $d)\" != $pid ]"
	check "… which is said" wait_for 5 grep -qx "$d died (SIGKILL), started again" "$T/x.err"
done
check "all are on the bus again" wait_for 5 running
kill -9 "$(pgrep -P "$PID" -x dbus-daemon)"
check "the bus too is started again, at the same address, and all come back to it" wait_for 10 running
is "the program is still loaded" "$(ctl list --json | jq -r '.[0].program')" exec
/bin/echo after-the-kills >/dev/null
check "events still come" wait_for 5 grep -q after-the-kills "$T/x.out"
check "the ledger balances" balanced 10

# tail, and sinkd dies under it
"$BIN/ebpfctl" --bus "$BUS" tail exec >"$T/tail.out" 2>"$T/tail.err" & TAIL=$!
PIDS+=("$TAIL")
tail_sees() { /bin/echo "$1" >/dev/null; grep -q -- "$1" "$T/tail.out"; }
check "tail shows events" wait_for 5 tail_sees tail-one
kill -9 "$(daemon_pid sinkd)"
check "tail goes on when sinkd is there again" wait_for 10 tail_sees tail-two
kill -INT "$TAIL"; wait "$TAIL"; is "tail ends at Ctrl-C: exit status" $? 0; forget "$TAIL"

# a daemon that hangs (10 s of silence, 2 s of grace)
pid=$(daemon_pid tagd)
kill -STOP "$pid"
check "a daemon that gives no sign of life is killed and started again" wait_for 20 eval "[ -n \"\$(daemon_pid tagd)\" ] && [ \"\$(daemon_pid tagd)\" != $pid ]"
like "… which is said" "$(cat "$T/x.err")" 'tagd gave no sign of life'
check "stops in good order after all that" stop

# A reader that takes nothing for two seconds: nothing is lost, nothing repeated.
mkfifo "$T/fifo"
exec 9<>"$T/fifo"
"$BIN/ebpfctl" run --json --state "$T/slow" "$ROOT/programs/exec.yaml" >"$T/fifo" 2>"$T/slow.err" & PID=$!
PIDS+=("$PID")
BUS=unix:path=$T/slow/bus
wait_for 30 grep -qx ready "$T/slow.err"
for ((i = 0; i < 1500; i++)); do /bin/true; done
check "it answers while its stdout is stuck" ctl status
cat <&9 >"$T/slow.out" & CAT=$!
PIDS+=("$CAT")
check "all is delivered once the reader reads" balanced 10
check "stops in good order" stop
# What it printed last may be in the pipe.
wait_for 5 eval '[ "$(wc -l <"$T/slow.out")" -ge "$(wc -l <"$T/slow/log/exec.jsonl")" ]'
kill "$CAT"; wait "$CAT" 2>/dev/null; forget "$CAT"
exec 9>&-
is "every event of the file is on stdout, once" "$(jq -r .id "$T/slow.out" | sort | md5sum)" "$(jq -r .id "$T/slow/log/exec.jsonl" | sort | md5sum)"
check "… at least three thousand" test "$(wc -l <"$T/slow.out")" -ge 3000
done_testing
