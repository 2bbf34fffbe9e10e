#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Jobs: what takes time is an object, with progress, an end that anybody may wait for, and a cancel that leaves nothing behind; and
# how ebpfctl follows one.
. "$(dirname "$0")/lib.sh"
. "$ROOT/tests/e2e/lib_bus.sh"

tick() { cat >"$T/$1.yaml" <<Y
programs:
  - { name: tick, type: ebpf_object, path: $BUILD/tests/bpf/tick_big.bpf.o, properties: $TICKS }
channels:
  ticks: { type: ring_buffer }
Y
}
tick a; tick b; tick c
start x "$T/a.yaml" || { not_ok "an instance gets ready"; done_testing; }
ok "an instance gets ready"
state() { prop "$1" Job State; }
is_state() { [ "$(state "$1")" = "$2" ]; }
pins() { inside loaderd find "$RUN/bpf/v1/program/$1" "$RUN/manifest/$1.json" 2>/dev/null | wc -l; }

# ---- the life of one that fails
sed "s|tick_big.bpf.o|absent.bpf.o|" "$T/b.yaml" >"$T/absent.yaml"
J=$(begin_load "$T/absent.yaml")
is "what is found out later is the job's error, by name" "$(error "$J" $L.Job Wait 'a{sv}')" $ERR.LoadFailed
is "its properties say the same" "$(state "$J") $(prop "$J" Job Error) $(prop "$J" Job Program)" "failed $ERR.LoadFailed absent"
like "… in words, too" "$(prop "$J" Job ErrorText)" 'absent.bpf.o'
is "one that has ended cannot be cancelled" "$(error "$J" $L.Job Cancel 'a{sv}')" $ERR.JobEnded
like "its methods refuse unknown options" "$(bc call $L "$J" $L.Job Wait 'a{sv}' 1 now b true 2>&1)" "unknown option 'now'"

# ---- a load that is slow to get its artifact
broker=$(pgrep -P "$(daemon_pid loaderd)" -f ebpf-broker)
kill -STOP "$broker"
J=$(begin_load "$T/b.yaml")
is "a load that waits for an artifact says so" "$(state "$J") $(prop "$J" Job Phase)" "running opening artifacts 0/1"
is "it is listed as loading" "$(prop $LP/program/b Program State)" loading
job "$J" Wait >"$T/wait.out" 2>&1 & WAITS=$!
PIDS+=("$WAITS")
is "another one of that name is refused at once" "$(error $LP $L LoadText 'sssa{sv}' "$(cat "$T/b.yaml")" b.yaml /)" $ERR.AlreadyLoaded
is "so is an unload" "$(error $LP $L Unload 'sa{sv}' b)" $ERR.Invalid
# Anybody may wait, but not all of them at once: whoever does not ask for an answer is not counted.
is "strangers who wait are bounded" "$(as_stranger /usr/bin/python3 -I - "$BUS" "$J" 2>&1 <<'P'
import sys, dbus, dbus.bus, dbus.lowlevel
bus = dbus.bus.BusConnection(sys.argv[1])
for n in range(200):
    m = dbus.lowlevel.MethodCallMessage("org.ebpfagent.loader1", sys.argv[2], "org.ebpfagent.loader1.Job", "Wait")
    m.append({}, signature="a{sv}")
    m.set_no_reply(n < 30)
    try:
        bus.send_message(m) if n < 30 else bus.send_message_with_reply_and_block(m, 0.02)
    except dbus.DBusException as e:
        if not e.get_dbus_name().endswith(".NoReply"):
            print("too early" if n < 30 + 63 else "in time", e.get_dbus_name())
            break
P
)" "in time $ERR.LimitExceeded"
is "a stranger may not cancel it" "$(as_stranger error "$J" $L.Job Cancel 'a{sv}') $(state "$J")" "org.freedesktop.DBus.Error.AccessDenied running"
is "one of the group may" "$(as_member error "$J" $L.Job Cancel 'a{sv}') $(state "$J")" "none cancelled"
wait "$WAITS"; forget "$WAITS"
like "whoever waits is told" "$(cat "$T/wait.out")" 'cancelled; nothing of it is left'
is "… by name" "$(error "$J" $L.Job Wait 'a{sv}')" $ERR.Cancelled
is "nothing of it is left" "$(objects $LP/program/b) $(pins b)" "0 0"
kill -CONT "$broker"
check "the artifact that comes late harms nobody" ctl load "$T/b.yaml"
check "… the same program loads, and works" ctl unload b

