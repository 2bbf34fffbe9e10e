#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# ring → JSON → spool, whole envelope, 64-byte events of eight fields out of a ring filled beforehand, by the worker that
# ships; the same through a C processor in its sandbox; beside them the bare limit, and bpftrace printing the same fields.
# Lines: "name value unit". Medians of $ROUNDS rounds. A busy machine shows in the difference between wall and CPU time.
set -euo pipefail
if [ -z "${IN_NAMESPACE:-}" ]; then
	[ "$(id -u)" = 0 ] || { echo "# bench_ring: needs root"; exit 0; }
	IN_NAMESPACE=1 exec unshare --mount --propagation private "$0" "$@"
fi
cd "$(dirname "$0")/../.."
export LC_ALL=C
BUILD=${BUILD:-$PWD/build} ROUNDS=${ROUNDS:-5}
RING=$((64 << 20)) SPOOL=$((512 << 20))
T=$(mktemp -d /tmp/ebpf-agent-bench.XXXXXX)
chmod 755 "$T"
trap 'umount -q "$T/run/bpf" "$T/run" || true; rm -rf "$T"' EXIT
export EBPF_AGENT_RUNTIME_DIR=$T/run
mkdir "$T/run"
mount -t tmpfs -o size=800m none "$T/run"
mkdir -p "$T/run"/{bpf,manifest,spool,hint,lock}
mount -t bpf none "$T/run/bpf"

median() { sort -n | awk '{ v[NR] = $1 } END { printf "%.0f\n", v[int((NR + 1) / 2)] }'; }
fill() { "$BUILD/tests/tools/ringfill" "$BUILD/tests/bpf/ringfill.bpf.o" "$1" $RING 0 $SPOOL "${@:2}" >/dev/null; }
# rounds NAME PROGRAM MODE-AND-ARGUMENTS… : NAME and NAME_cpu; $wall is the median
rounds() {
	local name=$1 program=$2 i
	: >"$T/$name"
	for i in $(seq "$ROUNDS"); do
		fill "$program" "${processor[@]}"
		"$BUILD/tests/tools/ringbench" "${@:3}" >>"$T/$name"
	done
	wall=$(cut -d' ' -f1 "$T/$name" | median)
	echo "$name $wall events/s"
	echo "${name}_cpu $(cut -d' ' -f2 "$T/$name" | median) events/s-of-one-core"
}
ratio() { echo "$1 $(awk -v a="$2" -v b="$3" 'BEGIN { printf "%.2f", b ? a / b : 0 }') times"; }

processor=()
rounds ring_bare_limit bare bare bare
limit=$wall
rounds ring_json_spool decode worker "$BUILD/bin/ebpf-channeld" decode
json=$wall
ratio ring_bare_limit_per_json_spool "$limit" "$json"
rm -f "$T/run/spool/"*
processor=("$BUILD/tests/so/ringfill.so" process)
rounds ring_processor_spool processed worker "$BUILD/bin/ebpf-channeld" processed "$BUILD/bin/ebpf-launcher"
rm -f "$T/run/spool/"*

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
		echo "# bpftrace: raw_syscalls:sys_enter gives nothing here"
	else
		echo "bpftrace_json_print $speed events/s"
		ratio ring_json_spool_per_bpftrace "$json" "$speed"
	fi
fi
