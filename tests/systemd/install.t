#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The README's two commands on a system that runs and has never seen the agent.
. "$(dirname "$0")/lib.sh"
wait_for 10 booted
systemctl -q stop ebpf-standby.target ebpf-standby.service
rm -rf /usr/lib/systemd/system/{ebpf-*d.service,ebpf-agent.target,ebpf-observe.target,ebpf-accel.target,ebpf-programs.service,ebpf-standby.*,run-ebpf*agent*} \
	/usr/lib/systemd/system/multi-user.target.wants/ebpf-standby.target /usr/lib/{sysusers,tmpfiles}.d/ebpf-agent.conf /usr/libexec/ebpf-agent \
	/usr/share/dbus-1/system.d/org.ebpfagent.conf /usr/bin/ebpfctl /usr/lib/ebpf-agent /run/ebpf-agent /var/lib/ebpf-agent /var/log/ebpf-agent
for f in passwd shadow group gshadow; do sed -i '/^ebpf-/d' /etc/$f; done
systemctl daemon-reload && systemctl reload dbus.service
is "nothing of the agent is there" "$(systemctl list-unit-files --no-legend 'ebpf-*' | grep -v ebpf-test)$(getent group ebpf-agent)" ""

check "make install" env DESTDIR= PREFIX=/usr "$ROOT/scripts/install"
like "starts nothing" "$(systemctl is-active $DAEMON_UNITS | sort -u)" '^inactive$'
check "systemctl enable --now ebpf-agent.target" systemctl -q enable --now ebpf-agent.target
check "starts all five" all_up
check "each is on the bus" wait_for 5 eval "[ \$(busctl --no-legend list --acquired | grep -c '^org.ebpfagent') = 5 ]"
check "and one loads a program that is shipped" ebpfctl load /usr/lib/ebpf-agent/programs/exec.yaml
/bin/true
check "whose events come to its file" wait_for 5 grep -q '"comm":"true"' /var/log/ebpf-agent/exec.jsonl
before=$(unit_pid loaderd)
check "installed once more while it runs" env DESTDIR= PREFIX=/usr "$ROOT/scripts/install"
is "nothing is disturbed" "$(unit_pid loaderd) $(stat -c %U:%G /run/ebpf-agent/bpf)" "$before ebpf-loaderd:ebpf-agent"
check "and its events come on" eval "/bin/false; wait_for 5 grep -q '\"comm\":\"false\"' /var/log/ebpf-agent/exec.jsonl"
check "all restart with what was installed" eval "systemctl restart $DAEMON_UNITS && all_up && ebpfctl list | grep -q 'exec *loaded'"
is "below another prefix there are no units" "$(DESTDIR=$T/x PREFIX=/usr/local "$ROOT/scripts/install" 2>&1; find "$T/x" -name '*.service')" \
	"installed below $T/x/usr/local, without units: these are for PREFIX=/usr"
done_testing