# ---- a load whose child has maps, programs and pins already
hold() {
	strace -o "$T/held" -e trace=perf_event_open -e inject=perf_event_open:delay_enter=100s -p "$broker" 2>"$T/strace.err" & STRACE=$!
	PIDS+=("$STRACE")
	wait_for 5 grep -q attached "$T/strace.err"
}
if command -v strace >/dev/null && hold; then
	J=$(begin_load "$T/b.yaml")
	check "a load is held while it attaches" wait_for 10 eval "[ \"\$(prop $J Job Phase)\" = attaching ] && grep -q perf_event_open '$T/held'"
	check "it has pins" test "$(pins b)" -gt 0
	child=$(pgrep -P "$(daemon_pid loaderd)" -f ebpf-load\$)
	check "it is cancelled" job "$J" Cancel
	is "… and told so" "$(error "$J" $L.Job Wait 'a{sv}')" $ERR.Cancelled
	is "its child is gone, and all that it made" "$(kill -0 "$child" 2>&1 | grep -c 'No such') $(pins b) $(objects $LP/program/b)" "1 0 0"
	kill "$STRACE"; wait "$STRACE" 2>/dev/null; forget "$STRACE"
	check "the same program loads" ctl load "$T/b.yaml"
	check "… and unloads" ctl unload b
else
	not_ok "the broker can be held by strace"
fi

# ---- a drain
ctl load "$T/b.yaml" >/dev/null
down sinkd
ticker 200
J=$(begin Unload 'sa{sv}' b 1 timeout s 1h)
says_how_many() { prop "$J" Job Phase | grep -qx 'draining: [0-9]* records'; }
check "a drain says how much is left" wait_for 10 says_how_many
is "one that takes too long fails by name" "$(error "$(begin Unload 'sa{sv}' b 1 timeout t 1)" $L.Job Wait 'a{sv}')" $ERR.DrainTimeout
check "a drain is cancelled" job "$J" Cancel
is "its job says so" "$(state "$J") $(error "$J" $L.Job Wait 'a{sv}')" "cancelled $ERR.Cancelled"
is "the program goes on draining" "$(prop $LP/program/b Program State)" draining
# As many wait as may, and one more.
last=
for _ in $(seq 260); do last=$(ask Unload 'sa{sv}' b 1 timeout s 1h 2>&1) || break; done
like "jobs that run are bounded" "$last" '256 jobs are going on already'
running=$(bc --json=short call $L $LP org.freedesktop.DBus.ObjectManager GetManagedObjects | jq '[.data[0][] | .["'$L'.Job"].State.data | select(. == "running")] | length')
is "… at 256" "$running" 256
up sinkd
gone() { [ "$(objects $LP/program/b)" = 0 ]; }
check "sinkd is back: the program goes by itself" wait_for 20 gone
is "jobs that have ended are bounded" "$(objects $LP/job/)" 64

# ---- one more, to see it go
J=$(begin UnloadAll 'a{sv}' 0)
is "UnloadAll tells what it unloaded" "$(job "$J" Wait | jq -c .data)" '[["a"],[]]'
ENDED=$SECONDS
watch

