#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Stopping a service unloads nothing; stopping the targets unloads all, while events come: no process, pin or mount is left, and what
# the kernel counted is in the file. What is declared is back after a reboot.
. "$(dirname "$0")/lib.sh"

declared() { [ "$(ctl list --json | jq -r '.[] | "\(.program) \(.state)"')" = "tick loaded" ]; }
if [ "$BOOT" = 2 ]; then
	MAGIC=$(cat /root/magic)
	check "after a reboot all five run by themselves" wait_for 10 all_up
	check "and what is declared is loaded" wait_for 10 declared
	ticker 1000 2000
	# The worker and the sinks may have begun just now: what they said first balances as well.
	came() { at_rest >/dev/null && ctl ledger tick --json | json_is '.channels[0].produced == 1000 and all(.sinks[]; .acked == 1000)' >/dev/null; }
	check "its events come" wait_for 10 came
	numbers tick >"$T/got"
	{ seq 0 2999; seq 5000 5999; } >"$T/wanted"
	compare "every one is in the file, once, those before the reboot too" "$T/got" "$T/wanted"
	done_testing
fi

mkdir "$T/held" && mount -t bpf none "$T/held"
at_exit() { umount -q "$T/held"; }
# The kernel's own count outlives the program where it is pinned once more.
hold() { bpftool map pin id "$(ctl show tick --json | jq '.items[].maps[] | select(.name == "ticks_counts") | .id')" "$T/held/counts"; }
produced() { bpftool -j map dump pinned "$T/held/counts" | jq '[.[].formatted.values[].value | .produced - .ring_full] | add'; }
pins() { find /run/ebpf-agent/bpf -type f ! -name '*.debug'; }
of_ours() { pgrep -f /usr/libexec/ebpf-agent/ -a; }

systemctl -q enable ebpf-agent.target
start_all
tick_yaml >"$T/tick.yaml"
ctl load "$T/tick.yaml" >/dev/null && hold || not_ok "a program is loaded, and its count held"
TICK_MAGIC=$MAGIC "$BUILD/tests/tools/ticker" 100000000 0 10000 & TICKER=$!
PIDS+=("$TICKER")
pins >"$T/pins"
check "it has pins" test -s "$T/pins"
for d in loaderd tagd channeld sinkd xdpd; do
	systemctl stop "ebpf-$d"
done
compare "all services stopped: the pins are as they were" <(pins) "$T/pins"
check "and their file system is mounted" mountpoint -q /run/ebpf-agent/bpf
is "but no process of theirs is there" "$(of_ours)" ""
before=$(produced)
check "the program runs on" wait_for 5 eval '[ "$(produced)" -gt "$before" ]'
systemctl start ebpf-agent.target
check "started again, they go on with it" eval "all_up && wait_for 5 declared && ctl list --json | json_is '.[0].generation == 1'"
sleep 0.5
stop=$EPOCHREALTIME
check "the targets are stopped while events come" stop_all
say "in $(awk -v a="$stop" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.2f", b - a }') s"
is "as soon as that returns, what the kernel counted is in the file" "$(numbers tick | wc -l)" "$(produced)"
numbers tick >"$T/got"
seq 0 $(($(wc -l <"$T/got") - 1)) >"$T/wanted"
compare "every one up to then, once" "$T/got" "$T/wanted"
is "nothing more is counted" "$(a=$(produced); sleep 0.3; echo $(($(produced) - a)))" 0
check "then the daemons and the mount go" wait_for 10 all_down
is "no unit has failed" "$(systemctl --failed --no-legend)" ""
is "no manifest, no spool, no pin is left" "$(find /run/ebpf-agent/manifest /run/ebpf-agent/spool /run/ebpf-agent/bpf -type f ! -name .generation)" ""
kill $TICKER; wait $TICKER 2>/dev/null; forget $TICKER
umount "$T/held"

# One of the two targets, and not the other.
start_all
ctl load "$T/tick.yaml" >/dev/null
check "what accelerates stops alone" systemctl stop ebpf-accel.target
wait_for 10 eval '[ "$(property ebpf-xdpd ActiveState)" != deactivating ]'	# a target goes before what it wants
is "and nothing is unloaded" "$(property ebpf-xdpd ActiveState) $(declared && echo loaded)" "inactive loaded"
systemctl start ebpf-agent.target
check "and is started with the whole" all_up
xdpd=$(unit_pid xdpd)
check "what observes stops alone" systemctl stop ebpf-observe.target
is "and unloads" "$(find /run/ebpf-agent/manifest -name '*.json')" ""
is "what accelerates goes on" "$(unit_pid xdpd)" "$xdpd"
check "the whole is restarted" eval "systemctl restart ebpf-agent.target && all_up"
ctl load "$T/tick.yaml" >/dev/null || not_ok "a program is loaded"
check "ebpf-programs.service unloads, and that alone" eval "systemctl stop ebpf-programs && all_up && [ \"\$(ctl list --json)\" = '[]' ]"
systemctl start ebpf-programs
ctl load "$T/tick.yaml" >/dev/null
systemctl stop $DAEMON_UNITS
ticker 1000 2000000
check "with all services stopped the targets stop" stop_all
is "and what came after the services is in the file" "$(numbers tick | awk '$1 >= 2000000' | wc -l)" 1000
check "and all goes" wait_for 10 all_down
is "nothing is left loaded" "$(find /run/ebpf-agent/manifest -name '*.json')" ""

# With a daemon away, what is stopped waits for it; with one that never comes, it ends all the same, and says so.
start_all
ctl load "$T/tick.yaml" >/dev/null && mount -t bpf none "$T/held" && hold
TICK_MAGIC=$MAGIC "$BUILD/tests/tools/ticker" 5000 1000000 5000 & TICKER=$!
PIDS+=("$TICKER")
sleep 0.1
kill -9 "$(unit_pid channeld)" "$(unit_pid sinkd)" "$(unit_pid loaderd)"
check "three daemons have just died: the targets stop" stop_all
is "and what the kernel counted is in the file" "$(numbers tick | awk '$1 >= 1000000 && $1 < 2000000' | wc -l)" "$(produced)"
check "then all goes" wait_for 10 all_down
is "no unit has failed" "$(systemctl --failed --no-legend)" ""
wait $TICKER; forget $TICKER
umount "$T/held"

find /var/log/ebpf-agent -name 'tick.jsonl*' -delete
mkdir -p /etc/ebpf-agent/programs.d
tick_yaml >/etc/ebpf-agent/programs.d/tick.yaml
echo "$MAGIC" >/root/magic
start_all
check "a declared program is loaded" wait_for 10 declared
ticker 2000
check "its events come" balanced 10
ticker 1000 5000
reboot_machine
