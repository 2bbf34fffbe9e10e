#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# `ebpfctl run` ends cleanly whatever ends it, leaves nothing behind, and says in one sentence why it cannot begin.
. "$(dirname "$0")/lib.sh"

base() { sed -n 's|^bus: unix:path=\(/tmp/ebpf-agent\.[A-Za-z0-9]*\)/bus .*|\1|p' "$1"; }
none_left() { ! pgrep -f -- "$1/" >/dev/null && ! grep -q -- "$1" /proc/*/mounts 2>/dev/null && [ ! -e "$1" ]; }
# run NAME ARGUMENT…: without --state; sets $PID
run() {
	local name=$1; shift
	: >"$T/$name.err"
	"$BIN/ebpfctl" run "$@" >"$T/$name.out" 2>"$T/$name.err" &
	PID=$!
	PIDS+=("$PID")
}
# ends NAME WHAT STATUS: waits for the last one run
ends() { wait "$PID"; local rc=$?; forget "$PID"; is "$2: exit status" $rc "$3"; [ $rc = "$3" ] || sed 's/^/#   /' "$T/$1.err"; }
is_ready() { grep -qx ready "$1"; }

run term --json "$ROOT/programs/exec.yaml"
check "gets ready" wait_for 30 is_ready "$T/term.err"
B=$(base "$T/term.err")
like "says where its bus is, before it is ready" "$(grep -B99 -x ready "$T/term.err")" '^bus: unix:path=/tmp/ebpf-agent\.[A-Za-z0-9]+/bus '
check "another terminal reaches it" "$BIN/ebpfctl" --bus "unix:path=$B/bus" status
is "five daemons run" "$("$BIN/ebpfctl" --bus "$B/bus" status --json | jq '[.[] | select(.running)] | length')" 5
is "its mounts are not seen outside" "$(grep -c -- "$B" /proc/self/mounts)" 0
is "not one of its daemons is root" "$(ps -o uid= --ppid "$PID" | grep -cw 0)" 0
/bin/true; sleep 0.2
kill -TERM "$PID"; ends term SIGTERM 0
check "nothing is left: no process, no mount, no folder" none_left "$B"
is "stderr: the address, ready, what was delivered" "$(grep -cvE '^bus: |^ready$|^ebpfctl: (un)?loading ' "$T/term.err") $(tail -1 "$T/term.err")" "1 exec: $(wc -l <"$T/term.out") events delivered"
check "stdout holds events alone, each a JSON object" jq -es 'length > 0 and all(.[]; .id)' "$T/term.out"
check "the last event under way was printed" grep -q '"comm":"true"' "$T/term.out"

run int "$ROOT/programs/exec.yaml"
wait_for 30 is_ready "$T/int.err"; B=$(base "$T/int.err")
/bin/true; sleep 0.2
kill -INT "$PID"; ends int Ctrl-C 0
check "nothing is left after Ctrl-C" none_left "$B"
like "events as text: time, program, keys and values" "$(cat "$T/int.out")" '^[0-9:]{8}\.[0-9]{3} exec  .*comm=true'

run seconds --seconds 1 "$ROOT/programs/exec.yaml"
ends seconds --seconds 0
check "nothing is left after --seconds" none_left "$(base "$T/seconds.err")"

{ "$BIN/ebpfctl" run --json "$ROOT/programs/exec.yaml" 2>"$T/head.err"; echo $? >"$T/head.rc"; } | head -n 1 >"$T/head.out" & HEAD=$!
PIDS+=("$HEAD")
wait_for 30 is_ready "$T/head.err"
for _ in 1 2 3; do /bin/true; sleep 0.1; done
check "it ends when its reader ends" wait_for 20 test -s "$T/head.rc"
is "closed stdout: exit status" "$(cat "$T/head.rc" 2>/dev/null)" 0
wait "$HEAD" 2>/dev/null; forget "$HEAD"
check "nothing is left after a closed stdout" none_left "$(base "$T/head.err")"

# ---- signals, at bad moments ----------------------------------------------------------------------------------------

run verbose -v "$ROOT/programs/oom.yaml"
wait_for 30 is_ready "$T/verbose.err"
# As `timeout` and some terminals do: to the process, and to its whole group.
kill -TERM "$PID"; kill -TERM "$PID"; ends verbose "SIGTERM twice" 0
like "--verbose: the daemons' words" "$(cat "$T/verbose.err")" '^loaderd: oom is loaded'
timeout 100 python3 - "$BIN/ebpfctl" "$ROOT/programs/oom.yaml" >"$T/signals" 2>&1 <<'P'
import os, signal, subprocess, sys, time

def run(wait, delay, signals):
    p = subprocess.Popen([sys.argv[1], "run", sys.argv[2]], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True)
    said = b""
    while wait not in said:
        said += os.read(p.stderr.fileno(), 4096)
    time.sleep(delay)
    for number, to in signals:
        try:
            to(p.pid, number)
        except ProcessLookupError:
            pass
    said += p.communicate()[1]
    # A busy machine may need a second for the load, or the drain: then it is said.
    lines = [l for l in said.decode().splitlines() if not l.startswith(("bus: ", "ready", "oom: ", "ebpfctl: loading ", "ebpfctl: unloading all programs: "))]
    if p.returncode or lines or (wait == b"ready" and b"oom: " not in said):
        print(wait, delay, p.returncode, said)

for i in range(8):
    run(b"bus: ", i * 0.001, [(signal.SIGINT, os.kill)])
    run(b"ready", i * 0.0007, [(signal.SIGTERM, os.kill), (signal.SIGTERM, os.killpg)])
P
is "Ctrl-C in the first milliseconds, two signals at once, to it and to its group: quiet, in order, with the sum" "$? $(cat "$T/signals")" "0 "

# ---- what cannot begin -------------------------------------------------------------------------------------------

printf 'programs:\n  - name: x\n    tpye: ebpf_object\n' >"$T/bad.yaml"
run bad "$T/bad.yaml"
ends bad "a file that is wrong" 1
like "the error names file and line" "$(cat "$T/bad.err")" 'bad\.yaml:3: .*tpye'
check "nothing is left after a failed load" none_left "$(base "$T/bad.err")"
is "nothing on stdout" "$(stat -c %s "$T/bad.out")" 0

is "the refusal is said once" "$(grep -c tpye "$T/bad.err")" 1

run twice "$ROOT/programs/exec.yaml" "$ROOT/programs/oom.yaml" "$ROOT/programs/exec.yaml"
ends twice "a program that is named twice" 1
is "… is seen before anything is started" "$(cat "$T/twice.err")" \
	"ebpfctl: $ROOT/programs/exec.yaml and $ROOT/programs/exec.yaml both describe the program 'exec'"

run absent "$T/absent.yaml"
ends absent "a file that is absent" 1
is "is said in one sentence" "$(cat "$T/absent.err")" "ebpfctl: $T/absent.yaml: No such file or directory"

cp "$BIN/ebpfctl" "$T/ebpfctl"
is "no privileges: one sentence" "$(setpriv --reuid 65534 --regid 65534 --clear-groups "$T/ebpfctl" run x.yaml 2>&1; echo $?)" \
	"ebpfctl: run needs root: it loads BPF programs (try: sudo ebpfctl run …)
1"
is "no file: usage" "$("$BIN/ebpfctl" run >/dev/null 2>&1; echo $?)" 2
is "an unknown option: usage" "$("$BIN/ebpfctl" run --frob x.yaml >/dev/null 2>&1; echo $?)" 2
is "another verb's option: usage" "$("$BIN/ebpfctl" list --seconds 3 2>&1; echo $?)" \
	"ebpfctl: \`list\` takes no option --seconds; see \`ebpfctl help list\`
2"

# ---- a folder that is kept -----------------------------------------------------------------------------------------

mkdir "$T/theirs"; chown 65534 "$T/theirs"
is "a folder of somebody else is refused: its owner could have anything mounted from it" \
	"$("$BIN/ebpfctl" run --state "$T/theirs" "$ROOT/programs/exec.yaml" 2>&1; echo $?)" \
	"ebpfctl: $T/theirs: a --state folder must be root's own, and writable for root alone
1"
mkdir "$T/linked" "$T/victim"; echo x >"$T/victim/file"; ln -s "$T/victim" "$T/linked/log"
like "a link in it is not followed" "$("$BIN/ebpfctl" run --state "$T/linked" "$ROOT/programs/exec.yaml" 2>&1)" 'linked/log: Not a directory'
is "and what it leads to stays root's" "$(stat -c %u "$T/victim" "$T/victim/file" | sort -u)" 0
mkdir -m 700 "$T/closed"	# as a clone below /root would be
run keep --json --state "$T/closed/state" "$ROOT/programs/exec.yaml"
check "gets ready with --state below a folder that only root may enter" wait_for 30 is_ready "$T/keep.err"
FIRST=$PID
is "a second instance on the same folder is refused" "$("$BIN/ebpfctl" run --state "$T/closed/state" "$ROOT/programs/exec.yaml" 2>&1; echo $?)" \
	"ebpfctl: $T/closed/state: another instance works there (process $FIRST); one instance per --state folder
1"
check "the first one does not mind" "$BIN/ebpfctl" --bus "unix:path=$T/closed/state/bus" list
/bin/true; sleep 0.2
PID=$FIRST; kill "$PID"; ends keep "it stops in good order" 0
check "its file is kept" grep -q '"comm":"true"' "$T/closed/state/log/exec.jsonl"
check "its bus and folder are gone" none_left "$(base "$T/keep.err")"
is "only what is to be kept is kept" "$(cd "$T/closed/state" && echo *)" "lib lock log"
before=$(wc -l <"$T/closed/state/log/exec.jsonl")
run again --json --state "$T/closed/state" "$ROOT/programs/exec.yaml"
wait_for 30 is_ready "$T/again.err"; /bin/true; sleep 0.2
kill "$PID"; ends again "the next one takes it over" 0
check "and appends to its file" test "$(wc -l <"$T/closed/state/log/exec.jsonl")" -gt "$before"
done_testing
