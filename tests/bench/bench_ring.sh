#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# ring → JSON → spool, whole envelope, 64-byte events of eight fields out of a ring filled beforehand, by the worker that
# ships; the same as raw bytes, and through a C and a Go processor in its sandbox; beside them the bare limit, and bpftrace printing the same fields.
# Rows for scripts/bench: medians of $ROUNDS rounds, all processes of a round on one CPU. A busy machine shows in the
# difference between wall and CPU time. After each round a reader checks every CRC, id and count.
set -euo pipefail
if [ -z "${IN_NAMESPACE:-}" ]; then
	[ "$(id -u)" = 0 ] || { echo "bench_ring: needs root" >&2; exit 1; }
	IN_NAMESPACE=1 exec unshare --mount --propagation private "$0" "$@"
fi
cd "$(dirname "$0")/../.."
export LC_ALL=C
BUILD=${BUILD:-$PWD/build} ROUNDS=${ROUNDS:-5}
RING=$((64 << 20)) SPOOL=$((512 << 20))
T=$(mktemp -d /tmp/ebpf-agent-bench.XXXXXX)
chmod 755 "$T"
trap 'umount -q "$T/run/bpf" "$T/run" || true; rm -rf "$T"' EXIT
export EBPF_AGENT_RUNTIME_DIR=$T/run EBPF_AGENT_STATE_DIR=$T/state
mkdir -p "$T/run" "$T/state/dead-letter"
mount -t tmpfs -o size=800m none "$T/run"
mkdir -p "$T/run"/{bpf,manifest,spool,hint,lock}
mount -t bpf none "$T/run/bpf"

median() { sort -n | awk '{ v[NR] = $1 } END { printf "%.0f\n", v[int((NR + 1) / 2)] }'; }
fill() { "$BUILD/tests/tools/ringfill" "$BUILD/tests/bpf/ringfill.bpf.o" "$1" $RING 0 $SPOOL "${@:2}" >/dev/null; }
row() { printf '%s\t%s\t%s\t%s\n' "$@"; }
millions() { awk -v n="$1" 'BEGIN { printf "%.2f", n / 1e6 }'; }
ratio() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.3g", b ? a / b : 0 }'; }
# rounds NAME GOAL PROGRAM MODE-AND-ARGUMENTS…: $wall is the median
rounds() {
	local name=$1 goal=$2 program=$3 i
	: >"$T/times"
	for i in $(seq "$ROUNDS"); do
		fill "$program" "${processor[@]}"
		taskset -c 1 "$BUILD/tests/tools/ringbench" "${@:4}" >>"$T/times"
	done
	wall=$(cut -d' ' -f1 "$T/times" | median)
	row "$name" "$(millions "$wall")" "M events/s" "$goal"
	row "  the same, per second of the worker's CPU time" "$(millions "$(cut -d' ' -f2 "$T/times" | median)")" "M events/s"
}

processor=()
rounds "the limit: consume and memcpy of the ring, nothing decoded" "" bare bare bare
limit=$wall
rounds "ring -> raw -> spool: header, CRC and commit alone" "" raw raw raw
row "ring -> raw -> spool, of the limit" "$(ratio "$wall" "$limit")" "x" ">= 0.2"
rm -f "$T/run/spool/"*
rounds "ring -> JSON -> spool, whole envelope, one core" ">= 5" decode worker "$BUILD/bin/ebpf-channeld" decode
json=$wall
row "ring -> JSON -> spool, of the limit" "$(ratio "$json" "$limit")" "x"
rm -f "$T/run/spool/"*
processor=("$BUILD/tests/so/ringfill.so" process)
rounds "ring -> C processor in its sandbox -> spool, one core" ">= 2" processed worker "$BUILD/bin/ebpf-channeld" processed "$BUILD/bin/ebpf-launcher"
rm -f "$T/run/spool/"*
if [ -e "$BUILD/tests/go/ringfill.so" ]; then
	processor=("$BUILD/tests/go/ringfill.so" process)
	rounds "ring -> Go processor in its sandbox -> spool, one core" "" in_go worker "$BUILD/bin/ebpf-channeld" in_go "$BUILD/bin/ebpf-launcher"
	rm -f "$T/run/spool/"*
fi

# bpftrace, which has no ring to fill beforehand, prints as fast as it can while one process makes system calls.
if command -v bpftrace >/dev/null; then
	mountpoint -q /sys/kernel/tracing || mount -t tracefs none /sys/kernel/tracing
	mountpoint -q /sys/kernel/debug || mount -t debugfs none /sys/kernel/debug
	dd if=/dev/zero of=/dev/null bs=1 2>/dev/null & dd=$!
	timeout -s INT 4 bpftrace -f json -e 'tracepoint:raw_syscalls:sys_enter /pid == '$dd'/ {
		printf("%lu %lu %lu %lu %lu %d %s %s\n", nsecs, args->id, cgroup, args->args[0], args->args[2], pid,
			args->id == 0 ? "READ" : "WRITE", comm); }' >"$T/bpftrace" 2>/dev/null || true
	kill $dd
	wait $dd 2>/dev/null || true
	speed=$(grep -a '"printf"' "$T/bpftrace" | sed -nE 's/.*"data": "([0-9]+) .*/\1/p' |
		awk 'NR == 1 { first = $1 } { last = $1 } END { printf "%.0f", (last > first ? NR * 1e9 / (last - first) : 0) }')
	if [ "$speed" = 0 ]; then
		echo "bench_ring: bpftrace gives nothing here" >&2
	else
		row "bpftrace -f json, printing the same fields" "$(millions "$speed")" "M events/s"
		row "ring -> JSON -> spool, of bpftrace" "$(ratio "$json" "$speed")" "x" ">= 40"
	fi
fi
