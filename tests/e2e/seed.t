#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The five YAML files that the system comes from pass `check` as they stand, and load with only host and path replaced where what they name is
# built.
. "$(dirname "$0")/lib.sh"
SEED=$ROOT/tests/common/seed

for f in oom openfile tcp_tracer test_bpftrace xdp; do
	"$BIN/ebpfctl" check "$SEED/$f.yaml" >"$T/out" 2>"$T/err"
	is "check $f.yaml passes" $? 0
	like "… and warns of what it cannot know or do" "$(cat "$T/err")" 'warning'
done

# The first slide's and the oom example's shape, with a host and a path of ours; their kprobe becomes what ships here.
sed "s#file:///root/ebpf-agent/output/oom.bpf.o#file://$ROOT/programs/oom.bpf.o#; s#file:///root/ebpf-agent/output/oom.so#file://$BUILD/tests/so/plain.so#" "$SEED/oom.yaml" >"$T/oom.yaml"
sed "s#file:///xxx/tcp_tracer.bpf.o#file://$BUILD/tests/bpf/tcp_tracer.bpf.o#; s#http://xxxx//tcp_tracer.so#file://$BUILD/tests/so/plain.so#" "$SEED/tcp_tracer.yaml" >"$T/tcp_tracer.yaml"
is "only host and path were replaced" "$(diff "$SEED/tcp_tracer.yaml" "$T/tcp_tracer.yaml" | grep -c '^>')" 2
start x "$T/oom.yaml" "$T/tcp_tracer.yaml" || { not_ok "oom.yaml and tcp_tracer.yaml load"; done_testing; }
ok "oom.yaml and tcp_tracer.yaml load"
like "show says that hash: hash is the default key" "$(ctl show oom)" 'key process id'
"$BUILD/tests/tools/tcpclient" "$T/log" 1
no_broker() { ctl status --json | grep -q 'tcp_tracer: no broker is known'; }
check "its Kafka has no broker yet: status names what to say where" wait_for 20 no_broker
check "… and nothing else waits for that" wait_for 10 eval '[ "$(grep -c tcp_connlat_user "$T/x/log/tcp_tracer.jsonl")" -ge 6 ]'
check "unloaded by force, what Kafka did not get is discarded" ctl unload --force tcp_tracer
check "the ledger balances" balanced 5
check "stops orderly" stop
is "events went through the processor" "$(jq -r 'select(.program == "tcp_tracer") | .event' "$T/x.out" | sort -u)" tcp_connlat_user
check "there were some" test "$(grep -c '"program":"tcp_tracer"' "$T/x.out")" -ge 6

for f in openfile test_bpftrace; do
	start y "$SEED/$f.yaml" >/dev/null && { not_ok "$f.yaml needs bpftrace, which is not built"; stop; continue; }
	like "$f.yaml is refused: not built in this version" "$(cat "$T/y.err")" 'not built in this version'
done
done_testing
