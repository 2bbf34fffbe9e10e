#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# As installed: enabled, started by the pattern that the documents name, events in the file; each daemon with no more rights than it
# needs, looked at from outside; what systemd itself says of the units.
. "$(dirname "$0")/lib.sh"
wait_for 10 booted

verify=$(systemd-analyze --man=no verify /usr/lib/systemd/system/ebpf-*.service /usr/lib/systemd/system/ebpf-*.target /usr/lib/systemd/system/run-ebpf*.mount 2>&1 | grep -v ebpf-test)
is "systemd has nothing to say against the units" "$verify" ""
for bound in tagd:10 sinkd:16 channeld:16 xdpd:16 loaderd:26 programs:15 standby:25; do
	level=$(systemd-analyze security --no-pager "ebpf-${bound%:*}.service" | sed -nE 's/.*exposure level for .*: ([0-9.]+).*/\1/p')
	check "ebpf-${bound%:*} is little exposed: $level" awk -v l="$level" -v b="${bound#*:}" 'BEGIN { exit !(l != "" && l * 10 <= b) }'
done
for u in $DAEMON_UNITS; do
	check "$u has a user of its own, in the group" eval "id -nG $u | grep -qw ebpf-agent"
done
is "a preset enables the whole" "$(systemctl preset ebpf-agent.target ebpf-observe.target ebpf-accel.target 2>/dev/null; systemctl is-enabled ebpf-agent.target ebpf-observe.target ebpf-accel.target | xargs)" "enabled disabled disabled"
systemctl -q disable ebpf-agent.target
start_all
check "what is not enabled is not started by a pattern" test "$(property ebpf-agent.target ActiveState)" = inactive

systemctl -q enable ebpf-agent.target
start_all
check "enabled, and started by 'ebpf-*.target'" all_up
is "and the targets are up" "$(systemctl is-active ebpf-agent.target ebpf-observe.target ebpf-accel.target | xargs)" "active active active"
check "stopped by the same" stop_all
check "all of it" wait_for 10 all_down
check "nothing has failed" test -z "$(systemctl --failed --no-legend)"
systemctl daemon-reload
start_all
check "started once more, after a reload of systemd's" all_up
for u in $DAEMON_UNITS; do
	like "$u says what it does" "$(property "$u" StatusText)" '[a-z]'
done

ctl load "$ROOT/programs/exec.yaml" >/dev/null
/bin/true
in_file() { grep -qF '"comm":"true"' /var/log/ebpf-agent/exec.jsonl; }
check "events come to the file" wait_for 5 in_file
is "which others may not read" "$(stat -c '%U:%G %a' /var/log/ebpf-agent/exec.jsonl)" "ebpf-sinkd:ebpf-agent 640"

# As the kernel sees them.
status() { sed -n "s/^$2:[[:space:]]*//p" "/proc/$1/status"; }
caps() { status "$1" CapEff; }
bits() { local c v=0; for c; do v=$((v | 1 << c)); done; printf '%016x' "$v"; }
SETGID=6 SETUID=7 KILL=5 NET_ADMIN=12 DAC_READ_SEARCH=2 SYS_ADMIN=21 PERFMON=38 BPF=39
for d in tagd sinkd channeld; do is "$d has no capabilities" "$(caps "$(unit_pid $d)")" "$(bits)"; done
is "loaderd has those to load" "$(caps "$(unit_pid loaderd)")" "$(bits $NET_ADMIN $PERFMON $BPF)"
is "xdpd has those to forward" "$(caps "$(unit_pid xdpd)")" "$(bits $NET_ADMIN $BPF)"
is "the broker has those to open" "$(caps "$(pgrep -x ebpf-broker)")" "$(bits $DAC_READ_SEARCH $SYS_ADMIN)"
is "the launcher has those to be another user" "$(caps "$(pgrep -x ebpf-launcher)")" "$(bits $KILL $SETGID $SETUID)"
for d in tagd sinkd; do
	is "nor could $d ever get one" "$(status "$(unit_pid $d)" CapBnd)" "$(bits)"
done
for d in loaderd tagd channeld sinkd xdpd; do
	pid=$(unit_pid $d)
	is "$d: no new privileges, filtered, its own uid, the group's gid" \
		"$(status "$pid" NoNewPrivs) $(status "$pid" Seccomp) $(stat -c %U:%G "/proc/$pid")" "1 2 ebpf-$d:ebpf-agent"
	inside() { nsenter -t "$pid" -m -S "$(id -u ebpf-$d)" -G "$(getent group ebpf-agent | cut -d: -f3)" "$@"; }
	wrote=$(for where in / /usr /etc /boot /run /run/systemd /var /var/lib /sys/fs/cgroup; do inside touch "$where/x" 2>/dev/null && echo "$where"; done)
	is "$d cannot write where it has nothing to do" "$wrote" ""
	check "$d can where it has" inside touch "/run/ebpf-agent/lock/x-$d"
	check "$d has a /tmp of its own" eval "touch /tmp/outside; inside touch /tmp/$d; ! inside test -e /tmp/outside && inside test -e /tmp/$d && ! test -e /tmp/$d"
	[ $d = loaderd ] || check "$d sees nobody's home" eval "inside ls / && ! inside ls /root 2>/dev/null"
done
is "tagd and channeld have no network" "$(for d in tagd channeld; do nsenter -t "$(unit_pid $d)" -n ip -o link | wc -l; done | xargs)" "1 1"
[ "$(readlink /proc/self/ns/net)" != "$(readlink "/proc/$(unit_pid channeld)/ns/net")" ] && ok "but one of their own" || not_ok "but one of their own"
check "the file of a bad configuration" eval "echo 'nonsense: 1' >/etc/ebpf-agent/sinkd.yaml || { mkdir -p /etc/ebpf-agent && echo 'nonsense: 1' >/etc/ebpf-agent/sinkd.yaml; }"
check "fails the reload" eval "! systemctl reload ebpf-sinkd 2>/dev/null"
check "with its file and line in the journal" wait_for 5 journal_has 'sinkd.yaml:1.*nonsense' -u ebpf-sinkd
is "and the daemon runs on" "$(property ebpf-sinkd SubState)" running
rm /etc/ebpf-agent/sinkd.yaml
check "mended, all reload" systemctl reload $DAEMON_UNITS
done_testing
