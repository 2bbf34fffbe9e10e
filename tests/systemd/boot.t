#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The machine that the other tests of this folder run in: a real systemd and bus on this very kernel, with what is installed.
. "$(dirname "$0")/lib.sh"

if [ "$BOOT" = 2 ]; then
	ok "it comes back after a reboot"
	is "with its files" "$(cat /root/word)" kept
	check "as another boot" test "$(cat /root/boot_id)" != "$(cat /proc/sys/kernel/random/boot_id)"
	done_testing
fi
is "process 1 is systemd" "$(cat /proc/1/comm)" systemd
wait_for 10 booted
is "it runs, and no unit has failed" "$(systemctl is-system-running)" running || systemctl --failed --no-pager | sed 's/^/# /'
check "the system bus answers" busctl call org.freedesktop.DBus / org.freedesktop.DBus ListNames
check "the kernel's BTF can be read" bpftool btf dump file /sys/kernel/btf/vmlinux format raw
check "a map can be made, written and read" eval "mkdir -p $T/bpf && mount -t bpf none $T/bpf &&
	bpftool map create $T/bpf/m type hash key 4 value 4 entries 1 name m && bpftool map update pinned $T/bpf/m key 1 0 0 0 value 2 0 0 0 &&
	bpftool map lookup pinned $T/bpf/m key 1 0 0 0 | grep -q '02 00 00 00'"
check "a program can be loaded" bpftool prog load "$BUILD/tests/bpf/tick.bpf.o" "$T/bpf/p" type tracepoint
umount "$T/bpf"
is "no network but loopback" "$(ls /sys/class/net)" lo
for d in $DAEMON_UNITS; do
	like "$d is installed, and says its version" "$(/usr/libexec/ebpf-agent/"$d" --version 2>&1)" '^[a-z -]+[0-9.]+'
done
like "ebpfctl is in the path, and says its version" "$(ebpfctl --version 2>&1)" '[0-9.]+'
check "the checkout is read-only" bash -c "! touch '$ROOT/x' 2>/dev/null"
echo kept >/root/word
cp /proc/sys/kernel/random/boot_id /root/
reboot_machine
