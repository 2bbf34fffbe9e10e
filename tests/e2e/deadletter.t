#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Events that their processor dies of, hangs on or refuses: each is in the dead-letter file once, with its bytes, also if the worker is
# killed around it; the ledger says the same; all others go through.
. "$(dirname "$0")/lib.sh"

mkdir -p "$T/conf/channeld.d"
echo 'processor: { deadline: 4s, dead-letter-for: [so_crash, so_timeout, so_error], dead-letter-size: 4M }' >"$T/conf/channeld.d/50-test.yaml"
cat >"$T/tick.yaml" <<Y
programs:
  - { name: tick, type: ebpf_object, path: $BUILD/tests/bpf/tick_big.bpf.o, properties: $TICKS }
  - { name: mortal, type: user_so, path: $BUILD/tests/so/mortal.so }
channels:
  ticks: { type: ring_buffer }
events:
  - { name: mortal, hash: pid }
Y
[ -z "${EBPF_AGENT_UNITS:-}" ] || skip_all "it brings a configuration of its own"
start x --config "$T/conf" "$T/tick.yaml" || { not_ok "an instance gets ready"; done_testing; }
ok "an instance gets ready"
LETTERS=$T/x/lib/dead-letter/tick.jsonl
wait_for 10 all_alive tick	# channeld has looked
is "no letter yet" "$(channeld_rows Processors | jq -r '"\(.letters) \(.letters_path)"')" "0 "

N_EVENTS=2000
ticker $N_EVENTS 0 1000 & TICKER=$!
PIDS+=("$TICKER")
kills=0
for _ in {1..15}; do sleep "0.$((RANDOM % 3 + 1))"; wait_for 20 all_alive tick; kill_one tick && kills=$((kills + 1)); done
is "fifteen kills" $kills 15
wait "$TICKER"; forget "$TICKER"
check "the ledger balances" balanced 60
ctl ledger tick --json >"$T/ledger.json"
row() { jq "[.events[].$1] | add" "$T/ledger.json"; }
is "so_crash: every fiftieth" "$(row so_crash)" 40
is "so_timeout: one" "$(row so_timeout)" 1
is "so_error" "$(row so_error)" 40
is "ok: all others" "$(row ok)" $((N_EVENTS - 81))
check "every letter is JSON" all_json "$LETTERS"
is "no letter twice" "$(jq -r .id "$LETTERS" | sort | uniq -d | wc -l)" 0
# A tick: u64 ts_ns, u64 n, little-endian.
number() { jq -r '.bytes[16:24] | [range(0; 8; 2) as $i | .[$i:$i+2]] | reverse | join("")' | while read -r h; do echo $((16#$h)); done; }
of() { jq -c "select(.reason == \"$1\")" "$LETTERS"; }
compare "so_crash: the letters' bytes are those of the events" <(of so_crash | number) <(seq 7 50 $((N_EVENTS - 1)))
compare "so_error" <(of so_error | number) <(seq 8 50 $((N_EVENTS - 1)))
is "so_timeout" "$(of so_timeout | number)" 123
is "how they died" "$(of so_crash | jq -r .how | sort -u)" "killed by signal 6 (SIGABRT)"
is "how it hung" "$(of so_timeout | jq -r .how)" "no answer within 4000 ms"
is "what else is said" "$(of so_error | jq -r '"\(.program) \(.channel) \(.event) \(.processor) \(.length)"' | sort -u | head -1 | sed 's/ [0-9]*$//')" "tick ticks mortal mortal"
like "where they are is said on the bus" "$(channeld_rows Processors | jq -r .letters_path)" '/dead-letter/tick.jsonl$'
is "the processor is well" "$(channeld_rows Processors | jq -r '"\(.state) \(.program) \(.event) \(.function)"')" "running tick mortal process"
show=$(ctl show tick)
like "ebpfctl show says how it is" "$show" '^  running +mortal on ticks by mortal:process\(\)  process [0-9]+  restarts [0-9]+  deaths [0-9]+  letters [0-9]+  – killed by signal 6 \(SIGABRT\)$'
like "… and where the letters are, as seen from here" "$show" "^  letters +$LETTERS\$"
ids=$(jq -r .id "$LETTERS" | sort)
check "unloads" ctl unload tick
check "letters outlive their program" test "$(jq -r .id "$LETTERS" | sort)" = "$ids"

# ---- more letters than the file may hold
sed -e 's/name: mortal, hash: pid/name: mortal, hash: pid, target_processor: refuse/' "$T/tick.yaml" >"$T/more.yaml"
check "loads one that refuses everything" ctl load "$T/more.yaml"
lines() { cat "$T/x/lib/dead-letter/more.jsonl" "$T/x/lib/dead-letter/more.jsonl.1" 2>/dev/null; }
count() { channeld_rows Processors | jq "select(.program == \"more\") | .$1"; }
ticker 40000 0 8000
check "the ledger balances" balanced 60
is "so_error: all" "$(ctl ledger more --json | jq '[.events[].so_error] | add')" 40000
is "each was a letter, or is said to be lost" "$(($(count letters) + $(count letters_lost)))" 40000
exchanged() { [ "$(count letters_gone)" -gt 0 ]; }
check "the older file goes when there is a newer one" wait_for 5 exchanged
is "what is there and what went are all" "$(($(lines | wc -l) + $(count letters_gone)))" "$(count letters)"
is "none twice" "$(lines | jq -r .id | sort | uniq -d | wc -l)" 0
check "within the bounds" test "$(stat -c %s "$T/x/lib/dead-letter/more.jsonl.1")" -le $((8 << 20))
check "all JSON" all_json "$T/x/lib/dead-letter/more.jsonl.1"
check "stops orderly" stop
compare "all other events went through, in order" <(jq -r 'select(.program == "tick") | .data.n' "$T/x.out") <(seq 0 $((N_EVENTS - 1)) | awk '$1 % 50 != 7 && $1 % 50 != 8 && $1 != 123')
is "and no id twice" "$(jq -r .id "$T/x.out" | sort | uniq -d | wc -l)" 0
done_testing
