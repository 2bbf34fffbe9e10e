#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What loaderd makes of objects: hooks that are missing, what the verifier refuses, variables, map entries, shared maps, layouts
# found without being said; and that it takes over what it left behind.
. "$(dirname "$0")/lib.sh"

O=$BUILD/tests/bpf
# yaml NAME [KEYS…]: a document with one object; stdin: lines of the item
yaml() {
	local name=$1 object=$2 channel=${3:-type: ring_buffer}
	{
		printf 'programs:\n- name: x\n  type: ebpf_object\n  path: %s\n' "$O/$object.bpf.o"
		cat
		printf 'channels:\n  events: { %s }\n' "$channel"
	} >"$T/$name.yaml"
}
pins() { inside loaderd find "$RUN/bpf/v1" -mindepth 2 -type f | wc -l; }
refused() { ! ctl load "$T/$1.yaml" 2>"$T/err" && grep -qE -- "$2" "$T/err"; }

start x "$ROOT/programs/oom.yaml" || { not_ok "an instance gets ready"; done_testing; }
before=$(pins)

yaml mixed mixed </dev/null
check "an object with missing hooks loads" ctl load "$T/mixed.yaml"
ctl show mixed --json >"$T/mixed.json"
is "what could not be attached is listed" "$(jq -r '[.items[0].progs[] | select(.state == "dropped") | .name] | sort | join(" ")' "$T/mixed.json")" \
	"no_fentry no_kprobe no_raw_tp no_target no_tp_btf no_tracepoint on_demand"
is "each with its cause" "$(jq '[.items[0].progs[] | select(.state == "dropped" and (.cause | length) > 0)] | length' "$T/mixed.json")" 7
is "and the load is degraded by those that were wanted" "$(jq '.degraded | length' "$T/mixed.json")" 6
is "the rest is attached" "$(jq -r '.items[0].progs[] | select(.state == "attached") | .name' "$T/mixed.json")" on_exit
check "it unloads" ctl unload mixed

yaml required mixed <<<'  properties: { progs: { no_tracepoint: { attach: required } } }'
check "what is required and missing fails the load" refused required "required.yaml:5: .*no_tracepoint.*no such tracepoint"
yaml refused refused </dev/null
check "what the verifier refuses fails the load, with its words" refused refused "R0 invalid mem access"
yaml nothing mixed <<<'  properties: { progs: { on_exit: { attach: false } } }'
check "a load of which nothing attaches fails" refused nothing "nothing of it can be attached"
yaml unknown values <<<'  properties: { variables: { absent: 1 } }'
check "an unknown variable is refused by its line" refused unknown "unknown.yaml:5: .*no variable 'absent'"
yaml large values <<<'  properties: { variables: { target: 4294967296 } }'
check "a number that does not fit is refused" refused large "unsigned number of 32 bits"
yaml entry values <<<'  properties: { maps: { table: { init: [ { key: { a: 1, d: 2 }, value: { low: 1 } } ] } } }'
check "an entry of another shape is refused" refused entry "no member 'd'"
yaml ambiguous ambiguous </dev/null
check "records of an unknown struct are refused with candidates" refused ambiguous "first_record, second_record"
yaml huge huge </dev/null
check "an event whose description no message could hold is refused" refused huge "larger than the"
is "failed loads leave no pins" "$(pins)" "$before"

yaml optional refused <<<'  properties: { progs: { unchecked: { attach: optional } } }'
check "an optional program may be refused by the verifier" ctl load "$T/optional.yaml"
check "and unloads" ctl unload optional

check "a program that cannot be told to drain" ctl load "$T/mixed.yaml"
inside loaderd chmod 0550 "$RUN/manifest"
late() { ! ctl unload mixed --timeout 1 2>"$T/err" && grep -q 'is detached, and drains once its manifest can be written (Permission denied' "$T/err"; }
check "is said to be" late
unwritten() { ctl status --json | grep -q 'mixed: its manifest cannot be written'; }
check "status says so, too" unwritten
inside loaderd chmod 2750 "$RUN/manifest"
unloaded() { ! ctl show mixed 2>/dev/null; }
check "and goes by itself once it can be told" wait_for 5 unloaded
check "and that trouble is over" wait_for 5 eval "! unwritten"

