#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Each daemon in turn is restarted, killed, and stopped until its watchdog acts, while 10,000 events a second come; systemd starts
# itself anew, and so does the bus. Every event is in the file, once, and the ledger balances.
. "$(dirname "$0")/lib.sh"

# As shipped, but sooner; one of them as it is.
for d in loaderd tagd sinkd xdpd; do
	mkdir -p "/run/systemd/system/ebpf-$d.service.d"
	printf '[Service]\nWatchdogSec=4s\n' >"/run/systemd/system/ebpf-$d.service.d/soon.conf"
done
systemctl daemon-reload
systemctl -q enable ebpf-agent.target
start_all
check "all five run" all_up
tick_yaml >"$T/tick.yaml"
check "a program is loaded" ctl load "$T/tick.yaml"

RATE=10000 FIRST=0
# under_load WHAT COMMAND…: ticks come until it has ended
under_load() {
	local what=$1 ticker; shift
	(
		until [ -e "$T/enough" ]; do
			ticker $RATE "$FIRST" $RATE || exit
			FIRST=$((FIRST + RATE))
		done
		echo $FIRST >"$T/ticked"
	) & ticker=$!
	PIDS+=("$ticker")
	"$@"
	: >"$T/enough"
	wait $ticker
	rm "$T/enough"
	forget $ticker
	FIRST=$(cat "$T/ticked")
	check "$what: all run" wait_for 20 all_up
	check "$what: the ledger balances" balanced 30
	counts() { ctl ledger --json | jq -c '[([.channels[].ring_full] | add), ([.channels[].produced] | add)]'; }
	wait_for 10 eval '[ "$(counts)" = "[0,$FIRST]" ]'
	is "$what: no ring overflowed, and produced is what was made" "$(counts)" "[0,$FIRST]"
	numbers tick >"$T/got"
	seq 0 $((FIRST - 1)) >"$T/wanted"
	compare "$what: every one is in the file, once" "$T/got" "$T/wanted"
}
another_pid() { local p; p=$(unit_pid "$1"); [ "$p" != "$2" ] && [ "$p" != 0 ] && [ "$(property "ebpf-$1" SubState)" = running ]; }
killed=0
kill_each() {
	local d pid
	for d in loaderd tagd channeld sinkd xdpd; do
		wait_for 20 another_pid $d 0
		pid=$(unit_pid $d)
		kill "$1" "$pid"
		wait_for 20 another_pid $d "$pid" && killed=$((killed + 1))
	done
}
restart_each() { local d; for d in loaderd tagd channeld sinkd xdpd; do systemctl restart "ebpf-$d" && killed=$((killed + 1)); done; }
manager() { systemctl daemon-reexec; systemctl daemon-reload; kill_each -9; }
bus() {
	systemctl restart dbus.service
	wait_for 10 on_bus && killed=$((killed + 1))
	systemctl stop dbus.service dbus.socket
	kill_each -9
	systemctl start dbus.socket dbus.service
	wait_for 10 on_bus && killed=$((killed + 1))
}
under_load restart restart_each
is "restart: five times" $killed 5; killed=0
under_load "kill -9" kill_each -9
is "kill -9: five times" $killed 5; killed=0
under_load SIGSTOP kill_each -STOP
is "SIGSTOP: the watchdog ended and started each" $killed 5; killed=0
check "SIGSTOP: which is said" journal_has 'Watchdog timeout' -u ebpf-channeld
under_load "a new systemd" manager
is "a new systemd: five times" $killed 5; killed=0
under_load "a new bus, and none" bus
is "a new bus, and none: seven times" $killed 7
check "nothing has been unloaded" eval "ctl list --json | json_is '.[0].generation == 1'"
is "no id twice" "$(find /var/log/ebpf-agent -name 'tick.jsonl*' -exec grep -ohE '"id":"[^"]+"' {} + | sort | uniq -d | wc -l)" 0
done_testing
