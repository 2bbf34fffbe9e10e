#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Every verb against a living instance: exit status, JSON that parses, errors of one line that name their cause.
. "$(dirname "$0")/lib.sh"

start x "$ROOT/programs/exec.yaml" || { not_ok "an instance gets ready"; done_testing; }
# fails NAME STATUS REGEX VERB…: exit status, one line on stderr, nothing on stdout
fails() {
	local name=$1 want=$2 regex=$3 rc; shift 3
	ctl "$@" >"$T/out" 2>"$T/err"; rc=$?
	is "$name: exit status" "$rc $(wc -l <"$T/err") $(stat -c %s "$T/out")" "$want 1 0"
	like "$name: the cause" "$(cat "$T/err")" "$regex"
}
json() { local name=$1 filter=$2; shift 2; ctl "$@" --json >"$T/out" 2>"$T/err"; check "$name: JSON" json_is "$filter" "$T/out"; }

json status 'length == 5 and all(.running and (.state == "running" or .state == "degraded") and .uptime_s >= 0)' status
json list '.[0].program == "exec" and .[0].state == "loaded"' list
json show '.program == "exec" and (.items[0].progs | all(.state == "attached"))' show exec
json ledger '.balanced and (.channels[0].produced | type == "number")' ledger exec
for d in loaderd tagd channeld sinkd xdpd; do json "config $d" '."log-level" == { value: "info", file: null, line: null }' config $d; done
json load '.[0].program == "oom"' load "$ROOT/programs/oom.yaml"
is "two programs are loaded" "$(ctl list --json | jq -r '[.[].program] | sort | join(" ")')" "exec oom"
like "list, for people" "$(ctl list | head -1)" '^PROGRAM +STATE'
like "show, for people" "$(ctl show exec)" 'attached .*on_exec'
like "status, for people" "$(ctl status)" '^sinkd +running'
like "config, for people: each value with its origin" "$(ctl config loaderd)" '^  roots: \[/\] +# .*/loaderd.yaml:3$'
like "ledger, for people" "$(ctl ledger | tail -1)" '^balanced'
is "no colour where there is no terminal" "$(ctl list | grep -c $'\033')" 0
check "check" ctl check "$ROOT/programs/exec.yaml"
check "schema" ctl schema
check "help" ctl help unload
like "version" "$(ctl --version)" '^ebpfctl [0-9.]+$'

fails "load what is loaded" 1 'exec.*already' load "$ROOT/programs/exec.yaml"
fails "load what is absent" 1 'absent\.yaml: No such file' load "$T/absent.yaml"
fails "load a folder" 1 'not a regular file' load "$T"
fails "load by http" 1 'http:// is not built' load http://127.0.0.1/x.yaml
fails "unload what is not there" 1 "no program 'nope' is loaded" unload nope
fails "unload nothing" 2 'names, or --all' unload
fails "show what is not there" 1 "no program 'nope' is loaded" show nope
fails "ledger of what is not there" 1 "no program 'nope' is loaded" ledger nope
fails "tail of what is not there" 1 "no program 'nope' is loaded" tail nope
fails "config of no daemon" 2 "no daemon 'nope'" config nope
fails "a verb that does not exist" 2 "no verb 'frob'" frob
fails "a verb to come" 1 'not built in this version' top
printf 'name: [\n' >"$T/bad.yaml"
fails "load what is not YAML" 1 'bad\.yaml:[0-9]+: ' load "$T/bad.yaml"