yaml named mixed </dev/null
echo 'events: [ { name: left, channels: [events] } ]' >>"$T/named.yaml"
check "events may be called what their file says" ctl load "$T/named.yaml"
is "instead of like their struct" "$(ctl ledger named --json | jq -r '.events[].event')" left
check "and unload" ctl unload named
yaml fetched mixed </dev/null
sed -i 's#path: .*#path: http://host/x.o#' "$T/fetched.yaml"
check "a path that is wrong is refused by its own line" refused fetched "fetched.yaml:4: path: fetching by http is not built"
printf 'programs:\n- name: x\n  type: bpftrace\n  src: BEGIN {}\n' >"$T/script.yaml"
check "a script is refused as what is not built" refused script "bpftrace is not built in this version"

cat >"$T/tick.yaml" <<Y
programs:
- { name: tick, type: ebpf_object, path: $O/tick.bpf.o, properties: $TICKS }
channels: { ticks: { type: ring_buffer } }
Y
check "a program whose ring will run over" ctl load "$T/tick.yaml"
wait_for 10 all_alive tick
worker=$(worker_pid tick)
kill -STOP "$worker"
ticker 1000
kill -CONT "$worker"
losses() { ctl status --json | grep -o 'loss:tick: channel ticks: [0-9]* % of the last [0-9]* s lost (ring_full: [0-9]* in all)'; }
check "is said to lose events, unasked" wait_for 5 losses
is "as many as there were" "$(losses | grep -o 'ring_full: [0-9]*')" "ring_full: 944"
check "it unloads" ctl unload tick
check "and what it lost is no trouble any more" wait_for 5 eval "! losses"

gone() { [ -z "$(EBPF_AGENT_RUNTIME_DIR=$T "$BIN/ebpf-channeld" worker --control 5 "$1" 5</dev/null 2>&1 || echo failed)" ]; }
check "a worker whose program was unloaded meanwhile ends without a word" gone nobody

yaml values values <<Y
  properties:
    variables: { target: 100, enabled: true, label: x, ports: [443], mode: ON, limits: { low: 1 }, offset: $$ }
    maps:
      table: { init: [ { key: { a: 100, b: 443 }, value: { low: 2, high: 40, name: abc } } ] }
      numbers: { init: [ 5, 6 ] }
      each_cpu: { init: { 1: 1000 } }
      plain: { init: { 1: 'hex:010203040506' } }
      no_size: { init: { 1: 10000 }, pin: shared }
Y
check "variables and map entries are taken" ctl load "$T/values.yaml"
: >"$T/touch"	# system calls of ours are events now
check "and the program sees them all" wait_for 5 grep -q '"target":11101,"low":42,"number":6' "$T/x/log/values.jsonl"
is "a shared map is pinned once more, by its name" "$(inside loaderd ls "$RUN/bpf/v1/shared")" no_size
yaml differs values <<<'  properties: { maps: { no_size: { max_entries: 4, pin: shared } } }'
check "one that differs is refused" refused differs "differs"

for n in left right; do
	printf 'name: %s\nprograms:\n- { name: x, type: ebpf_object, path: %s, properties: { maps: { ticks_counts: { pin: shared } } } }\n' \
		$n "$O/tick.bpf.o" >"$T/$n.yaml"
done
counts_id() { ctl show "$1" --json | jq '.items[0].maps[] | select(.name == "ticks_counts").id'; }
load_both() {
	local left right
	ctl load "$T/left.yaml" & left=$!
	ctl load "$T/right.yaml" & right=$!
	wait $left && wait $right && [ "$(counts_id left)" = "$(counts_id right)" ] && ctl unload left right
}
together() { for ((i = 0; i < 12; i++)); do load_both || return; done; }
check "two that are loaded at the same time share it, too" together

