#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The bus as another terminal sees it: what busctl finds, introspects, calls and follows; who may; the interfaces as they are
# written down in dbus/; and all of it again after the bus, or loaderd, was started again.
. "$(dirname "$0")/lib.sh"
. "$ROOT/tests/e2e/lib_bus.sh"

sed "s|path: exec.bpf.o|path: $ROOT/programs/exec.bpf.o|" "$ROOT/programs/exec.yaml" >"$T/exec.yaml"
start x "$T/exec.yaml" || { not_ok "an instance gets ready"; done_testing; }
ok "an instance gets ready"
for d in loader tag channel sink xdp; do
	name=org.ebpfagent.${d}1 path=/org/ebpfagent/${d}1
	like "$name: its object is in the tree" "$(bc tree "$name" 2>&1)" "$path"
	like "$name: it serves daemon1" "$(bc introspect "$name" "$path" 2>&1)" '^org\.ebpfagent\.daemon1 '
	like "$name: its version" "$(bc get-property "$name" "$path" org.ebpfagent.daemon1 Version 2>&1)" '^s "[0-9.]+"'
	like "$name: its configuration" "$(bc call "$name" "$path" org.ebpfagent.daemon1 GetConfig 'a{sv}' 0 2>&1)" '^s "'
	like "$name: an unknown option is refused by name" "$(bc call "$name" "$path" org.ebpfagent.daemon1 GetConfig 'a{sv}' 1 fast b true 2>&1)" "unknown option 'fast'"
	check "$name: Reload" bc call "$name" "$path" org.ebpfagent.daemon1 Reload 'a{sv}' 0
done
for d in tag xdp; do
	like "${d}1 says what it does not do yet" "$(bc get-property org.ebpfagent.${d}1 /org/ebpfagent/${d}1 org.ebpfagent.daemon1 Status 2>&1)" 'not built in this version'
done

# ---- a program is an object
sed "s/^name: .*/name: a-b/; s/- name: exec\$/- name: x/" "$T/exec.yaml" >"$T/a-b.yaml"
PROGRAM=$LP/program/a_2db
watch
J=$(begin_load "$T/a-b.yaml")
like "LoadText answers with a job" "$J" "^$LP/job/[0-9]+\$"
is "the job ends with the program's name" "$(job "$J" Wait | jq -c '.data[0]')" '["a-b"]'
like "the program is in the tree, its name encoded" "$(bc tree $L)" 'program/a_2db$'
is "its name, its state, its file" "$(prop $PROGRAM Program Name) $(prop $PROGRAM Program State) $(prop $PROGRAM Program File)" "a-b loaded $T/a-b.yaml"
is "its items and channels" "$(prop $PROGRAM Program Items) $(prop $PROGRAM Program Channels)" "x exec_events"
like "when it was loaded" "$(date -d @$(($(prop $PROGRAM Program LoadedAt) / 1000000)) -u +%FT%H)" "^$(date -u +%F)T"
is "List says the same" "$(ask List 'a{sv}' 0 | jq -r '.data[0][] | select(.program.data == "a-b") | .generation.data')" "$(prop $PROGRAM Program Generation)"
is "the object manager has both programs" "$(bc --json=short call $L $LP org.freedesktop.DBus.ObjectManager GetManagedObjects |
	jq -r '.data[0][] | .["'$L'.Program"].Name.data // empty' | sort | xargs)" "a-b exec"
is "Unload, waited for" "$(job "$(begin Unload 'sa{sv}' a-b 0)" Wait | jq -c '.data[0]')" '["a-b"]'
check "InterfacesAdded for the program, while it was being loaded" wait_for 5 said '.member == "InterfacesAdded" and .payload.data[0] == "'$PROGRAM'" and .payload.data[1]["'$L'.Program"].State.data == "loading"'
check "PropertiesChanged: loaded" wait_for 5 said '.member == "PropertiesChanged" and .path == "'$PROGRAM'" and .payload.data[1].State.data == "loaded"'
check "… and what it consists of" wait_for 5 said '.member == "PropertiesChanged" and .path == "'$PROGRAM'" and .payload.data[1].Channels.data == ["exec_events"]'
check "… draining" wait_for 5 said '.member == "PropertiesChanged" and .path == "'$PROGRAM'" and .payload.data[1].State.data == "draining"'
check "InterfacesRemoved" wait_for 5 said '.member == "InterfacesRemoved" and .payload.data[0] == "'$PROGRAM'"'
check "the job came" wait_for 5 said '.member == "InterfacesAdded" and .payload.data[0] == "'"$J"'" and .payload.data[1]["'$L'.Job"].Kind.data == "load"'
check "… said how far it was" wait_for 5 said '.member == "PropertiesChanged" and .path == "'"$J"'" and (.payload.data[1].Phase.data // "" | test("attaching|loading"))'
check "… and ended" wait_for 5 said '.member == "PropertiesChanged" and .path == "'"$J"'" and .payload.data[1].State.data == "done" and .payload.data[1].Progress.data == 100'
unwatch
is "an unloaded program is no object any more" "$(objects $PROGRAM)" 0

