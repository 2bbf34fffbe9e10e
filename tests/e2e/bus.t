#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The bus of a private instance as another terminal sees it: busctl finds the objects, introspects them and calls them; a stranger is refused.
. "$(dirname "$0")/lib.sh"
command -v busctl >/dev/null || skip_all "busctl is not installed (package systemd)"

start x "$ROOT/programs/exec.yaml" || { not_ok "an instance gets ready"; done_testing; }
ok "an instance gets ready"
bc() { timeout 10 busctl --address="$BUS" "$@"; }
for d in loader tag channel sink xdp; do
	name=org.ebpfagent.${d}1 path=/org/ebpfagent/${d}1
	like "$name: its object is in the tree" "$(bc tree "$name" 2>&1)" "$path"
	like "$name: it serves daemon1" "$(bc introspect "$name" "$path" 2>&1)" '^org\.ebpfagent\.daemon1 '
	like "$name: its version" "$(bc get-property "$name" "$path" org.ebpfagent.daemon1 Version 2>&1)" '^s "[0-9.]+"'
	like "$name: its configuration" "$(bc call "$name" "$path" org.ebpfagent.daemon1 GetConfig 'a{sv}' 0 2>&1)" '^s "'
done
like "List names the program" "$(bc call org.ebpfagent.loader1 /org/ebpfagent/loader1 org.ebpfagent.loader1 List 'a{sv}' 0 2>&1)" '"exec"'
like "an unknown program is an error by name" "$(bc call org.ebpfagent.loader1 /org/ebpfagent/loader1 org.ebpfagent.loader1 Unload 'sa{sv}' nobody 0 2>&1)" 'nobody'
for d in tag xdp; do
	like "${d}1 says what it does not do yet" "$(bc get-property org.ebpfagent.${d}1 /org/ebpfagent/${d}1 org.ebpfagent.daemon1 Status 2>&1)" 'not built in this version'
done
check "a stranger cannot unload" bash -c "! setpriv --reuid 65534 --regid 65534 --clear-groups timeout 10 busctl --address='$BUS' call org.ebpfagent.loader1 /org/ebpfagent/loader1 org.ebpfagent.loader1 Unload 'sa{sv}' exec 0"
like "… and the program is still there" "$(ctl list)" 'exec .*loaded'
check "Reload" bc call org.ebpfagent.sink1 /org/ebpfagent/sink1 org.ebpfagent.daemon1 Reload 'a{sv}' 0
check "stops orderly" stop
done_testing
