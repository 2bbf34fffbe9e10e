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
json() { local name=$1 filter=$2; shift 2; ctl "$@" --json >"$T/out" 2>"$T/err"; check "$name: JSON" jq -e "$filter" "$T/out"; }

json status 'length == 5 and all(.running)' status
json list '.[0].program == "exec" and .[0].state == "loaded"' list
json show '.program == "exec" and (.items[0].progs | all(.state == "attached"))' show exec
json ledger '.balanced and (.channels[0].produced | type == "number")' ledger exec
for d in loaderd tagd channeld sinkd xdpd; do json "config $d" '."log-level" == "info"' config $d; done
json load '.[0].program == "oom"' load "$ROOT/programs/oom.yaml"
is "two programs are loaded" "$(ctl list --json | jq -r '[.[].program] | sort | join(" ")')" "exec oom"
like "list, for people" "$(ctl list | head -1)" '^PROGRAM +STATE'
like "show, for people" "$(ctl show exec)" 'attached .*on_exec'
like "status, for people" "$(ctl status)" '^sinkd +running'
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
fails "unload what is not there" 1 "'nope'" unload nope
fails "unload nothing" 2 'names, or --all' unload
fails "show what is not there" 1 "'nope'" show nope
fails "ledger of what is not there" 1 nope ledger nope
fails "tail of what is not there" 1 nope tail nope
fails "config of no daemon" 2 'no daemon `nope`' config nope
fails "a verb that does not exist" 2 'no verb `frob`' frob
fails "a verb to come" 1 'not built in this version' top
printf 'name: [\n' >"$T/bad.yaml"
fails "load what is not YAML" 1 'bad\.yaml:[0-9]+: ' load "$T/bad.yaml"

is "unload one" "$(ctl unload --json oom)" '["oom"]'
is "unload all" "$(ctl unload --json --all)" '["exec"]'
is "nothing is loaded" "$(ctl list --json)" "[]"
kill -STOP "$(daemon_pid sinkd)"
kill -9 "$(daemon_pid sinkd)"
check "stops in good order" stop
fails "no agent" 1 'no bus at .*is the agent running' list
done_testing