# ---- ebpfctl
kill -STOP "$broker"
ctl load "$T/c.yaml" >"$T/out" 2>"$T/err" & LOAD=$!
PIDS+=("$LOAD")
check "a load that takes long is said in lines where there is no terminal" wait_for 10 grep -qx "ebpfctl: loading $T/c.yaml: opening artifacts 0/1 (5 %)" "$T/err"
kill -CONT "$broker"
wait "$LOAD"; is "… and it loads" "$? $(cat "$T/out")" "0 loaded c"; forget "$LOAD"
kill -STOP "$broker"
"$BIN/ebpfctl" --bus "$BUS" load --json "$T/b.yaml" >"$T/out" 2>"$T/err" & LOAD=$!
PIDS+=("$LOAD")
check "with --json in JSON" wait_for 10 eval "jq -se 'any(.phase == \"opening artifacts 0/1\" and .progress == 5 and (.job | test(\"job/\")))' '$T/err'"
kill -TERM "$LOAD"
wait "$LOAD"; is "SIGTERM cancels it" "$? $(jq -r '.[0].error' "$T/out")" "1 b: the load was cancelled; nothing of it is left"; forget "$LOAD"
is "… and nothing is left" "$(objects $LP/program/b) $(pins b)" "0 0"
terminal() { timeout 30 /usr/bin/python3 -I - "$@" <<'P'
import os, pty, signal, sys, time
pid, fd = pty.fork()
if not pid:
    os.execv(sys.argv[1], sys.argv[1:])
seen, told = b"", False
while True:
    try:
        got = os.read(fd, 4096)
    except OSError:
        break
    seen += got
    if b"(5 %)" in seen and not told:
        told = True
        os.write(fd, b"\x03")
print(seen.decode(), os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
P
}
terminal "$BIN/ebpfctl" --bus "$BUS" load "$T/b.yaml" >"$T/tty"
like "on a terminal in a line that changes" "$(cat -v "$T/tty")" "^(\^C)?\^M\^\[\[Kloading $T/b.yaml: opening artifacts 0/1 \(5 %\)"
like "… where Ctrl-C cancels it, and the line goes" "$(cat -v "$T/tty")" '\^M\^\[\[Kebpfctl: .*the load was cancelled'
like "… with status 1" "$(tail -1 "$T/tty")" ' 1$'
is "… and nothing is left" "$(objects $LP/program/b) $(pins b)" "0 0"
# A loaderd that hangs.
kill -STOP "$(daemon_pid loaderd)"
"$BIN/ebpfctl" --bus "$BUS" load "$T/b.yaml" >"$T/out" 2>"$T/err" & LOAD=$!
PIDS+=("$LOAD")
catches_term() { local caught; [ "$(cat "/proc/$LOAD/comm")" = ebpfctl ] && caught=$(awk '$1 == "SigCgt:" { print $2 }' "/proc/$LOAD/status") && ((0x$caught >> 14 & 1)); }
wait_for 5 catches_term
sleep 0.5; kill -TERM "$LOAD"
wait "$LOAD"; is "a loaderd that hangs holds nobody who has had enough" "$? $(cat "$T/err")" "1 ebpfctl: $T/b.yaml: interrupted; loaderd may go on with it: see \`ebpfctl list\`"; forget "$LOAD"
kill -CONT "$(daemon_pid loaderd)" "$broker"
check "… whose call is worth nothing once he is gone" wait_for 10 eval "[ \"\$(objects $LP/program/b)\" = 0 ]"
down sinkd
ticker 50 1000
"$BIN/ebpfctl" --bus "$BUS" unload c >"$T/out" 2>"$T/err" & UNLOAD=$!
PIDS+=("$UNLOAD")
check "a drain that takes long is said" wait_for 10 grep -qx 'ebpfctl: unloading c: draining: 50 records (0 %)' "$T/err"
kill -TERM "$UNLOAD"
wait "$UNLOAD"; is "an unload that is interrupted goes on by itself, and says so" "$? $(tail -1 "$T/err" | grep -c 'c is detached, goes on draining')" "1 1"; forget "$UNLOAD"
up sinkd
check "… and it does" wait_for 20 eval "[ \"\$(objects $LP/program/c)\" = 0 ]"

# ---- its end
while [ $((SECONDS - ENDED)) -lt 55 ]; do sleep 1; done
is "55 seconds after its end a job still answers" "$(job "$J" Wait | jq -c .data)" '[["a"],[]]'
expired() { said '.member == "InterfacesRemoved" and .payload.data[0] == "'"$J"'"'; }
check "after 60 it is removed, and told of" wait_for 15 expired
unwatch
like "… and is no object any more" "$(job "$J" Wait 2>&1)" 'Unknown object'
ctl unload --all >/dev/null 2>&1
check "stops in good order" stop
is "every tick of b was delivered, also those of the drain that was cancelled" "$(jq -r 'select(.program == "b" and .data.n < 1000) | .data.n' "$T/x.out" | sort -n | uniq -c | awk '{ n[$1]++ } END { for (i in n) print i, n[i] }')" "1 200"
done_testing
