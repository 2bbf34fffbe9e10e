#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# oom: a real out-of-memory kill in a memory cgroup (v1 or v2).
. "$(dirname "$0")/lib.sh"

v1=$(awk '$3 == "cgroup" && $4 ~ /(^|,)memory(,|$)/ { print $2; exit }' /proc/mounts)
v2=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)
if [ -n "$v1" ]; then CG=$v1/ebpf-agent-test.$$ LIMIT=memory.limit_in_bytes
elif [ -n "$v2" ] && grep -qw memory "$v2/cgroup.subtree_control"; then CG=$v2/ebpf-agent-test.$$ LIMIT=memory.max
else skip_all "no memory cgroup controller here"; fi
mkdir "$CG" 2>/dev/null || skip_all "cannot make a memory cgroup at $CG"
at_exit() { rmdir "$CG"; }

start x "$ROOT/programs/oom.yaml" || { not_ok "an instance with oom.yaml gets ready"; done_testing; }
ok "an instance with oom.yaml gets ready"
echo 20M >"$CG/$LIMIT"
for i in 1 2 3; do
	bash -c 'echo $$ >"$0/cgroup.procs"; exec tail /dev/zero' "$CG" & victim=$!
	echo "$victim" >>"$T/victims"
	wait "$victim" 2>/dev/null	# bash says "Killed" there
	is "the kernel killed victim $i" $? 137
done
check "the ledger balances at rest" balanced 5
check "stops orderly" stop
compare "every victim was told of" <(jq -r '.data.pid' "$T/x.out" | sort) <(sort "$T/victims")
is "each found no memory by itself" "$(jq -r 'select(.data.pid == .data.trigger_pid and .data.trigger_comm == "tail") | .id' "$T/x.out" | wc -l)" 3
done_testing
