#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# How long the units take, on a systemd of their own: the median of eleven starts and stops.
set -euo pipefail
cd "$(dirname "$0")/../.."
if [ -z "${EBPF_AGENT_INSIDE:-}" ]; then
	why=$(tests/vm/nspawn --check) || { echo "bench_units: no nspawn: $why" >&2; exit 0; }
	exec tests/vm/nspawn "tests/bench/$(basename "$0")"
fi
systemctl is-system-running --wait >/dev/null || :
ms() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.0f\n", (b - a) * 1000 }'; }
median() { sort -n "$1" | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }
T=$(mktemp -d)
for _ in {1..11}; do
	a=$EPOCHREALTIME
	systemctl start ebpf-agent.target
	b=$EPOCHREALTIME
	[ "$(systemctl is-active ebpf-{loaderd,tagd,channeld,sinkd,xdpd} | grep -c '^active$')" = 5 ]
	ms "$a" "$b" >>"$T/start"
	ebpfctl load "$PWD/programs/exec.yaml" >/dev/null
	a=$EPOCHREALTIME
	systemctl stop ebpf-agent.target
	ms "$a" "$EPOCHREALTIME" >>"$T/stop"
	until [ "$(systemctl is-active ebpf-{loaderd,tagd,channeld,sinkd,xdpd} 'run-ebpf\x2dagent-bpf.mount' | grep -c inactive)" = 6 ]; do sleep 0.02; done
done
printf 'systemctl start ebpf-agent.target: all five ready\t%s\tms\t<= 500\n' "$(median "$T/start")"
printf 'systemctl stop ebpf-agent.target: unloaded, delivered\t%s\tms\t\n' "$(median "$T/stop")"
