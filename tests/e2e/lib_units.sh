# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# How a test's instance of the agent is started, stopped and looked into: the units as installed, in a machine of the test's own
# (tests/vm/nspawn -o: all but the process ids is the machine's, so `systemctl` has to be asked from within).
BIN=/usr/libexec/ebpf-agent
PID=$INIT	# the daemons' parent
BUS=unix:path=/run/dbus/system_bus_socket RUN=/run/ebpf-agent LOG=/var/log/ebpf-agent
SINKS=2		# of each program: the live view, the file
UNITS="ebpf-loaderd ebpf-tagd ebpf-channeld ebpf-sinkd ebpf-xdpd"
INSTANCE='' CONFIG='' FOLLOWER=''
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
say "up after $(awk -v a="$STARTED" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.2f", b - a }') s"

systemctl() { nsenter -t "$INIT" -a -r systemctl "$@"; }
ctl() { ebpfctl "$@"; }
inside() { nsenter -t "$(daemon_pid "$1")" -m -p -r "${@:2}"; }	# with its /proc

# start NAME [--config DIR] FILE…: the target, then what it shall load; its state in $T/NAME. Events come to $T/NAME.out when it stops,
# out of the files; $T/NAME.err is the journal of the units.
start() {
	INSTANCE=$1; shift
	mkdir -p "$T/$INSTANCE"
	ln -sfn /var/log/ebpf-agent "$T/$INSTANCE/log"
	ln -sfn /var/lib/ebpf-agent "$T/$INSTANCE/lib"
	find /var/log/ebpf-agent /var/lib/ebpf-agent/artifacts -mindepth 1 -delete 2>/dev/null
	CONFIG=
	if [ "$1" = --config ]; then
		CONFIG=$2; shift 2
		mkdir -p /etc/ebpf-agent
		nsenter -t "$INIT" -m -r mount --bind "$CONFIG" /etc/ebpf-agent
	fi
	# From here on, however late it is there.
	local here
	here=$(nsenter -t "$INIT" -a -r journalctl -n 1 -o cat --show-cursor | sed -n 's/^-- cursor: //p')
	# shellcheck disable=SC2086
	nsenter -t "$INIT" -a -r setpriv --pdeathsig TERM journalctl -f -n all ${here:+--after-cursor="$here"} -o cat ${UNITS//ebpf-/-u ebpf-} >"$T/$INSTANCE.err" & FOLLOWER=$!
	PIDS+=("$FOLLOWER")
	if ! systemctl start ebpf-agent.target || ! wait_for 30 all_alive $DAEMONS || ! wait_for 30 ctl list; then
		say "the units do not get ready"
		nsenter -t "$INIT" -a -r systemctl --no-pager status 'ebpf-*' | sed 's/^/# /'
		return 1
	fi
	ctl load "$@" >"$T/load.out" 2>&1 && return
	sed 's/^/# /' "$T/load.out"
	stop >/dev/null
	cat "$T/load.out" >>"$T/$INSTANCE.err"
	return 1
}
# stop: the target; whether each unit ended well, and nothing of them is left
stop() {
	local u rc=0 left
	systemctl stop ebpf-agent.target || rc=1
	# A target goes before what it wants.
	for u in $UNITS; do
		wait_for 30 eval "[ \"\$(systemctl show -P ActiveState $u)\" != deactivating ]"
		[ "$(systemctl show -P ActiveState "$u")/$(systemctl show -P Result "$u")" = inactive/success ] || { rc=1; systemctl --no-pager -n 20 status "$u"; }
	done
	left=$(pgrep --ns "$INIT" --nslist pid -u "$(id -u ebpf-loaderd),$(id -u ebpf-tagd),$(id -u ebpf-channeld),$(id -u ebpf-sinkd),$(id -u ebpf-xdpd)" -a) &&
		{ rc=1; echo "still there: $left"; }
	find /var/log/ebpf-agent -name '*.jsonl*' | sort -rV | while IFS= read -r f; do cat "$f"; done >"$T/$INSTANCE.out"
	kill "$FOLLOWER"; wait "$FOLLOWER" 2>/dev/null
	forget "$FOLLOWER"
	[ -z "$CONFIG" ] || nsenter -t "$INIT" -m -r umount /etc/ebpf-agent
	return $rc
}
# down DAEMON: killed, and not started again before up DAEMON
down() {
	mkdir -p "/run/systemd/system/ebpf-$1.service.d"
	printf '[Service]\nRestart=no\n' >"/run/systemd/system/ebpf-$1.service.d/down.conf"
	systemctl daemon-reload
	kill -9 "$(daemon_pid "$1")"
	wait_for 5 eval "! daemon_pid $1 | grep -q ."
}
up() {
	rm "/run/systemd/system/ebpf-$1.service.d/down.conf"
	systemctl daemon-reload
	systemctl start "ebpf-$1"
}
