# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# For tests of programs/exec.yaml: what tools/spawner's log says of its children, and what events say of them, in one form:
#
# 	PID PPID COMM END | PID PPID COMM ARGS
#
# Source it after lib.sh.

# ledger_of_one_moment: $T/ledger.json. Who asks for it starts processes, which are events: its numbers need not fit together.
ledger_of_one_moment() { ctl ledger --json >"$T/ledger.json" && json_is "all(.channels[]; .live | not)" "$T/ledger.json"; }
# children_ends LOG, children_starts LOG: as whoever started them knows them
children_ends() { cut -d' ' -f1-4 "$1" | sort; }
children_starts() { sed -E 's/^([^ ]+ [^ ]+ [^ ]+) [^ ]+/\1/' "$1" | sort; }
# children_told LOG KIND FILE: as events of FILE tell them. A process id is not enough to know a child by: another process
# may have had it a moment before, or has it a moment later.
children_told() {
	jq -r --argjson parent "$(jq -Rsc '[split("\n")[] | select(. != "") | split(" ") | {(.[0]): (.[1] | tonumber)}] | add' "$1")" --arg kind "$2" '
		.data | select(.kind == $kind and $parent[.pid | tostring] == .ppid) | "\(.pid) \(.ppid) \(.comm) " + (
			if .kind == "EXEC" then .args | tojson elif .signal > 0 then "signal:\(.signal)" else "exit:\(.exit_code)" end)' "$3" | sort
}
