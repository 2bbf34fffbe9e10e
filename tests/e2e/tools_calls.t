#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Objects that nobody here wrote, of tools that trace system calls: cut out of Debian's libbpf-tools, they run from YAML alone, and agree with strace,
# each event and each field; exitsnoop with whoever started what ended.
. "$(dirname "$0")/lib.sh"
. "$ROOT/tests/e2e/lib_tools.sh"
[ "$(uname -m)" = x86_64 ] || skip_all "the calls are made by their x86-64 numbers"
TOOLS="opensnoop statsnoop sigsnoop sigsnoop_calls execsnoop exitsnoop"
mkdir "$T/user" && chown 64321 "$T/user"	# the one that opensnoop and execsnoop are told of

# straced KIND CALLS: makes them under strace, as the user whom the objects were told of
straced() {
	(cd "$T/user" && PATH=/usr/bin:/bin setpriv --reuid 64321 --regid 64321 --clear-groups strace -f -Y -xx -X raw -s 5000 -o "$T/user/$1.strace" \
		-e "trace=$2" "$PYTHON" - "$1" "$T/user" <"$CALLS") || return
	"$PYTHON" "$STRACED" "$1" "$T/user/$1.strace" >"$T/$1.wanted" && [ -s "$T/$1.wanted" ]
}
# got KIND PROGRAM FILTER: rows of the events of those whom strace saw
got() {
	local pids
	pids=$(cut -d' ' -f1 "$T/$1.wanted" | sort -u | jq -sc 'map({(tostring): true}) | add')
	events "$2" | jq -r --argjson p "$pids" "select(\$p[.pid | tostring]) | $3" >"$T/$2.got"
}

waiting stat -Y -xx -X raw -s 5000 -e trace=openat,stat,lstat,statfs,newfstatat,statx
waiting kill -Y -xx -X raw -e trace=openat,kill,tkill,tgkill
for t in $TOOLS; do tool "$t" STAT="${CALLER[stat]}" KILL="${CALLER[kill]}"; done
# shellcheck disable=SC2046
start x $(printf "$T/%s.yaml " $TOOLS) || { not_ok "all of them load from YAML alone"; done_testing; }
ok "all of them load from YAML alone"
is "nothing of them was left out" "$(ctl status --json | jq -r '.. | objects | select(.daemon? == "loaderd") | .degraded | tostring')" '[]'
check "files are looked at under strace" go stat
check "signals are sent under strace" go kill
check "files are opened under strace" straced open open,openat
check "programs are started under strace" straced exec execve,clone,vfork
"$PYTHON" "$CALLS" exit "$T/user" >"$T/exit.wanted"
check "the ledger balances at rest" balanced 5
# shellcheck disable=SC2086
nothing_lost $TOOLS
check "stops orderly" stop

got stat statsnoop '"\(.pid) \(.comm) \(.ret) \(.path | tojson)"'
compare "statsnoop: every stat, lstat, statfs, fstatat and statx, in order" "$T/statsnoop.got" "$T/stat.wanted"
got kill sigsnoop_calls '"\(.pid) \(.comm) \(.tpid) \(.sig) \(.ret)"'
compare "sigsnoop, calls: every kill, tkill and tgkill, in order" "$T/sigsnoop_calls.got" "$T/kill.wanted"
# SIGCHLD comes from strace's work.
got kill sigsnoop 'select(.sig != 17) | "\(.pid) \(.comm) \(.tpid) \(.sig) \(.ret)"'
awk '$4 != 0 && $5 == 0' "$T/kill.wanted" >"$T/signals.wanted"
compare "sigsnoop, signals: one for each call that was let through, in order" "$T/sigsnoop.got" "$T/signals.wanted"
got open opensnoop '"\(.pid) \(.comm) \(.flags) \(.ret) \(.path | tojson)"'
compare "opensnoop: every open, in order" "$T/opensnoop.got" "$T/open.wanted"
is "opensnoop: and of nobody but this user" "$(events opensnoop | jq -c .uid | sort -u)" 64321
got exec execsnoop '"\(.pid) \(.ppid) \(.ret) \(.args | tojson)"'
compare "execsnoop: every start with its arguments, refused ones too, in order" "$T/execsnoop.got" "$T/exec.wanted"
pids=$(cut -d' ' -f3 "$T/exit.wanted" | sort -u | jq -sc 'map({(tostring): true}) | add')
events exitsnoop | jq -r --argjson p "$pids" 'select($p[.ppid | tostring] and (.comm | startswith("ender")))
	| "\(.pid) \(.tid) \(.ppid) \(.comm) \(.signal) \(.exit_code)"' | sort >"$T/exitsnoop.got"
sort -o "$T/exit.wanted" "$T/exit.wanted"
compare "exitsnoop: every end of a process or thread" "$T/exitsnoop.got" "$T/exit.wanted"
is "exitsnoop: its own time is the event's" "$(jq -r 'select(.program == "exitsnoop") | .ts_source' "$T/x.out" | sort -u)" kernel
done_testing
