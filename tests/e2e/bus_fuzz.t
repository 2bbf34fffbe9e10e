#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Every method that the five daemons say they have, called with random arguments of right and of wrong types, as a stranger, as
# one of the group and as root: nobody crashes, everything is answered by a known error, and a stranger changes nothing.
. "$(dirname "$0")/lib.sh"
. "$ROOT/tests/e2e/lib_bus.sh"

seed=${SEED:-$$}
say "seed $seed (SEED=$seed repeats it)"
sed "s|path: exec.bpf.o|path: $ROOT/programs/exec.bpf.o|" "$ROOT/programs/exec.yaml" >"$T/exec.yaml"
start x "$T/exec.yaml" || { not_ok "an instance gets ready"; done_testing; }
ok "an instance gets ready"
cp "$ROOT"/tests/e2e/helpers/{introspect,bus_fuzz}.py "$T"	# a stranger may not be able to read a clone
fuzz() { timeout 250 "${AS[@]}" /usr/bin/python3 "$T/bus_fuzz.py" "$BUS" "$@" org.ebpfagent.{loader,tag,channel,sink,xdp}1 >"$T/fuzz.out" 2>&1; }
pids() { for d in $DAEMONS; do daemon_pid "$d"; done | xargs; }
# What a change would change.
all() {
	ctl show exec --json | jq -c '[.generation, .state]'
	objects $LP/
	for d in $DAEMONS; do ctl config "$d"; done
	inside loaderd find "$RUN/bpf" "$RUN/manifest" | sort
}
before=$(pids)
all >"$T/before"
round() { # NAME WHO ROUNDS
	check "$1: everything is answered" eval "$2 fuzz $((seed++)) $3 || { cat '$T/fuzz.out'; false; }"
	say "$(tail -1 "$T/fuzz.out")"
	is "… and nobody has crashed" "$(pids)" "$before"
}
round "a stranger" as_stranger 6
all >"$T/after"
check "… and nothing is changed" diff "$T/before" "$T/after"
like "… since he was refused" "$(tail -1 "$T/fuzz.out")" '[1-9][0-9]* org.freedesktop.DBus.Error.AccessDenied'
round "one of the group" as_member 6
round "root" "" 6
ctl load "$T/exec.yaml" >/dev/null 2>&1
loaded() { [ "$(prop $LP/program/exec Program State)" = loaded ]; }
check "and all works as before" wait_for 10 loaded
check "… and unloads" ctl unload --all
is "nothing is left" "$(ctl list --json)" "[]"
check "stops in good order" stop
done_testing
