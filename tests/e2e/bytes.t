#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What processors get of polled maps (an entry's key and value) and of pipes (a line), with keys by a function; and what
# `ebpfctl show` says of such channels.
. "$(dirname "$0")/lib.sh"

cat >"$T/bytes.yaml" <<Y
programs:
  - name: polled
    type: ebpf_object
    path: $BUILD/tests/bpf/polled.bpf.o
    properties: { variables: { tick_magic: $MAGIC, entries: 8 } }
  - name: bytes
    type: user_so
    path: $BUILD/tests/so/bytes.so
    properties:
      functions:
        - { name: index_entry, type: default }
        - { name: hash_entry, type: default }
        - { name: length, type: default }
        - { name: first_word, type: hash }
        - { name: first_byte, type: hash }
channels:
  by_index: { type: map, interval: 100ms, reset: true }
  by_hash: { type: map, interval: 250ms, labels: [n], values: [calls, sum] }
  sizes: { type: map, buckets: { scale: linear, step: 10, first: 5, unit: bytes } }
  cpu_lru: { type: map, per_cpu: true, kind: gauge }
  total: { type: map }
  stacks: { type: map, interval: 1s }
  lines: { type: pipe }
  more: { type: pipe, pinpath: $T/fifos/more, writers: all }
  older: { type: pipe, pinpath: $T/fifos/older }
events:
  - { name: bytes, channels: [by_index], target_processor: index_entry, hash: first_word }
  - { name: bytes, channels: [by_hash], target_processor: hash_entry, hash: first_word }
  - { name: bytes, channels: [lines], target_processor: length, hash: first_byte }
  - { name: plain, channels: [by_index] }
  - { name: plain, channels: [lines], hash: first_byte }
Y
mkdir -m 777 "$T/fifos"; mkfifo -m 666 "$T/fifos/older"	# loaderd is not root
start x "$T/bytes.yaml" || { not_ok "an instance gets ready"; done_testing; }
ok "an instance gets ready"

ctl show bytes >"$T/show"
section() { awk -v RS= -v head="channel $1 " 'index($0, head) == 1' "$T/show"; }
like "show: a map's kind and size" "$(section by_index)" '^  map +polled\.by_index  id [0-9]+  array of 64 entries$'
like "show: its entries' bytes" "$(section by_hash)" '^  entry +20 bytes of key, 24 of value, by btf$'
like "show: interval, and reset" "$(section by_index)" '^  read +every 100ms; what was added'
like "show: no reset" "$(section by_hash)" '^  read +every 250ms; what it says then$'
like "show: metrics of its values" "$(section by_hash)" '^  metric +by_hash_sum  counter$'
like "show: labels" "$(section by_hash)" '^  labels +n$'
like "show: a sample per CPU" "$(section cpu_lru)" '^  labels +key, cpu$'
like "show: a gauge" "$(section cpu_lru)" '^  metric +cpu_lru  gauge$'
like "show: no labels" "$(section total)" '^  labels +none$'
like "show: a histogram" "$(section sizes)" '^  metric +sizes  histogram, 16 slots, linear by 10 from 5, in bytes$'
like "show: stacks" "$(section stacks)" 'each stack is given once$'
is "show: nothing of bytes or counts, which a map has none of" "$(section by_index | grep -cE 'counts|by_index  id .* bytes')" 0
like "show: where a FIFO is" "$(section lines)" "^  fifo +$T/x/lib/pipe/bytes.lines\$"
like "show: that its group may write" "$(section lines)" '^  writers .*group'
like "show: that anybody may" "$(section more)" '^  writers +anybody$'
like "show: that it was there before" "$(section older)" '^  writers .*it was there before'
like "show: whose function gives a key" "$(cat "$T/show")" '^  lines → plain, key what first_byte\(\) of bytes returns'
like "show: what belongs to no process has no key" "$(cat "$T/show")" '^  by_index → plain, key none'
is "show --json has the same" "$(ctl show bytes --json | jq -c '.. | objects | select(.name? == "more" or .name? == "by_hash") | select(.type? == "pipe" or .poll?) | [.name, .path, .made, .writers, .poll.interval_ns, .poll.reset, [.poll.values[]?.metric], [.poll.labels.root.fields[]?.name]]')" \
	"$(printf '%s\n' '["by_hash",null,null,null,250000000,false,["by_hash_calls","by_hash_sum"],["n"]]' "[\"more\",\"$T/fifos/more\",true,true,null,null,[],[]]")"

ticker 800 0 2000
printf 'first\nsecond "quoted"\n\n{"third":3}\nnul\0l\n' >"$T/x/lib/pipe/bytes.lines"
# Unloading reads them once more; what the spool has must be looked at before.
sum() { awk '{ n += $1 } END { print n + 0 }'; }
index_sum() { [ "$(jq 'select(.channel == "by_index" and .event == "bytes") | .data.value' "$T/x.out" | sum)" = 800 ]; }
check "entries arrive" wait_for 10 index_sum
check "and the last reading of another map" wait_for 10 eval "json_is 'select(.event == \"bytes\" and .data.n == 7 and .data.calls == 100)' $T/x.out"
check "and lines" wait_for 10 eval "[ \$(jq -c 'select(.channel == \"lines\")' $T/x.out | wc -l) = 8 ]"
inside channeld "$BUILD/tests/tools/spoolcat" --keys --from 0 "$RUN/spool/bytes.spool" >"$T/spool" 2>/dev/null
keyed() { sed -E 's/^([0-9]+) \{/{"hash":\1,/' "$T/spool" | jq -r "select(.channel == \"$1\" and .event == \"$2\") | $3"; }
is "the key is what the function says of an entry" "$(keyed by_index bytes 'select(.hash != .data.key) | .id' | wc -l)" 0
is "of an entry of a hash, too" "$(keyed by_hash bytes 'select(.hash != .data.n) | .id' | wc -l)" 0
is "there are several" "$(keyed by_index bytes '.hash' | sort -u | wc -l)" 64
is "of a line, it is the function's as well" "$(keyed lines bytes '.hash' | tr '\n' ' ')" "102 115 123 110 "
is "also where no processor takes it" "$(keyed lines plain '.hash' | tr '\n' ' ')" "102 115 123 110 "
ticker 8 800
check "unloads" ctl unload bytes
check "a FIFO that was there before stays" test -p "$T/fifos/older"
check "one that was made goes" test ! -e "$T/fifos/more"
check "stops orderly" stop

of() { jq -c "select(.channel == \"$1\" and .event == \"$2\") | $3" "$T/x.out"; }
compare "an array's entries: key and what was added, as the samples say" \
	<(of by_index bytes '[.data.key, .data.value] | @tsv' | tr -d '"' | sort) \
	<(of by_index plain '[.data.labels.key, .data.value] | @tsv' | tr -d '"' | sort)
is "which add up" "$(of by_index bytes .data.value | sum)" 808
compare "a hash's entries: key and value" <(of by_hash bytes '.data | "\(.n) \(.calls) \(.sum) \(.comm)"' | tr -d '"' | awk '{ last[$1] = $0 } END { for (k in last) print last[k] }' | sort) \
	<(for n in 0 1 2 3 4 5 6 7; do echo "$n 101 $(seq $n 8 807 | sum) ticker"; done)
compare "lines, without their feed" <(of lines bytes .data) <(printf '%s\n' '{"len":5,"line":"first"}' \
	'{"len":15,"line":"second \"quoted\""}' '{"len":11,"line":"{\"third\":3}"}' '{"len":4,"line":"null"}')
done_testing
