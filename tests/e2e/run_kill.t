#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Two private instances side by side; kill -9 of one leaves no process, mount or pin, and the other notices nothing.
. "$(dirname "$0")/lib.sh"

base() { sed -n 's|^bus: unix:path=\(/tmp/ebpf-agent\.[A-Za-z0-9]*\)/bus .*|\1|p' "$1"; }
# The kernel's ids of an instance's BPF programs, and whether any of them is still there.
prog_ids() { "$BIN/ebpfctl" --bus "$1" show exec --json | jq '.. | .prog_id? // empty'; }
gone() { local id; for id in $1; do ! bpftool prog show id "$id" >/dev/null 2>&1 || return 1; done; }
no_process() { ! pgrep -f -- "$1/" >/dev/null; }
no_mount() { ! grep -q -- "$1" /proc/[0-9]*/mounts 2>/dev/null; }
# An event of a process of ours, by its argument, has come to that output.
seen() { grep -q -- "$2" "$1"; }

start a "$ROOT/programs/exec.yaml" || { not_ok "the first instance gets ready"; done_testing; }
A=$PID ABUS=$BUS
ok "the first instance gets ready"
aprogs=$(prog_ids "$ABUS")
check "it has BPF programs in the kernel" test -n "$aprogs"
check "… which the kernel knows" bpftool prog show id "${aprogs%%[!0-9]*}"
start b "$ROOT/programs/exec.yaml" || { not_ok "a second one gets ready beside it"; done_testing; }
B=$PID BUS0=$BUS
ok "a second one gets ready beside it"
a=$(base "$T/a.err") b=$(base "$T/b.err")
ids() { ps -o uid= --ppid "$1" | sort -u; }
is "no user id is used by both" "$(comm -12 <(ids "$A") <(ids "$B") | wc -l)" 0
is "each has a bus of its own" "$("$BIN/ebpfctl" --bus "$ABUS" list --json | jq -r '.[].program') $(ctl list --json | jq -r '.[].program')" "exec exec"
/bin/echo both-see-this >/dev/null
check "both see an event" wait_for 5 eval "seen $T/a.out both-see-this && seen $T/b.out both-see-this"

kill -9 "$A"; wait "$A" 2>/dev/null; forget "$A"
check "no process of the killed one remains" wait_for 5 no_process "$a"
check "no mount of it remains" wait_for 5 no_mount "$a"
check "no pin and no program of it remains in the kernel" wait_for 5 gone "$aprogs"
/bin/echo only-b-sees-this >/dev/null
check "the other one goes on" wait_for 5 seen "$T/b.out" only-b-sees-this
is "and notices nothing" "$(grep -cE 'died|degraded|error' "$T/b.err")" 0
check "its ledger balances" balanced 5

start a "$ROOT/programs/exec.yaml" || not_ok "a new instance takes the killed one's folder"
check "what the killed one left in /tmp is swept by the next one" test ! -e "$a"
check "but not what the living one has" test -e "$b/lock"
check "the new one stops in good order" stop
PID=$B
bprogs=$(prog_ids "$BUS0")
check "the other one stops in good order" stop
check "no program of it remains in the kernel" wait_for 5 gone "$bprogs"
check "no folder is left" test ! -e "$b"
done_testing