ctl schema >/dev/full 2>"$T/err"; is "a full disk: exit status" $? 1
is "… and why" "$(cat "$T/err")" "ebpfctl: stdout: No space left on device"
ctl --version >/dev/full 2>"$T/err"; is "so with the shortest of all" "$? $(cat "$T/err")" "1 ebpfctl: stdout: No space left on device"
check "a slow reader of a pipe that does not block gets all" python3 - "$BIN/ebpfctl" <<'P'
import fcntl, os, subprocess, sys, time
whole = subprocess.run([sys.argv[1], "schema"], stdout=subprocess.PIPE).stdout
r, w = os.pipe()
fcntl.fcntl(w, fcntl.F_SETPIPE_SZ, 4096)
os.set_blocking(w, False)
p = subprocess.Popen([sys.argv[1], "schema"], stdout=w)
os.close(w)
time.sleep(0.3)
assert open(r, "rb").read() == whole and len(whole) > 4096
assert p.wait() == 0
P
like "status, in the singular" "$(ctl status)" '^channeld .* 2 programs, 2 workers'
is "list and status say the time alike" "$(ctl list | grep -cE '20[0-9]{2}-[0-9]{2}-[0-9]{2} [0-9:]{8}$')" 2
like "show says where the file is, from outside" "$(ctl show exec)" "^  file +$T/x/log/exec.jsonl\$"

# Of several each is tried.
ctl unload --json nope oom >"$T/out" 2>"$T/err"
is "unload goes on after one that fails, and its exit status says so" "$? $(cat "$T/out")" '1 ["oom"]'
is "what was delivered is said" "$(grep -c '^oom: [0-9]* events* delivered' "$T/err")" 1
ctl load --json "$T/absent.yaml" "$ROOT/programs/oom.yaml" >"$T/out" 2>"$T/err"
is "so does load" "$? $(jq -c '[.[] | .program // .error]' "$T/out")" '1 ["No such file or directory","oom"]'
is "unload one" "$(ctl unload --json oom 2>"$T/err")" '["oom"]'

# Interrupted: the load is slow, and is cancelled.
broker=$(pgrep -P "$(daemon_pid loaderd)" -f ebpf-broker)
interrupt() {
	kill -STOP "$broker"
	# Python, because a shell's background jobs ignore SIGINT.
	timeout 60 python3 -c 'import subprocess, sys, time, signal
p = subprocess.Popen(sys.argv[1:], stderr=subprocess.PIPE)
while b"\"loading\"" not in subprocess.check_output(sys.argv[1:4] + ["list", "--json"]):
    time.sleep(0.1)
p.send_signal(signal.SIGINT)
print(p.communicate()[1].decode().splitlines()[-1], p.returncode)' "$BIN/ebpfctl" --bus "$BUS" "$@"
	kill -CONT "$broker"
}
is "an interrupted load is cancelled, and says so" "$(interrupt load "$ROOT/programs/oom.yaml")" \
	"ebpfctl: $ROOT/programs/oom.yaml: oom: the load was cancelled; nothing of it is left 1"
is "… and nothing of it is there" "$(ctl list --json | jq -c '[.[].program]')" '["exec"]'
check "… so it can be loaded again" ctl load "$ROOT/programs/oom.yaml"
# One is drained long before the other.
worker=$(worker_pid exec)
kill -STOP "$worker"
(sleep 7; kill -CONT "$worker") & LATER=$!
PIDS+=("$LATER")
is "unload all" "$(ctl unload --json --all --timeout 60 2>"$T/err")" '["exec","oom"]'
wait "$LATER"; forget "$LATER"
is "what was delivered is said of each" "$(grep -oE '^(exec|oom): [0-9]+ events? delivered$' "$T/err" | cut -d: -f1 | sort | xargs)" "exec oom"
is "nothing is loaded" "$(ctl list --json)" "[]"
"$BIN/ebpfctl" --bus "$BUS" tail >"$T/tail.out" 2>"$T/tail.err" & TAIL=$!
PIDS+=("$TAIL")
tails() { ctl status | grep -q ' 1 tail$'; }
check "status counts a tail" wait_for 5 tails
kill -STOP "$(daemon_pid sinkd)"
kill -9 "$(daemon_pid sinkd)"
check "stops in good order" stop
wait "$TAIL"; is "a tail whose instance ends: exit status" $? 1; forget "$TAIL"
like "… and why" "$(tail -1 "$T/tail.err")" '^ebpfctl: .*the bus is gone'
fails "no agent" 1 'no bus at .*is the agent running' list
done_testing