# Loads caught under way: 60 MiB take a while to be read.
cp "$BUILD/tests/so/plain.so" "$T/big.so"
truncate -s 60M "$T/big.so"
# kids: loaderd's children that load. Without a process or a pause: it is a matter of milliseconds.
loaderd=
children() {
	local p name list=()
	kids=()
	[ -n "$loaderd" ] && [ -e "/proc/$loaderd" ] || loaderd=$(daemon_pid loaderd)
	read -ra list <"/proc/$loaderd/task/$loaderd/children"
	for p in "${list[@]}"; do
		{ read -r name <"/proc/$p/comm"; } 2>/dev/null && [ "$name" = ebpf-load ] && kids+=("$p")
	done
}
# catch N: loads slowN, and stops it and those before it; one that was over too soon is tried again
catch() {
	for ((i = 0; i < 20; i++)); do
		ctl load "$T/slow$1.yaml" 2>"$T/slow$1.err" & load=$!
		until children; [ ${#kids[@]} = "$1" ] || ! kill -0 $load 2>/dev/null; do :; done
		[ ${#kids[@]} = "$1" ] && kill -STOP "${kids[@]}" && return
		wait $load
		ctl unload "slow$1"
	done
	return 1
}
under_way=()
for n in 1 2 3; do
	printf 'name: %s\nprograms:\n- { name: so, type: user_so, path: big.so }\n- { name: x, type: ebpf_object, path: %s }\n' \
		slow$n "$O/tick.bpf.o" >"$T/slow$n.yaml"
	check "load $n is caught under way" catch $n
	under_way+=("$load")
done
check "everything unloads, what is being loaded included" ctl unload --all
for p in "${under_way[@]}"; do wait "$p"; done
is "all loads are told" "$(cat "$T"/slow?.err | grep -c 'everything was told to be unloaded')" 3
is "nothing is left of them" "$(ctl list --json) $(pins) $(find "$T/x/lib/artifacts" -type f | wc -l)" "[] 0 0"

# A load that was killed with its loaderd, while it wrote.
half() { compgen -G "$T/x/lib/artifacts/*.slow1" >/dev/null; }
catch_half() {
	for ((i = 0; i < 20; i++)); do
		ctl load "$T/slow1.yaml" 2>/dev/null & slow1=$!
		until half || ! kill -0 $slow1 2>/dev/null; do :; done
		children
		[ ${#kids[@]} -gt 0 ] && kill -STOP "${kids[@]}" 2>/dev/null && half && return
		wait $slow1
		ctl unload slow1
	done
	return 1
}
catch_half; is "a load is caught while it fills the cache" $? 0
kill -9 "$(daemon_pid loaderd)"
wait $slow1
check "a new loaderd after that" wait_for 10 ctl list
is "leaves no half of a file" "$(find "$T/x/lib/artifacts" -name '*.*' | wc -l)" 0
check "a program for what follows" ctl load "$ROOT/programs/oom.yaml" "$T/values.yaml"
yaml hidden dwarf </dev/null
check "a struct that only DWARF knows" ctl load "$T/hidden.yaml"
is "is found there" "$(ctl show hidden --json | jq -r '.channels[0].layout | .name + " " + .source')" "event dwarf"

generation=$(ctl show values --json | jq '[.generation, .items[0].progs[0].link_id]' -c)
kill -9 "$(daemon_pid loaderd)"
check "a new loaderd" wait_for 10 ctl list
wait_for 5 ctl show values
is "takes over what the old one loaded, and loads nothing twice" "$(ctl show values --json | jq '[.generation, .items[0].progs[0].link_id]' -c)" "$generation"
is "all of it" "$(ctl list --json | jq -r '[.[].program] | join(" ")')" "hidden oom values"

# Who unloads is held up by his own stderr, until what is kept for his second look has gone.
check "one more program" ctl load "$T/tick.yaml"
mkfifo "$T/full"
exec 8<>"$T/full"
head -c 65536 /dev/zero >&8
ctl unload tick >"$T/out" 2>&8 & UNLOAD=$!
PIDS+=("$UNLOAD")
check "drained, it does not stay for ever" wait_for 15 eval "! ctl show tick"
head -c 65536 <&8 >/dev/null
wait "$UNLOAD"; is "and who unloads it is content" "$? $(cat "$T/out")" "0 unloaded tick"; forget "$UNLOAD"
exec 8>&-

check "everything unloads" ctl unload --all
is "and no pin is left, shared or not" "$(pins)" 0
stop
done_testing
