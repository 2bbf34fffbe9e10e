#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# oom: real out-of-memory kills in a memory cgroup (v1 or v2); first alone, then with a kill -9 of each daemon and of the worker
# between one and the next.
. "$(dirname "$0")/lib.sh"

v1=$(awk '$3 == "cgroup" && $4 ~ /(^|,)memory(,|$)/ { print $2; exit }' /proc/mounts)
if [ -z "$v1" ] && [ -n "${EBPF_AGENT_UNITS:-}" ] && mkdir "$T/memory" && mount -t cgroup -o memory memory "$T/memory" 2>/dev/null; then
	v1=$T/memory	# the host's, which a machine on its kernel does not see; mounted for this test alone
fi
v2=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)
if [ -n "$v1" ]; then CG=$v1/ebpf-agent-test.$$ LIMIT=memory.limit_in_bytes
elif [ -n "$v2" ] && grep -qw memory "$v2/cgroup.subtree_control"; then CG=$v2/ebpf-agent-test.$$ LIMIT=memory.max
else skip_all "no memory cgroup controller here"; fi
mkdir "$CG" 2>/dev/null || skip_all "cannot make a memory cgroup at $CG"
at_exit() { rmdir "$CG"; ! mountpoint -q "$T/memory" || umount "$T/memory"; }

start x "$ROOT/programs/oom.yaml" || { not_ok "an instance with oom.yaml gets ready"; done_testing; }
ok "an instance with oom.yaml gets ready"
echo 20M >"$CG/$LIMIT"
kill_by_memory() {
	bash -c 'echo $$ >"$0/cgroup.procs"; exec tail /dev/zero' "$CG" & victim=$!
	echo "$victim" >>"$T/victims"
	wait "$victim" 2>/dev/null	# bash says "Killed" there
	is "$1" $? 137
}
for i in 1 2 3; do kill_by_memory "the kernel killed victim $i"; done
for who in oom sinkd channeld loaderd tagd xdpd; do
	check "kill -9 of $who" kill_one $who
	kill_by_memory "the kernel killed a victim right behind it"
done
check "everybody was started again" wait_for 10 all_alive $DAEMONS oom
check "the ledger balances at rest" balanced 10
is "produced is how many victims there were" "$(ctl ledger --json | jq '[.channels[].produced] | add')" "$(wc -l <"$T/victims")"
check "stops orderly" stop
sort "$T/victims" >"$T/w"
compare "every victim was told of" <(jq -r '.data.pid' "$T/x.out" | sort) "$T/w"
compare "in the file, too, once" <(jq -r '.data.pid' "$T/x/log/oom.jsonl" | sort) "$T/w"
is "each found no memory by itself" "$(jq -r 'select(.data.pid == .data.trigger_pid and .data.trigger_comm == "tail") | .id' "$T/x.out" | wc -l)" 9
done_testing
