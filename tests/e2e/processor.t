#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A processor that returns an error, too long a result, invalid UTF-8 or nothing, or dies: the event is counted under its reason, the next
# one goes through.
. "$(dirname "$0")/lib.sh"

cat >"$T/tick.yaml" <<Y
programs:
  - { name: tick, type: ebpf_object, path: $BUILD/tests/bpf/tick_big.bpf.o, properties: $TICKS }
  - { name: moody, type: user_so, path: $BUILD/tests/so/moody.so }
channels:
  ticks: { type: ring_buffer }
events:
  - { name: moody, hash: pid }
Y
start x "$T/tick.yaml" || { not_ok "an instance with a processor gets ready"; done_testing; }
ok "an instance with a processor gets ready"
ticker 1000
check "the ledger balances" balanced 20
ctl ledger tick --json >"$T/ledger.json"
row() { jq "[.events[].$1] | add" "$T/ledger.json"; }
# tests/so/moody.c: n % 100 picks what it does.
is "so_error: an error code, invalid UTF-8, invalid JSON" "$(row so_error)" 30
is "oversize: too long a result" "$(row oversize)" 10
is "filtered: nothing to say" "$(row filtered)" 10
is "so_crash: died of it" "$(row so_crash)" 1
is "ok: all others" "$(row ok)" 949
is "drained" "$(row drained)" 1000
check "stops orderly" stop
check "every line is JSON" all_json "$T/x.out"
compare "all others went through, in order" <(jq -r .data.n "$T/x.out") <(seq 0 999 | awk '{ m = $1 % 100; if (m != 10 && m != 20 && m != 30 && m != 40 && m != 50 && $1 != 777) print }')
is "the processor's name is the event's" "$(jq -r .event "$T/x.out" | sort -u)" moody
done_testing
