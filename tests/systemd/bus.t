#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The system bus as installed: who may own the names, who may ask, who may change; by busctl.
. "$(dirname "$0")/lib.sh"
for name in alice bob; do useradd "$name" 2>/dev/null || systemd-sysusers - <<<"u $name - \"somebody\" /"; done
usermod -aG ebpf-agent alice 2>/dev/null || systemd-sysusers - <<<"m alice ebpf-agent"
as() { setpriv --reuid "$1" --regid "$(id -g "$1")" --init-groups "${@:2}"; }
LOADER=(org.ebpfagent.loader1 /org/ebpfagent/loader1 org.ebpfagent.loader1)
DAEMON=(org.ebpfagent.loader1 /org/ebpfagent/loader1 org.ebpfagent.daemon1)

systemctl -q enable ebpf-agent.target
start_all
check "all five run" all_up
ctl load "$ROOT/programs/exec.yaml" >/dev/null || not_ok "a program is loaded"
for d in loaderd:loader1 tagd:tag1 channeld:channel1 sinkd:sink1 xdpd:xdp1; do
	name=org.ebpfagent.${d#*:}
	is "$name is its daemon's" "$(busctl --no-legend list --acquired | awk -v n="$name" '$1 == n { print $2, $4 }')" "$(unit_pid "${d%:*}") ebpf-${d%:*}"
	for who in root bob; do
		like "$who sees its tree" "$(as $who busctl tree --list "$name" 2>&1)" "^/org/ebpfagent/${d#*:}\$"
		like "and what it offers" "$(as $who busctl introspect "$name" "/org/ebpfagent/${d#*:}" 2>&1)" 'org.ebpfagent.daemon1 +interface'
		is "and its version" "$(as $who busctl get-property "$name" "/org/ebpfagent/${d#*:}" org.ebpfagent.daemon1 Version 2>&1)" \
			"$(printf 's "%s"' "$(/usr/libexec/ebpf-agent/ebpf-"${d%:*}" --version | grep -oE '[0-9.]+')")"
		check "and its configuration" as $who busctl call "$name" "/org/ebpfagent/${d#*:}" org.ebpfagent.daemon1 GetConfig 'a{sv}' 0
	done
	like "bob may not have it reload" "$(as bob busctl call "$name" "/org/ebpfagent/${d#*:}" org.ebpfagent.daemon1 Reload 'a{sv}' 0 2>&1)" 'Access denied'
	check "alice, who is in the group, may" as alice busctl call "$name" "/org/ebpfagent/${d#*:}" org.ebpfagent.daemon1 Reload 'a{sv}' 0
	like "nobody else can own it" "$(as bob dbus-send --system --print-reply --dest=org.freedesktop.DBus / org.freedesktop.DBus.RequestName "string:$name" uint32:3 2>&1)" 'AccessDenied'
	like "nor another daemon" "$(for o in loaderd tagd channeld sinkd xdpd; do [ $o = "${d%:*}" ] || as ebpf-$o dbus-send --system --print-reply --dest=org.freedesktop.DBus / org.freedesktop.DBus.RequestName "string:$name" uint32:3 2>&1; done | grep -c AccessDenied)" '^4$'
	like "a daemon, though of the group, is not let through to loaderd" "$(as "ebpf-${d%:*}" busctl call "${LOADER[@]}" UnloadAll 'a{sv}' 0 2>&1)" '[Aa]ccess.?[Dd]enied|not allowed|Rejected'
done
like "bob may list" "$(as bob ebpfctl list 2>&1)" 'exec +loaded'
like "bob may not unload" "$(as bob ebpfctl unload exec 2>&1)" 'only root and members of the group'
check "it is still loaded" eval "ctl list | grep -q 'exec *loaded'"
check "alice may" as alice ebpfctl unload exec
install -m 644 "$ROOT/programs/exec.yaml" "$ROOT/programs/exec.bpf.o" -t /srv
like "bob may not load" "$(as bob ebpfctl load /srv/exec.yaml 2>&1)" 'only root and members of the group'
check "alice may" as alice ebpfctl load /srv/exec.yaml
timeout 60 busctl monitor org.ebpfagent.loader1 >"$T/seen" 2>&1 & MONITOR=$!
PIDS+=("$MONITOR")
wait_for 5 grep -q 'NameLost\|Monitoring' "$T/seen"
busctl get-property "${DAEMON[@]}" Version >/dev/null
check "root can watch what is said" wait_for 5 grep -q 'org.freedesktop.DBus.Properties' "$T/seen"
kill $MONITOR; wait $MONITOR 2>/dev/null; forget $MONITOR
done_testing
