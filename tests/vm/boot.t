#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The machine that the other tests of this folder run in: Debian's kernel, a real systemd, and what the kernel outside may lack.
. "$(dirname "$0")/lib.sh"

like "the kernel is Debian's" "$(uname -r)" '^6\.1\.0-[0-9]+-amd64$'
is "process 1 is systemd" "$(cat /proc/1/comm)" systemd
wait_for 10 booted
is "it runs, and no unit has failed" "$(systemctl is-system-running)" running || systemctl --failed --no-pager | sed 's/^/# /'
check "the kernel's BTF can be read" bpftool btf dump file /sys/kernel/btf/vmlinux format raw
check "it has kprobes" grep -q oom_kill_process /sys/kernel/tracing/available_filter_functions
like "it limits memory by cgroup" "$(cat /sys/fs/cgroup/cgroup.subtree_control)" memory
for d in $DAEMON_UNITS; do
	like "$d is installed, and says its version" "$(/usr/libexec/ebpf-agent/"$d" --version 2>&1)" '^[a-z -]+[0-9.]+'
done
done_testing
