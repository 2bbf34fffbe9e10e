# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# channeld and its worker away while events come, into a ring that is sized for it: for tests/e2e/backlog.t and tests/bench/bench_backlog.sh.

AWAY=${AWAY:-10}	# seconds
RATE=20000
backlog_start() {
	cat >"$T/tick.yaml" <<Y
programs:
  - name: tick
    type: ebpf_object
    path: $BUILD/tests/bpf/tick_big.bpf.o
    properties: { variables: { tick_magic: $MAGIC }, maps: { ticks: { max_entries: 33554432 } } }
channels:
  ticks: { type: ring_buffer }
storage:
  file: { rotate-size: 1G }
Y
	start x "$T/tick.yaml"
}
# drained N: the worker has published that many
drained() { [ "$(spool_says tick source drained)" = "$1" ]; }
# away stop|kill FIRST: leaves in $ms how long it took, once it was back, to drain what had come meanwhile
away() {
	local n=$((AWAY * RATE)) who begin
	who="$(daemon_pid channeld) $(worker_pid tick)"
	# shellcheck disable=SC2086
	if [ "$1" = stop ]; then kill -STOP $who; else down channeld; fi
	ticker "$n" "$2" "$RATE"
	! drained $(($2 + n)) || say "it was never away"
	begin=$(date +%s%N)
	# shellcheck disable=SC2086
	if [ "$1" = stop ]; then kill -CONT $who; else up; fi
	wait_for 60 drained $(($2 + n)) || return 1
	ms=$((($(date +%s%N) - begin) / 1000000))
}
