#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Objects that nobody here wrote, of tools that watch the scheduler: cut out of Debian's libbpf-tools, they run from YAML alone, and agree with what the kernel itself
# counted of a process in /proc, and with what that process and its waker measured.
# On some virtual machines the tracepoint sched_switch stays silent about some switches, most of them away from a processor's idle task; ftrace sees them as little. So
# a witness (tests/bpf/switches.bpf.c) hangs at the tools' tracepoints: none may have seen more or less than that, nor it more than /proc has.
. "$(dirname "$0")/lib.sh"
. "$ROOT/tests/e2e/lib_tools.sh"
TOOLS="runqlat runqslower cpudist wakeuptime offcputime"

mkfifo "$T/go"
"$PYTHON" "$ROOT/tests/e2e/helpers/sleeper.py" "$T/ready" "$T/go" "$T/sleeper" & SLEEPER=$!
PIDS+=("$SLEEPER")
check "a process sleeps" wait_for 10 test -e "$T/ready"
pid=$(cat "$T/ready")
for t in $TOOLS; do tool "$t" PID="$pid"; done
cat >"$T/witness.yaml" <<Y
programs:
  - { name: witness, type: ebpf_object, path: $BUILD/tests/bpf/switches.bpf.o, properties: { variables: { watched: $pid } } }
channels:
  switches: { type: map, interval: 200ms }
Y
# The witness comes last: from then on a tracepoint calls all or none of them.
# shellcheck disable=SC2086
start x $(printf "$T/%s.yaml " $TOOLS witness) || { not_ok "all of them load from YAML alone"; done_testing; }
ok "all of them load from YAML alone"
timeout 10 sh -c ': >"$1"' - "$T/go"
check "it is woken many times, and ends" wait "$SLEEPER"
forget "$SLEEPER"
read_again runqlat cpudist wakeuptime offcputime witness
check "the ledger balances at rest" balanced 5
nothing_lost runqslower
check "stops orderly" stop
read -r least most times voluntary involuntary <"$T/sleeper"
say "asleep for $least to $most us; $times times on a processor, left it $voluntary times by itself and $involuntary times not"

told() { last_samples witness "switches_$1" | jq .value; }
on=$(told on) again=$(told again) off=$(told off) woken=$(told woken)
check "a witness is told of no more: $on times on, $off times off, $woken times woken" \
	test $((0 < on && on <= times && 0 < off && off <= voluntary + involuntary && 0 < woken)) = 1
unwoken=$((woken < voluntary ? voluntary - woken : 0))
silent=$((times - on + voluntary + involuntary - off + unwoken))
# The waker leaves it asleep for 2 ms each time; a switch that nobody is told of costs at most one of them.
[ $silent = 0 ] || { say "the tracepoints were silent $silent times"; least=$((2000 * (voluntary - 1 - silent))); }

# Who is preempted on its way into sleep is not seen as waiting by runqlat.
got=$(last_samples runqlat | jq -s --arg pid "$pid" '[.[] | select(.labels == {pid: $pid, comm: "sleeper"}) | .count] | add')
check "runqlat: as often as it came onto a processor ($got)" test $((got <= on && got >= on - involuntary - unwoken)) = 1
got=$(events runqslower | jq -r 'select(.comm == "sleeper") | .pid' | grep -cx "$pid")
check "runqslower: each time is an event ($got)" test $((got <= on && got >= on - involuntary - unwoken)) = 1
is "cpudist: off it once less, since it was so to begin with" "$(last_samples cpudist | jq -c '[.labels, .count]')" "[{\"pid\":\"$pid\",\"comm\":\"sleeper\"},$again]"
last_samples wakeuptime blocked_ns | jq -c 'select(.labels.target == "sleeper")' >"$T/blocked"
got=$(jq -s '[.[].value] | add / 1000 | floor' "$T/blocked")
check "wakeuptime: blocked until it was woken, for $got us" test $((got >= least && got <= most)) = 1
# An interrupt now and then finishes what the waker began, under the name of whoever it interrupts.
check "wakeuptime: mostly by the waker" jq -es '([.[] | select(.labels.waker == "waker") | .value] | add) > ([.[].value] | add) / 2' "$T/blocked"
got=$(last_samples offcputime off_cpu_us | jq -s --arg pid "$pid" '[.[] | select(.labels.pid == $pid and .labels.comm == "sleeper") | .value] | add')
check "offcputime: off its processor for $got us" test $((got >= least && got <= most)) = 1
for t in wakeuptime offcputime; do
	is "$t: each stack that a sample names is there, in kernel addresses" "$(jq -cn --slurpfile data <(events "$t") '
		[$data[] | select(.addresses?) | {key: (.stack_id | tostring), value: .addresses}] | from_entries as $stacks
		| [$data[] | .labels? // empty | (.w_k_stack_id // .stack) as $id | select($stacks[$id] | length > 2 and all(.[]; startswith("0xffff")) | not)]')" '[]'
done
done_testing
