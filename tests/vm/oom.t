#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The first example of the system, whole: its own oom.yaml (but for where the files lie), a kprobe after its slide, and its processor in C,
# against real kills in a memory cgroup.
. "$(dirname "$0")/lib.sh"

sed "s#file:///root/ebpf-agent/output/oom.bpf.o#file://$BUILD/tests/bpf/oom_slide.bpf.o#
	s#file:///root/ebpf-agent/output/oom.so#file://$BUILD/tests/so/oom_slide.so#" "$ROOT/tests/common/seed/oom.yaml" >"$T/oom.yaml"
is "only the two paths were replaced" "$(diff "$ROOT/tests/common/seed/oom.yaml" "$T/oom.yaml" | grep -c '^>')" 2
start x "$T/oom.yaml" || { not_ok "an instance with it gets ready"; done_testing; }
ok "an instance with it gets ready"
is "its kprobe is attached" "$(ctl show oom --json | jq -r '.items[].progs[]? | .name + " " + .state')" "kprobe_oom_kill_process attached"

CG=/sys/fs/cgroup/ebpf-agent-test.$$
mkdir "$CG"
at_exit() { rmdir "$CG"; }
echo 20M >"$CG/memory.max"
VICTIMS=5
for ((i = 1; i <= VICTIMS; i++)); do
	cp /usr/bin/tail "$T/victim$i"
	bash -c 'echo $$ >"$0/cgroup.procs"; exec "$1" /dev/zero' "$CG" "$T/victim$i" & victim=$!
	echo "victim$i $victim $victim $$ $(stat -c %i "$CG") Memory cgroup out of memory" >>"$T/wanted"
	wait "$victim" 2>/dev/null
	is "the kernel killed victim $i" $? 137
done
check "the ledger balances at rest" balanced 10
ctl ledger oom --json >"$T/ledger.json"
row() { jq "[.$1[].$2] | add" "$T/ledger.json"; }
is "produced, drained, through the processor, into the file: each is counted" \
	"$(row channels produced)/$(row channels drained)/$(row events ok)/$(jq '[.sinks[] | select(.sink == "file") | .acked] | add' "$T/ledger.json")" \
	"$VICTIMS/$VICTIMS/$VICTIMS/$VICTIMS"
check "stops orderly" stop
F=$T/x/log/oom.jsonl
check "every line is JSON" all_json "$F"
compare "the file says of each: name, thread, process, parent, cgroup, message" \
	<(jq -r '.data | "\(.comm) \(.tid) \(.pid) \(.ppid) \(.cgroup) \(.message)"' "$F") "$T/wanted"
is "under the processor's name, with the key that it has by default" "$(jq -r .event "$F" | sort -u)" oom_user
is "they were alive for a time that can be, and had not ended" "$(jq -r '.data | select(.delta_time <= 0 or .delta_time > 600e9 or .exit_code != 0) | .tid' "$F")" ""
is "in order of time" "$(jq .data.timestamp "$F")" "$(jq .data.timestamp "$F" | sort -n)"
done_testing
