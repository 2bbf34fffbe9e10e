#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Rights, process by process: identity, capabilities and filter as /proc says them, and what each is refused when it tries, from
# within (tests/tools/probe.c).
. "$(dirname "$0")/lib.sh"
case $(uname -m) in x86_64 | aarch64) ;; *) skip_all "the probe knows x86-64 and arm64 only" ;; esac

cat >"$T/tick.yaml" <<Y
programs:
  - { name: tick, type: ebpf_object, path: $BUILD/tests/bpf/tick.bpf.o, properties: $TICKS }
  - { name: user, type: user_so, path: $BUILD/tests/so/plain.so }
channels:
  ticks: { type: ring_buffer }
events:
  - { name: user }
Y
start x "$T/tick.yaml" || { not_ok "an instance with a processor gets ready"; done_testing; }
ok "an instance with a processor gets ready"
ticker 3
check "events pass" balanced 5
pin=$RUN/bpf/v1/program/tick/tick/map/ticks

cap() { local c mask=0; for c; do mask=$((mask | 1 << c)); done; printf '%016x' $mask; }
NONE=0000000000000000 BPF=39 PERFMON=38 NET_ADMIN=12 DAC_READ_SEARCH=2 SYS_ADMIN=21 SETUID=7 SETGID=6 KILL=5
child_of() { pgrep -P "$1" -f "$2" | head -1; }
loaderd=$(daemon_pid loaderd) channeld=$(daemon_pid channeld)
launcher=$(child_of "$channeld" ebpf-launcher)
declare -A pid=([loaderd]=$loaderd [tagd]=$(daemon_pid tagd) [channeld]=$channeld [sinkd]=$(daemon_pid sinkd) [xdpd]=$(daemon_pid xdpd)
	[broker]=$(child_of "$loaderd" ebpf-broker) [launcher]=$launcher [worker]=$(worker_pid tick) [sandbox]=$(child_of "$launcher" ebpf-sandbox)
	[bus]=$([ -n "${EBPF_AGENT_UNITS:-}" ] || child_of "$PID" dbus-daemon))
declare -A caps=([loaderd]=$(cap $BPF $PERFMON $NET_ADMIN) [load]=$(cap $BPF $PERFMON $NET_ADMIN) [tagd]=$NONE [channeld]=$NONE [sinkd]=$NONE [xdpd]=$(cap $BPF $NET_ADMIN)
	[broker]=$(cap $DAC_READ_SEARCH $SYS_ADMIN) [launcher]=$(cap $SETUID $SETGID $KILL) [worker]=$NONE [sandbox]=$NONE [bus]=$NONE)
field() { awk -v f="$2:" '$1 == f { print $2; exit }' "/proc/$1/status"; }

identity() {
	local p=$1 i=${pid[$1]:-}
	[ -n "$i" ] || { not_ok "$p runs"; return; }
	check "$p: its uid is not root's" test "$(field "$i" Uid)" != 0
	is "$p: capabilities" "$(field "$i" CapEff)" "${caps[$p]}"
	[ "$p" != bus ] || return
	is "$p: system calls are filtered" "$(field "$i" Seccomp)" 2
	is "$p: no new privileges" "$(field "$i" NoNewPrivs)" 1
}
OWN_BUS=bus
[ -z "${EBPF_AGENT_UNITS:-}" ] || OWN_BUS=	# the system's is none of ours
for p in loaderd broker tagd channeld launcher worker sandbox sinkd xdpd $OWN_BUS; do identity $p; done
is "sandbox: the first to go when memory runs out" "$(cat "/proc/${pid[sandbox]}/oom_score_adj")" 1000
for p in sinkd channeld; do
	like "$p may not ask loaderd for anything, though it is in the group" "$(setpriv --reuid "$(field "${pid[$p]}" Uid)" --regid "$(field "${pid[$p]}" Gid)" \
		--clear-groups busctl --address="$BUS" call org.ebpfagent.loader1 /org/ebpfagent/loader1 org.ebpfagent.loader1 UnloadAll 'a{sv}' 0 2>&1)" 'denied|rejected|not permitted'
done
is "every daemon has a uid of its own" "$(for p in loaderd tagd channeld sinkd xdpd sandbox $OWN_BUS; do field "${pid[$p]}" Uid; done | sort -u | wc -l)" $((6 + ${#OWN_BUS} / 3))

# What each must be refused; what it may, it may: a filter that refuses everything would pass otherwise.
refused() {
	local p=$1 what; shift
	timeout 20 "$BUILD/tests/tools/probe" "${pid[$p]}" pin "$pin" >"$T/probe.$p" 2>&1 || { not_ok "$p: probed"; sed 's/^/# /' "$T/probe.$p"; return; }
	for what; do
		if [ "${what#+}" != "$what" ]; then like "$p: may ${what#+}" "$(cat "$T/probe.$p")" "^${what#+} ok"
		else like "$p: refused $what" "$(cat "$T/probe.$p")" "^$what (EPERM|EACCES|ENOSYS)"; fi
	done
}
all="mount unshare ptrace inet kill_init open_shadow"
refused loaderd $all +bpf_map_create +open_pin
refused tagd $all bpf_map_create open_pin
refused channeld $all bpf_map_create +open_pin
refused worker $all bpf_map_create open_pin
refused sandbox $all bpf_map_create open_pin
refused sinkd ${all/ inet/} +inet bpf_map_create open_pin
refused xdpd $all +bpf_map_create +open_pin
refused broker mount unshare ptrace inet kill_init bpf_map_create open_pin
refused launcher mount unshare ptrace inet bpf_map_create open_pin

# A load's child lives as long as its load. One that waits for the perf event of its tracepoint can be looked at: strace holds
# the broker, on its way into that system call, for as long as the test wants.
hold_a_load() {
	sed 's/name: tick,/name: late,/; /name: user/d; /^events:/d' "$T/tick.yaml" >"$T/late.yaml"
	strace -o "$T/held" -e trace=perf_event_open -e inject=perf_event_open:delay_enter=100s -p "${pid[broker]}" 2>"$T/strace.err" & STRACE=$!
	PIDS+=("$STRACE")
	wait_for 5 grep -q attached "$T/strace.err" || return
	ctl load "$T/late.yaml" >"$T/load.out" 2>&1 & LOAD=$!
	PIDS+=("$LOAD")
	wait_for 10 grep -q perf_event_open "$T/held"
}
check "a load is held on its way" hold_a_load
pid[load]=$(child_of "$loaderd" ebpf-load)
identity load
is "load: its own filter, beside the one of loaderd" "$(field "${pid[load]}" Seccomp_filters)" $(($(field "$loaderd" Seccomp_filters) + 1))
refused load $all +bpf_map_create +open_pin
kill "$STRACE"; wait "$STRACE" 2>/dev/null; forget "$STRACE"
wait "$LOAD"; is "and then it loads" $? 0; forget "$LOAD"

ticker 3 3
check "all of them still work" balanced 5
check "stops orderly" stop
is "six events, and three of the program that was held" "$(jq -r .program "$T/x.out" | sort | uniq -c | xargs)" "3 late 6 tick"
done_testing
