#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The units on Debian's own kernel: they start with the rights that they have, kprobes and tracepoints attach, events come, and
# stopping leaves nothing.
. "$(dirname "$0")/lib.sh"
ctl() { ebpfctl "$@"; }
wait_for 30 booted
systemctl -q enable ebpf-agent.target
start_all
check "all five run" wait_for 10 all_up
say "$(systemctl show -P StatusText ebpf-loaderd)"
check "a program of ours is loaded" ctl load "$ROOT/programs/exec.yaml"
/bin/true
check "its events come to the file" wait_for 10 grep -q '"comm":"true"' /var/log/ebpf-agent/exec.jsonl
sed "s#file:///root/ebpf-agent/output/oom.bpf.o#file://$BUILD/tests/bpf/oom_slide.bpf.o#
	s#file:///root/ebpf-agent/output/oom.so#file://$BUILD/tests/so/oom_slide.so#" "$ROOT/tests/common/seed/oom.yaml" >"$T/oom.yaml"
check "one with a kprobe and a processor, too" ctl load "$T/oom.yaml"
is "its kprobe is attached" "$(ctl show oom --json | jq -r '.items[].progs[]? | .name + " " + .state')" "kprobe_oom_kill_process attached"
CG=/sys/fs/cgroup/ebpf-agent-test.$$
mkdir "$CG"
at_exit() { rmdir "$CG"; }
echo 20M >"$CG/memory.max"
bash -c 'echo $$ >"$0/cgroup.procs"; exec tail /dev/zero' "$CG"
is "the kernel killed somebody" $? 137
check "whose end is in the file" wait_for 10 grep -q '"comm":"tail"' /var/log/ebpf-agent/oom.jsonl
is "nothing of them is missing" "$(ctl list --json | jq -r '.[] | "\(.program) \(.state)"' | sort | xargs)" "exec loaded oom loaded"
pid=$(unit_pid loaderd)
kill -9 "$pid"
back() { [ "$(unit_pid loaderd)" != "$pid" ] && all_up && ctl list; }
check "loaderd comes back" wait_for 20 back
is "and adopts them" "$(ctl list --json | jq -r '.[] | "\(.program) \(.generation)"' | sort | xargs)" "exec 1 oom 2"
check "stops" stop_all
check "and leaves nothing" wait_for 20 all_down
is "no unit has failed" "$(systemctl --failed --no-legend)" ""
done_testing
