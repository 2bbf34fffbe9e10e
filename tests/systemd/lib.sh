# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# For tests on a real systemd: run by prove on the host, a test boots a machine of its own (tests/vm/nspawn), with what `make install`
# installs, and goes on inside, as root, the checkout read-only in $ROOT. Everything there ends with the test: it need not clean up.
# MACHINE_OPTIONS: more of the runner's.
MACHINE=${MACHINE:-nspawn}
. "$(dirname "${BASH_SOURCE[0]}")/../vm/enter.sh"
enter "${MACHINE_OPTIONS[@]}"
. "$(dirname "${BASH_SOURCE[0]}")/../e2e/lib.sh"

# A machine that reboots runs the test again from its beginning: BOOT counts, and what came before counts on.
BOOT=${BOOT:-1}
SAVED=/var/lib/ebpf-test/tap
if [ "$BOOT" = 1 ]; then
	say "up after $(awk -v a="$STARTED" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.2f", b - a }') s"
elif [ -e $SAVED ]; then
	read -r N FAILED <$SAVED
fi
# reboot_machine: the test ends here, and begins again in the next boot
reboot_machine() {
	echo "$N $FAILED" >$SAVED
	: >/var/lib/ebpf-test/reboot
	exit 0
}

DAEMON_UNITS="ebpf-loaderd ebpf-tagd ebpf-channeld ebpf-sinkd ebpf-xdpd"
# property UNIT NAME: what systemd says of it
property() { systemctl show -P "$2" "$1"; }
# booted: nothing is on its way any more
booted() { systemctl is-system-running | grep -qxE 'running|degraded'; }
# The agent is the units' own, not a private instance; in QEMU, tests of both kinds run.
[ "$MACHINE" = qemu ] || ctl() { ebpfctl "$@"; }
unit_pid() { property "ebpf-$1" MainPID; }
# all_up: each unit runs; on_bus: and has its name; start_all, stop_all: by the very pattern that the documents name
all_up() { local u; for u in $DAEMON_UNITS; do [ "$(property "$u" SubState)" = running ] || return 1; done; }
on_bus() { [ "$(busctl --no-legend list --acquired | grep -c '^org.ebpfagent')" = 5 ]; }
start_all() { systemctl start 'ebpf-*.target' 2>/dev/null && wait_for 10 on_bus; }	# a daemon is ready without the bus, too
stop_all() { systemctl stop 'ebpf-*.target'; }
# all_down: no daemon, no mount, nothing of theirs runs
all_down() {
	local u
	for u in $DAEMON_UNITS; do [ "$(property "$u" ActiveState)" = inactive ] || return 1; done
	! mountpoint -q /run/ebpf-agent/bpf && ! pgrep -f /usr/libexec/ebpf-agent/ && ! pgrep -u "$(IFS=,; echo "${DAEMON_UNITS// /,}")"
}
# Until a machine has ended, its journal is here.
journal() { journalctl --sync; journalctl -b --no-pager -o cat "$@"; }
journal_has() { journal "${@:2}" | grep -qE -- "$1"; }
tick_yaml() { printf 'programs:\n  - { name: tick, type: ebpf_object, path: %s, properties: %s }\nchannels:\n  ticks: { type: ring_buffer }\n' "$BUILD/tests/bpf/tick_big.bpf.o" "$TICKS"; }
# numbers PROGRAM: of the ticks in its files, in order of their numbers
numbers() { find /var/log/ebpf-agent -name "$1.jsonl*" -exec grep -ohE '"n":[0-9]+' {} + | cut -d: -f2 | sort -n; }
