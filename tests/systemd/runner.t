#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The runner itself, from outside: what it passes on, and that nothing of a machine stays, however it ends.
. "$(dirname "$0")/../e2e/lib.sh"
[ -z "${SAN:-}" ] || skip_all "a build with sanitizers is tried on the host only"
RUNNER=$ROOT/tests/vm/nspawn
why=$("$RUNNER" --check) || skip_all "no nspawn: $why"

"$RUNNER" sh -c 'echo out; echo err >&2; exit 7' >"$T/out" 2>"$T/err"
is "the exit status comes out" $? 7
is "what is written to stdout" "$(cat "$T/out")" out
is "and to stderr" "$(cat "$T/err")" err
"$RUNNER" -o -e WORD='a  b' sh -c 'echo "$WORD $(cat /etc/hostname) $$"' >"$T/out" 2>"$T/err" & runner=$!
wait $runner; is "a command with our process ids ends well" $? 0
like "it has the machine's files, and what it was told" "$(cat "$T/out")" '^a  b ebpf-test [0-9]+$'
"$RUNNER" -u "$T/upper" sh -c 'echo kept >/root/word'
is "what a machine wrote is there in the next, if asked for" "$("$RUNNER" -u "$T/upper" cat /root/word)" kept
timeout 60 "$RUNNER" -t 3 sleep 50 >"$T/out" 2>"$T/err"
is "one that takes too long is ended" $? 125
like "and said to be" "$(cat "$T/err")" 'no end after 3 s'
timeout 60 "$RUNNER" sh -c 'kill -9 $PPID; sleep 50' >"$T/out" 2>"$T/err"
is "one that ends without a word is noticed" $? 125

# Everything of it has its pid in its name, or hangs below it.
traces() {
	ls -d "/var/tmp/ebpf-agent-nspawn.$1".* 2>/dev/null
	find /sys/fs/cgroup -name "ebpf-agent-nspawn.$1" 2>/dev/null
	[ -z "$2" ] || ps -o pid=,args= -p "$2" | grep -v defunct
	grep -F "ebpf-agent-nspawn.$1" /proc/mounts
}
nothing_left() { [ -z "$(traces "$@")" ]; }
nap=50.$$	# nobody else's
for way in TERM INT KILL; do for mode in '' -o; do
	# A background command of a script ignores INT unless it is told otherwise.
	env --default-signal=INT "$RUNNER" $mode -e X=1 sh -c 'echo up; exec sleep '"$nap" >"$T/out" 2>"$T/err" & runner=$!
	PIDS+=($runner)
	check "a machine is up${mode:+ ($mode)}" wait_for 20 grep -q up "$T/out"
	below=$(pgrep -d, -f "sleep $nap")
	kill -$way $runner; wait $runner 2>/dev/null
	forget $runner
	# The next one sweeps up behind who could not.
	swept() { [ $way != KILL ] || "$RUNNER" true >/dev/null 2>&1; nothing_left $runner "$below"; }
	wait_for 10 swept
	is "nothing of it is left after SIG$way" "$(traces $runner "$below")" ""
done; done

pids=()
for i in 1 2 3; do "$RUNNER" sh -c "touch /root/$i; sleep 0.5; ls /root" >"$T/out.$i" 2>"$T/err.$i" & pids+=($!); done
for p in "${pids[@]}"; do wait "$p"; done
is "three at once see nothing of each other" "$(cat "$T"/out.? | xargs)" "1 2 3"
done_testing
