# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# For tests on a real systemd: run by prove on the host, a test boots a machine of its own (tests/vm/nspawn), with what `make install`
# installs, and goes on inside, as root, the checkout read-only in $ROOT. Everything there ends with the test: it need not clean up.
MACHINE=${MACHINE:-nspawn}
. "$(dirname "${BASH_SOURCE[0]}")/../vm/enter.sh"
enter
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
