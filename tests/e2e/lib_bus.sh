# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# The last instance's bus, as busctl and others on the machine see it.
command -v busctl >/dev/null || skip_all "busctl is not installed (package systemd)"
L=org.ebpfagent.loader1 LP=/org/ebpfagent/loader1 ERR=org.ebpfagent.Error
bc() { timeout 20 "${AS[@]}" busctl --address="$BUS" "$@"; }
AS=()
# A stranger; and one of the agent's group.
as_stranger() { local AS=(setpriv --reuid 65534 --regid 65534 --clear-groups); "$@"; }
as_member() { local AS=(setpriv --reuid 65534 --regid 65534 --groups "$(awk '$1 == "Gid:" { print $2 }' "/proc/$(daemon_pid loaderd)/status")"); "$@"; }
# ask METHOD SIGNATURE ARGUMENT…: of loaderd; JSON
ask() { bc --json=short call $L $LP $L "$@"; }
# begin METHOD SIGNATURE ARGUMENT…: prints the path of its job
begin() { ask "$@" | jq -r '.data[0]'; }
begin_load() { begin LoadText 'sssa{sv}' "$(cat "$1")" "$1" / 0; }
# job PATH METHOD: Wait or Cancel; prop PATH INTERFACE NAME: bare text
job() { bc --json=short call $L "$1" $L.Job "$2" 'a{sv}' 0; }
prop() { bc --json=short get-property $L "$1" "$L.$2" "$3" | jq -r '.data | if type == "array" then join(",") else . end'; }
objects() { bc --list tree $L | grep -c "^$1" || :; }
# error COMMAND…: the D-Bus name of the error that it ends with
error() { "${AS[@]}" /usr/bin/python3 -I - "$BUS" "$@" <<'P'
import sys, dbus, dbus.bus
bus, path, interface, method, signature, *args = sys.argv[1:]
bus = dbus.bus.BusConnection(bus)
fd = open(args[0]) if signature.startswith("h") else None
args = [dbus.types.UnixFd(fd)] + args[1:] if fd else args
try:
    bus.call_blocking("org.ebpfagent.loader1", path, interface, method, signature, args + [{}] * signature.endswith("a{sv}"), timeout=20)
    print("none")
except dbus.DBusException as e:
    print(e.get_dbus_name())
P
}
# watch: from here on, signals of loaderd come to $T/signals, one JSON each; unwatch
watch() {
	: >"$T/signals"
	busctl --address="$BUS" --json=short --match "type=signal,sender=$L" monitor >"$T/signals" 2>"$T/monitor.err" & MONITOR=$!
	PIDS+=("$MONITOR")
	wait_for 5 grep -q . "$T/monitor.err"
}
unwatch() { kill "$MONITOR"; wait "$MONITOR" 2>/dev/null; forget "$MONITOR"; }
# said JQ-CONDITION: of some signal
said() { jq -e -s "any(.[]; $1)" "$T/signals"; }
