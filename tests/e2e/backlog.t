#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# channeld stopped, then dead and not started again, for 10 s each while 20,000 events a second come: with a ring sized for it none is lost, and
# each is in the file once, in order. How long it took to catch up is printed here, and held against its goal by make bench.
. "$(dirname "$0")/lib.sh"
. "$ROOT/tests/e2e/lib_backlog.sh"
[ -z "${EBPF_AGENT_UNITS:-}" ] || skip_all "a unit that is stopped so long is started again by its watchdog"

backlog_start || { not_ok "an instance gets ready"; done_testing; }
ok "an instance gets ready"
each=$((AWAY * RATE))
for how in stop kill; do
	[ $how = stop ] && first=0 || first=$each
	check "$how: all of it is drained once it is back" away $how $first
	say "$how: $each events, drained ${ms:-?} ms after it was back"
	check "$how: the ledger balances" balanced 60
	is "$how: the ring lost nothing" "$(ctl ledger tick --json | jq '.channels[0] | .ring_full + .nmi + .lost')" 0
done
check "stops orderly" stop
compare "every event is in the file, once and in order" <(grep -oE '"n":[0-9]+' "$T/x/log/tick.jsonl" | cut -d: -f2) <(seq 0 $((2 * each - 1)))
done_testing
