#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What goes wrong around units: started twice, without loaderd, without the bpffs, without the bus, with a read-only /etc, with a full
# runtime directory. Each is said, nothing is lost, and all is well again by itself when the cause is gone.
. "$(dirname "$0")/lib.sh"
sub_state() { [ "$(property "ebpf-$1" SubState)" = "$2" ]; }
AS_SINKD="setpriv --reuid ebpf-sinkd --regid ebpf-agent --clear-groups --inh-caps=-all"
counted() { local n; n=$(numbers tick | wc -l); [ "$n" = "$1" ]; }
systemctl -q enable ebpf-agent.target
tick_yaml >"$T/tick.yaml"
FIRST=0
tick() { ticker "$1" $FIRST 10000; FIRST=$((FIRST + $1)); }

start_all
check "all five run" all_up
ctl load "$T/tick.yaml" >/dev/null || not_ok "a program is loaded"
tick 1000

# Twice.
pids() { for u in $DAEMON_UNITS; do property "$u" MainPID; done | xargs; }
before=$(pids)
start_all
is "started twice, nothing changes" "$(pids)" "$before"
like "by hand beside its unit, one is refused" "$($AS_SINKD timeout 5 /usr/libexec/ebpf-agent/ebpf-sinkd 2>&1)" 'another sinkd runs on /run/ebpf-agent'
tick 1000
systemctl stop ebpf-sinkd
$AS_SINKD /usr/libexec/ebpf-agent/ebpf-sinkd >"$T/hand" 2>&1 & HAND=$!
PIDS+=("$HAND")
check "a sinkd by hand runs" wait_for 5 grep -q ready "$T/hand"
systemctl --no-block start ebpf-sinkd
check "its unit says that it runs" wait_for 10 journal_has 'another sinkd runs on /run/ebpf-agent' -u ebpf-sinkd
tick 1000
kill $HAND; wait $HAND; is "the one by hand ends well" $? 0; forget $HAND
check "and the unit takes over" wait_for 20 sub_state sinkd running
check "nothing is lost" wait_for 10 counted $FIRST

# Without loaderd.
systemctl stop ebpf-loaderd
systemctl -q mask --runtime ebpf-loaderd
tick 1000
check "without loaderd events come all the same" wait_for 10 counted $FIRST
like "who asks for it is told" "$(ctl list 2>&1)" 'ebpf-loaderd is not running'
like "status too" "$(ctl status 2>&1)" 'loaderd +not running'
check "the others restart without it" systemctl restart ebpf-tagd ebpf-channeld ebpf-sinkd ebpf-xdpd
tick 1000
check "and go on" wait_for 10 counted $FIRST
check "the targets stop" eval "stop_all; ! systemctl is-active -q ebpf-observe.target"
check "and it is said that this was not orderly" wait_for 5 journal_has 'not unloaded: a daemon that this takes cannot be started' -u ebpf-programs
systemctl reset-failed
systemctl -q unmask --runtime ebpf-loaderd
start_all
check "with it, all is well again" all_up
check "what was loaded is gone, and that is no trouble" wait_for 10 eval "ctl load '$T/tick.yaml'"
tick 1000
check "nothing is lost" wait_for 10 counted $FIRST
check "stops" stop_all
wait_for 10 all_down || not_ok "all is down"

# Without the bpffs.
systemctl -q mask --runtime 'run-ebpf\x2dagent-bpf.mount'
systemctl --no-block start ebpf-agent.target
check "without the bpffs loaderd says so" wait_for 10 journal_has '/run/ebpf-agent/bpf is no bpffs' -u ebpf-loaderd
for d in tagd channeld sinkd xdpd; do
	check "$d runs" wait_for 10 sub_state $d running
done
systemctl -q unmask --runtime 'run-ebpf\x2dagent-bpf.mount'
check "with it, loaderd comes by itself" wait_for 20 sub_state loaderd running
check "and loads" wait_for 5 ctl load "$T/tick.yaml"
tick 1000
check "events come" wait_for 10 counted $FIRST
check "stops" stop_all
wait_for 10 all_down || not_ok "all is down"

# Without the bus.
systemctl stop dbus.service dbus.socket 2>/dev/null
mkdir -p /etc/ebpf-agent/programs.d
tick_yaml >/etc/ebpf-agent/programs.d/tick.yaml
# dbus.socket would come with them.
systemctl -q mask --runtime dbus.socket dbus.service
check "without the bus they start" systemctl start ebpf-agent.target
check "all five" all_up
journal -u ebpf-sinkd >"$T/journal"
check "and say so" grep -q 'bus: cannot connect' "$T/journal"
ready() { [ "$(find /run/ebpf-agent/manifest -name tick.json)" != "" ] && grep -q . /proc/"$(pgrep -f 'worker.*tick' | head -1)"/comm; }
check "what is declared is loaded" wait_for 10 ready
sleep 0.5
tick 1000
check "and its events are delivered" wait_for 10 counted $FIRST
systemctl -q unmask --runtime dbus.socket dbus.service
systemctl start dbus.socket dbus.service
check "with the bus, all come to it by themselves" wait_for 10 on_bus
check "and are not degraded" wait_for 5 eval "! ctl status | grep -q 'bus:'"

# A read-only /etc.
mount --bind /etc /etc && mount -o remount,bind,ro /etc
check "with a read-only /etc all restart" systemctl restart $DAEMON_UNITS
tick 1000
check "and events come" wait_for 10 counted $FIRST
check "the targets stop and start" eval "stop_all && wait_for 10 all_down && start_all && all_up"
umount /etc
check "stops" stop_all
wait_for 10 all_down || not_ok "all is down"
rm /etc/ebpf-agent/programs.d/tick.yaml

# A full runtime directory.
cp -a /run/ebpf-agent "$T/run"
mount -t tmpfs -o size=48M,mode=755 small /run/ebpf-agent
systemd-tmpfiles --create ebpf-agent.conf
start_all
ctl load "$T/tick.yaml" >/dev/null || not_ok "a program is loaded"
tick 1000
wait_for 10 counted $FIRST || not_ok "it is drained"
dd if=/dev/zero of=/run/ebpf-agent/filler bs=4k 2>/dev/null
is "the runtime directory is full" "$(df --output=avail /run/ebpf-agent | tail -1 | xargs)" 0
cp "$T/tick.yaml" "$T/second.yaml"
out=$(ctl load "$T/second.yaml" 2>&1)
say "load: $out"
like "another program is refused, or waits, with the reason" "$out $(sleep 1; ctl status 2>&1)" 'No space left on device'
tick 1000
check "the first one loses nothing" wait_for 10 counted $FIRST
for d in loaderd channeld sinkd tagd xdpd; do kill -9 "$(unit_pid $d)"; done
check "killed in this state, all come again" eval "sleep 0.3; wait_for 20 all_up"
tick 1000
check "and lose nothing" wait_for 10 counted $FIRST
rm /run/ebpf-agent/filler
check "with space again, it can be loaded" wait_for 15 eval "ctl list | grep -q 'second *loaded' || ctl load '$T/second.yaml'"
check "and is drained" wait_for 15 eval "ticker 1; sleep 0.5; test -s /var/log/ebpf-agent/second.jsonl"
check "stops" stop_all
done_testing
