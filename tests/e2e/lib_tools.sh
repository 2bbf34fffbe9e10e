# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# For tests of objects that nobody here wrote: they lie in the commands of Debian's package libbpf-tools, as libbpf skeletons. Sourced after lib.sh.
# The commands and what was cut out of them are kept in the build folder, for those who have no network, tests/units among them.
KEPT=$BUILD/tests/third-party
# Debian's: a wrapper would make calls of its own.
PYTHON=/usr/bin/python3

# The package's commands, as installed or else out of the archive, beneath $T/package.
unpack_package() {
	[ ! -d "$T/package" ] || return 0
	if dpkg-query -L libbpf-tools >/dev/null 2>&1; then
		ln -s / "$T/package"
	else
		mkdir "$T/download"
		(cd "$T/download" && { apt-get -q download libbpf-tools || { apt-get -q update && apt-get -q download libbpf-tools; }; }) >"$T/apt.log" 2>&1 &&
			dpkg-deb -x "$T"/download/libbpf-tools_*.deb "$T/package"
	fi
}
# keep NAME: its object and command, in $KEPT; two tests may do it at once
keep() {
	[ ! -e "$KEPT/$1.bpf.o" ] || [ ! -e "$KEPT/$1" ] || return 0
	[ -z "${EBPF_AGENT_UNITS:-}${EBPF_AGENT_VM:-}" ] || skip_all "no test outside has run before that fetches $1 (tests/e2e/tools_*.t)"
	unpack_package || skip_all "Debian's libbpf-tools cannot be fetched: $(tail -1 "$T/apt.log")"
	mkdir -p "$KEPT"
	cp "$T/package/usr/sbin/$1" "$KEPT/$1.$$" && mv "$KEPT/$1.$$" "$KEPT/$1"
	check "$1: its object is cut out of the package's command" python3 "$ROOT/tests/e2e/helpers/cut_bpf.py" "$KEPT/$1" "$KEPT/$1.bpf.o.$$"
	mv "$KEPT/$1.bpf.o.$$" "$KEPT/$1.bpf.o"
}
# tool NAME [KEY=VALUE…]: $T/NAME.yaml, out of tests/e2e/tools, beside its object; @KEY@ in it becomes VALUE
tool() {
	local name=$1 object subst=(); shift
	for pair; do subst+=(-e "s|@${pair%%=*}@|${pair#*=}|g"); done
	sed -e '' ${subst[@]+"${subst[@]}"} "$ROOT/tests/e2e/tools/$name.yaml" >"$T/$name.yaml"
	object=$(sed -n 's/^ *path: \(.*\)\.bpf\.o$/\1/p' "$T/$name.yaml")
	keep "$object"
	cp "$KEPT/$object.bpf.o" "$T/"
}
# beside NAME [OPTION…]: the command itself, beside the agent, until forgotten by unbeside; what it prints goes to $T/NAME.beside
beside() {
	local name=$1; shift
	unshare -m sh -c 'mount -t tracefs tracefs /sys/kernel/tracing 2>/dev/null; mount -t debugfs debugfs /sys/kernel/debug 2>/dev/null; exec "$@"' - \
		stdbuf -oL "$KEPT/$name" "$@" >"$T/$name.beside" 2>"$T/$name.beside.err" &
	BESIDE=$!
	PIDS+=("$BESIDE")
}
unbeside() { kill -INT "$BESIDE"; wait "$BESIDE"; forget "$BESIDE"; }
# events PROGRAM: the data of its events, in the order of the last instance's output
events() { jq -c --arg p "$1" 'select(.program == $p) | .data' "$T/x.out"; }
# nothing_lost PROGRAM…: by the ledger, which is asked for before stop
nothing_lost() {
	local program
	for program; do
		is "$program: nothing was lost" "$(ctl ledger "$program" --json | jq -c '[.channels[].lost] | unique')" '[0]'
	done
}
read_since() { local p; for p in "${@:2}"; do [[ "$(tail -1 "$T/x/log/$p.jsonl" | jq -r .ts)" > "$1" ]] || return 1; done; }
# read_again PROGRAM…: the maps of each are read once more from now on
read_again() { check "the maps are read after that" wait_for 10 read_since "$(date -u +%FT%T.%N)" "$@"; }
# last_samples PROGRAM [METRIC]: of each metric and its labels the last sample
last_samples() { events "$1" | jq -sc --arg m "${2:-}" '[.[] | select(.name? and ($m == "" or .name == $m))] | group_by([.name, .labels])[] | last'; }

CALLS=$ROOT/tests/e2e/helpers/calls.py STRACED=$ROOT/tests/e2e/helpers/straced.py
# waiting KIND OPTION…: a process that makes such calls (helpers/calls.py) under strace, once it is told so by go; its pid is in ${CALLER[KIND]}
declare -A STRACE CALLER
waiting() {
	local kind=$1; shift
	mkfifo "$T/$kind.go"
	mkdir -p "$T/made"
	strace -f -o "$T/$kind.strace" "$@" "$PYTHON" "$CALLS" "$kind" "$T/made" "$T/$kind.go" & STRACE[$kind]=$!
	PIDS+=("$!")
	check "$kind: a process waits" wait_for 10 pgrep -P "$!" -x "$kind"
	CALLER[$kind]=$(pgrep -P "${STRACE[$kind]}" -x "$kind")
}
# Of a test that ends early.
at_exit() { local p; for p in "${CALLER[@]}"; do kill -9 "$p"; done 2>/dev/null; }
# go KIND: and what strace saw, as helpers/straced.py has it, is left in $T/KIND.wanted
go() {
	timeout 10 sh -c ': >"$1"' - "$T/$1.go"
	wait "${STRACE[$1]}" || return
	forget "${STRACE[$1]}"
	unset "CALLER[$1]"	# it has ended
	"$PYTHON" "$STRACED" "$1" "$T/$1.strace" "$T/$1.go" >"$T/$1.wanted" && [ -s "$T/$1.wanted" ]
}