# ---- what can be refused at once is, by name, and leaves no job
jobs_before=$(objects $LP/job/)
echo 'programs: 7' >"$T/bad.yaml"
is "bad YAML" "$(error $LP $L Load 'hssa{sv}' "$T/bad.yaml" bad.yaml /)" $ERR.Invalid
is "a folder that is not absolute" "$(error $LP $L Load 'hssa{sv}' "$T/exec.yaml" exec.yaml x)" $ERR.Invalid
is "a program that is loaded already" "$(error $LP $L Load 'hssa{sv}' "$T/exec.yaml" exec.yaml /)" $ERR.AlreadyLoaded
is "a device instead of a file" "$(error $LP $L Load 'hssa{sv}' /dev/zero zero /)" $ERR.Invalid
is "a program that nobody knows" "$(error $LP $L Unload 'sa{sv}' nobody)" $ERR.NoSuchProgram
is "… to show" "$(error $LP $L Show 'sa{sv}' ../x)" $ERR.NoSuchProgram
like "an unknown option" "$(ask Unload 'sa{sv}' exec 1 forced b true 2>&1)" "unknown option 'forced'"
like "an option of the wrong type" "$(ask Unload 'sa{sv}' exec 1 force s yes 2>&1)" "unknown option 'force' of type 's'"
like "a timeout that is none" "$(ask Unload 'sa{sv}' exec 1 timeout s soon 2>&1)" "timeout"
is "none of it made a job" "$(objects $LP/job/)" "$jobs_before"
like "… nor touched the program" "$(ctl list)" 'exec .*loaded'

# ---- who may
J=$(begin_load "$T/a-b.yaml"); job "$J" Wait >/dev/null
like "a stranger sees the tree" "$(as_stranger bc tree $L 2>&1)" 'program/exec$'
is "… reads properties" "$(as_stranger prop $PROGRAM Program State)" loaded
check "… asks" as_stranger ask List 'a{sv}' 0
is "… may wait for a job" "$(as_stranger job "$J" Wait | jq -c '.data[0]')" '["a-b"]'
for call in "LoadText sssa{sv} x x / 0" "Unload sa{sv} exec 0" "UnloadAll a{sv} 0"; do
	# shellcheck disable=SC2086
	like "… but not ${call%% *}" "$(as_stranger ask $call 2>&1)" '[Aa]ccess denied|only root and members'
done
is "… nor Load" "$(as_stranger error $LP $L Load 'hssa{sv}' "$T/exec.yaml" exec.yaml /)" org.freedesktop.DBus.Error.AccessDenied
like "… nor cancel" "$(as_stranger job "$J" Cancel 2>&1)" '[Aa]ccess denied|only root and members'
for d in loader tag channel sink xdp; do
	like "… nor reload ${d}1" "$(as_stranger bc call org.ebpfagent.${d}1 /org/ebpfagent/${d}1 org.ebpfagent.daemon1 Reload 'a{sv}' 0 2>&1)" '[Aa]ccess denied|only root and members'
done
like "… nor read events along" "$(as_stranger bc call org.ebpfagent.sink1 /org/ebpfagent/sink1 org.ebpfagent.sink1 Tail 'sa{sv}' '' 0 2>&1)" '[Aa]ccess denied|only root and members'
like "… and all is as it was" "$(ctl list | xargs)" 'a-b loaded .*exec loaded'
is "one of the group unloads" "$(as_member job "$(as_member begin Unload 'sa{sv}' a-b 0)" Wait | jq -c '.data[0]')" '["a-b"]'
is "… and loads" "$(as_member job "$(as_member begin_load "$T/a-b.yaml")" Wait | jq -c '.data[0]')" '["a-b"]'

# ---- as it is written down
compare_to() { "$ROOT/tests/e2e/helpers/introspect.py" "$BUS" "$1" org.ebpfagent.{loader,tag,channel,sink,xdp}1; }
check "every interface is served as dbus/*.xml has it, and every one there is served" compare_to "$ROOT/dbus"
cp -r "$ROOT/dbus" "$T/dbus"
sed -i 's/name="Phase" type="s"/name="Phase" type="u"/' "$T/dbus/$L.Job.xml"
like "the comparison notices another type" "$(compare_to "$T/dbus")" "^$L.Job at"
cp "$ROOT/dbus/$L.xml" "$T/dbus/"; cp "$ROOT/dbus/$L.Job.xml" "$T/dbus/"; sed 's/loader1/loader2/g' "$ROOT/dbus/$L.xml" >"$T/dbus/org.ebpfagent.loader2.xml"
like "… and what nobody serves" "$(compare_to "$T/dbus")" '^org.ebpfagent.loader2 is written'

# ---- started again
watch
generation=$(prop $PROGRAM Program Generation) before=$(daemon_pid loaderd)
kill_one loaderd
is_back() { [ "$(daemon_pid loaderd)" != "$before" ] && [ "$(prop $PROGRAM Program State)" = loaded ]; }
check "loaderd is killed: what it adopts are objects again" wait_for 10 is_back
is "… of the same generation" "$(prop $PROGRAM Program Generation)" "$generation"
check "… and told of" wait_for 5 said '.member == "InterfacesAdded" and .payload.data[0] == "'$PROGRAM'" and .payload.data[1]["'$L'.Program"].State.data == "loaded"'
unwatch
J=$(begin Unload 'sa{sv}' a-b 0); job "$J" Wait >/dev/null
pids() { for d in $DAEMONS; do daemon_pid "$d"; done; }
before=$(pids)
if [ -n "${EBPF_AGENT_UNITS:-}" ]; then systemctl restart dbus; else kill -9 "$(pgrep -P "$PID" -f dbus-daemon)"; fi
back() {
	[ "$(prop $LP/program/exec Program State)" = loaded ] || return
	for d in loader tag channel sink xdp; do bc get-property org.ebpfagent.${d}1 /org/ebpfagent/${d}1 org.ebpfagent.daemon1 Version || return; done
}
check "the bus is started again: all come back to it, with their objects" wait_for 15 back
is "… none of them started again" "$(pids)" "$before"
is "… and the job of before answers still" "$(job "$J" Wait | jq -c '.data[0]')" '["a-b"]'
J=$(begin_load "$T/a-b.yaml"); job "$J" Wait >/dev/null
check "… as it is written down" compare_to "$ROOT/dbus"
check "stops orderly" stop
done_testing
