#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A daemon that dies again and again is started again later each time, for ever; it says so, and whoever mends it need not wait.
. "$(dirname "$0")/lib.sh"
systemctl -q enable ebpf-agent.target
start_all
check "all five run" all_up
begun() { journalctl -b -u ebpf-sinkd -o json --no-pager | jq -r 'select(.MESSAGE == "sinkd: ready (org.ebpfagent.sink1)" or .MESSAGE == "ready (org.ebpfagent.sink1)") | .__MONOTONIC_TIMESTAMP'; }
another() { local p; p=$(unit_pid sinkd); [ "$p" != "$1" ] && [ "$p" != 0 ] && [ "$(property ebpf-sinkd SubState)" = running ]; }
for i in 1 2 3 4 5 6; do
	pid=$(unit_pid sinkd)
	kill -9 "$pid"
	wait_for 20 another "$pid" || not_ok "it comes back after death $i"
done
seven() { begun >"$T/begun"; [ "$(wc -l <"$T/begun")" = 7 ]; }
check "it was ready seven times" wait_for 10 seven
awk 'NR > 1 { printf "%.1f ", ($1 - last) / 1e6 } { last = $1 }' "$T/begun" >"$T/gaps"
say "ready again after $(cat "$T/gaps")s"
check "later each time" awk '{ exit !($5 >= 1.2 && $6 >= 1.6) }' "$T/gaps"
is "as it says: the first time at once, and not longer than it may while it works" \
	"$(journal -u ebpf-sinkd | sed -nE 's/.*died early ([0-9]+) times in a row, begins in (.*) s/\1:\2/p' | xargs)" "1:0.1 2:0.2 3:0.4 4:0.8 5:1.6 6:2.0"
check "restarted by hand it begins at once" systemctl restart ebpf-sinkd
check "without a wait" eval "! journal -u ebpf-sinkd | tail -5 | grep -q 'begins in'"

# One that never gets ready.
mkdir -p /etc/ebpf-agent
echo 'nonsense: 1' >/etc/ebpf-agent/sinkd.yaml
systemctl --no-block restart ebpf-sinkd
check "a bad configuration: it waits up to 10 s in the end" wait_for 60 journal_has 'died early [0-9]+ times in a row, begins in 10.0 s' -u ebpf-sinkd
like "the status says so" "$(property ebpf-sinkd StatusText)" 'died early [0-9]+ times in a row, begins in 10.0 s'
is "it is still beginning" "$(property ebpf-sinkd ActiveState)" activating
check "the journal says what is wrong, with file and line" journal_has 'sinkd.yaml:1' -u ebpf-sinkd
check "it was not tried in haste" test "$(journal -u ebpf-sinkd | grep -c 'sinkd.yaml:1')" -lt 15
rm /etc/ebpf-agent/sinkd.yaml
start=$SECONDS
check "mended and restarted, it is there" systemctl restart ebpf-sinkd
check "without the wait" test $((SECONDS - start)) -lt 5
is "and works" "$(property ebpf-sinkd SubState)" running
is "no other daemon was disturbed" "$(for u in $DAEMON_UNITS; do property "$u" NRestarts; done | xargs)" "0 0 0 $(property ebpf-sinkd NRestarts) 0"

# A start that takes longer than the unit allows, but says so.
mkdir -p /run/systemd/system/ebpf-sinkd.service.d
printf '[Service]\nTimeoutStartSec=1900ms\n' >/run/systemd/system/ebpf-sinkd.service.d/short.conf
systemctl daemon-reload
for i in 1 2 3 4 5 6; do
	pid=$(unit_pid sinkd)
	kill -9 "$pid"
	wait_for 20 another "$pid"
done
check "a wait beyond the unit's limit is granted" another 0
check "nobody ran into it" eval "! journal_has 'start operation timed out' -u ebpf-sinkd"
done_testing
