#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# System calls that a processor is refused are counted by name and said, whoever else's filter would refuse them in silence: as daemons of
# a private instance, and as units of systemd's. (What becomes of those who try: escape.t.)
. "$(dirname "$0")/lib.sh"

cat >"$T/tick.yaml" <<Y
programs:
  - { name: tick, type: ebpf_object, path: $BUILD/tests/bpf/tick_big.bpf.o, properties: $TICKS }
  - { name: tries, type: user_so, path: $BUILD/tests/so/attempts.so }
  - { name: honest, type: user_so, path: $BUILD/tests/so/escape.so }
  - { name: every, type: user_so, path: $BUILD/tests/so/every_call.so }
channels:
  ticks: { type: ring_buffer }
events:
  - { name: tries, hash: pid }
  - { name: honest, hash: pid, target_processor: honest }
  - { name: every, hash: pid }
Y
# A batch that is tried again makes its calls twice.
mkdir "$T/conf"
echo 'processor: { deadline: 20s }' >"$T/conf/channeld.yaml"
start x --config "$T/conf" "$T/tick.yaml" || { not_ok "an instance with a processor gets ready"; done_testing; }
ok "an instance with a processor gets ready"
of() { channeld_rows Processors | jq -r "select(.event == \"$1\") | .$2"; }
is_loaded() { of tries refused_calls | grep -q mmap; }
check "what it tries while it is loaded is known before the first event" wait_for 10 is_loaded
is "… and nothing of what loading needs is refused" "$(of tries refused_calls | grep -oE 'openat|newfstatat|readlink')" ""
ticker 10
check "the ledger balances" balanced 20
# By tests/so/attempts.c: once when it was loaded, and ten times.
for call in "bpf 11" "ptrace 22" "socket 22" "process_vm_readv 11" "perf_event_open 11" "kill 33" "tgkill 33" "pidfd_open 11" "clone 22" \
	"execve 11" "unshare 11" "mount 11" "keyctl 11" "io_uring_setup 11" "setresuid 11" "openat 40" "memfd_create 11" "mmap 33"; do
	like "said: $call" ", $(of tries refused_calls)," ", $call,"
done
is "all of them" "$(of tries refused)" "$(of tries refused_calls | grep -oE '[0-9]+(,|$)' | tr -d , | awk '{ n += $1 } END { print n }')"
like "ebpfctl says them" "$(ctl show tick)" 'was refused: .*bpf 11, '
said_once() { [ "$(grep -c 'processor tick/tries tried bpf, which no processor may, and was refused' "$T/x.err")" = 1 ]; }
check "each once in the journal" wait_for 5 said_once
is "the honest one was refused nothing" "$(of honest refused) $(of honest refused_calls)" "0 "
is "its results are there" "$(jq -r 'select(.event == "honest") | .data.n' "$T/x/log/tick.jsonl" | wc -l)" 10
# By tests/so/every_call.c: each system call there is.
every() { jq -s '[.[] | select(.event == "every") | .data.refused] | add' "$T/x/log/tick.jsonl"; }
check "no call is refused in silence" test "$(of every refused)" = "$(every)"
say "$(every) of all system calls are refused, $(of every refused) are said"
check "most are" test "$(every)" -gt 250
check "stops orderly" stop
done_testing
