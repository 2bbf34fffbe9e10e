#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Processors that try to get out or to do harm (tests/so/escape.c, by the table in escape.h; in C++ and in Go as well): each fails, is
# said, and costs nothing but its own processor's results. Beside it, on the same channel, an honest processor; beside both, another
# program: their results are complete and exact to the last one.
. "$(dirname "$0")/lib.sh"
[ -z "${EBPF_AGENT_UNITS:-}" ] || skip_all "it brings a configuration of its own"
at_exit() { rm -rf /tmp/ebpf-agent-escaped; }	# of a deed that worked: the next run shall see its own

SKIP=
# Without a limit (a sanitizer's shadow is private memory) these would take the machine's memory.
[ -z "${SAN:-}" ] || SKIP="fill_memory reserve_memory"
mapfile -t DEEDS < <(sed -nE 's/^\tX\(([a-z0-9_]+), ([a-z_]+), "([a-z0-9_* ]*)"\).*/\1 \2 \3/p' "$ROOT/tests/so/escape.h")
[ ${#DEEDS[@]} -gt 40 ] || { not_ok "the table of deeds can be read"; done_testing; }

mkdir -p "$T/conf/channeld.d"
cat >"$T/conf/channeld.d/50-test.yaml" <<Y
processor:
  memory: 64M
  deadline: 4s
  failed-after: 4
  retry: 1s
  dead-letter-for: [so_error, so_crash, so_timeout, oversize, filtered]
Y
program() {
	cat >"$T/$1.yaml" <<Y
programs:
  - { name: tick, type: ebpf_object, path: $BUILD/tests/bpf/tick_big.bpf.o, properties: $TICKS }
  - { name: villain, type: user_so, path: $BUILD/tests/so/escape.so }
  - { name: honest, type: user_so, path: $BUILD/tests/so/escape.so }
channels:
  ticks: { type: ring_buffer }
events:
Y
}
program escape
cat >>"$T/escape.yaml" <<Y
  - { name: villain, hash: pid }
  - { name: honest, hash: pid, target_processor: honest }
Y
program other
echo '  - { name: honest, hash: pid, target_processor: honest }' >>"$T/other.yaml"
start x --config "$T/conf" "$T/escape.yaml" "$T/other.yaml" || { not_ok "an instance gets ready"; done_testing; }
ok "an instance gets ready"

LETTERS=$T/x/lib/dead-letter/escape.jsonl
villain() { channeld_rows Processors | jq -r "select(.event == \"villain\") | .$1"; }
uids=$(tr '\0' '\n' <"/proc/$(daemon_pid channeld)/environ" | sed -n 's/^EBPF_AGENT_SANDBOX_UIDS=//p')
like "its sandboxes have user ids of their own" "$uids" '^[0-9]+-[0-9]+$'
# All processes under a sandbox's uid: at most one for each of the three processors, and nothing else.
processes() { ps -e -o uid=,comm= | awk -v first="${uids%-*}" -v last="${uids#*-}" '$1 >= first && $1 <= last { n++; if ($2 != "ebpf-sandbox") foreign++ } END { print (n <= 3 && !foreign) ? "few" : n " of which foreign: " foreign + 0 }'; }
pids() { echo "$(daemon_pid channeld) $(pgrep -P "$(daemon_pid channeld)" -f ebpf-launcher) $(worker_pid escape) $(worker_pid other)"; }
check "their workers are there" wait_for 10 all_alive escape other
everybody=$(pids)
# System calls that the villain was refused, "NAME TIMES" each.
refused() { villain refused_calls | sed 's/, /\n/g' | grep .; }
: >"$T/refused.before"

k=-1 run=0
for deed in "${DEEDS[@]}"; do
	read -r name outcome told <<<"$deed"
	k=$((k + 1))
	case " $SKIP " in *" $name "*) say "skipped with sanitizers: $name"; continue ;; esac
	ticker 20 $((k * 20))
	run=$((run + 1))
	balanced 60 || not_ok "$name: the ledger balances"
	[ "$(processes)" = few ] || not_ok "$name: no process remains: $(processes)"
	[ ! -e /tmp/ebpf-agent-escaped ] || not_ok "$name: no file appears"
	refused >"$T/refused"
	comm -13 <(sort "$T/refused.before") <(sort "$T/refused") | cut -d' ' -f1 >"$T/refused.now"
	mv "$T/refused" "$T/refused.before"
	case $told in
	'*') ;;
	'') [ ! -s "$T/refused.now" ] || not_ok "$name: no call of its is refused: $(xargs <"$T/refused.now")" ;;
	*) is "$name: what it was refused is said" "$(tr ' ' '\n' <<<"$told" | grep -vxFf "$T/refused.now" | xargs)" "" ;;
	esac
	[ "$outcome" = any ] || continue
	# What it left behind in its process goes with that; a kill from outside blames nobody.
	pid=$(villain pid)
	[ "${pid:-0}" = 0 ] || kill -9 "$pid" 2>/dev/null
	sleep 1.1	# a failed one is tried again
done
ok "$run deeds are done"
is "nobody of the agent's own died" "$(pids)" "$everybody"
is "no worker was started again" "$(channeld_rows Workers | jq -r .restarts | sort -u)" 0
like "what became of the last ones is said" "$(villain last_end)" .
is "all refusals are counted" "$(refused | awk '{ n += $2 } END { print n }')" "$(villain refused)"
like "ebpfctl says them" "$(ctl show escape)" 'was refused: .*bpf 65, '
is "the honest one was refused nothing" "$(channeld_rows Processors | jq -r 'select(.event == "honest") | .refused' | sort -u)" 0
is "the journal says each once" "$(grep -c 'processor escape/villain tried ptrace, which no processor may' "$T/x.err")" 1
cp "$LETTERS" "$T/letters"
check "stops orderly" stop

check "every line is JSON, whatever a processor said" all_json "$T/x.out"
check "every letter as well" all_json "$T/letters"
is "no line of anybody else" "$(jq -r '"\(.program) \(.event)"' "$T/x.out" | sort -u | tr '\n' ,)" "escape honest,escape villain,other honest,"
is "no id twice" "$(jq -r .id "$T/x.out" | sort | uniq -d | wc -l)" 0
jq -r 'select(.event == "villain") | .data | if type == "object" then "\(.n) \(.escaped // "")" else "long" end' "$T/x.out" 2>/dev/null >"$T/villain"
reason_of() { [ "$(sed -n "s/^$1 //p" "$T/reasons" | sort -u | tr '\n' ' ')" = "$2 " ]; }
# A tick: u64 ts_ns, u64 n, little-endian.
jq -r 'select(.event == "villain") | "\(.bytes[16:24]) \(.reason)"' "$T/letters" | while read -r hex reason; do
	echo "$((16#${hex:6:2}${hex:4:2}${hex:2:2}${hex:0:2})) $reason"
done >"$T/reasons"
is "there are letters of the villain alone" "$(jq -r .event "$T/letters" | sort -u)" villain

k=-1
: >"$T/all"; : >"$T/wanted"; : >"$T/exact"
for deed in "${DEEDS[@]}"; do
	read -r name outcome _ <<<"$deed"
	k=$((k + 1)) n=$((k * 20 + 10))
	case " $SKIP " in *" $name "*) continue ;; esac
	seq $((k * 20)) $((k * 20 + 19)) >>"$T/all"
	case $outcome in
	any) continue ;;
	ok)
		if [ "$name" = say_much ]; then is "$name: goes through" "$(grep -c long "$T/villain")" 1
		else is "$name: refused, and answered" "$(sed -n "s/^$n //p" "$T/villain" | sort -u)" ""; fi ;;
	*) check "$name: $outcome" reason_of $n "$outcome" ;;
	esac
	seq $((k * 20)) $((k * 20 + 19)) >>"$T/exact"
	[ "$outcome" != ok ] || [ "$name" = say_much ] || { echo $n >>"$T/wanted"; }
	seq $((k * 20)) $((k * 20 + 19)) | grep -vx $n >>"$T/wanted"
done
cut -d' ' -f1 "$T/villain" | grep -Fxf "$T/exact" | sort -n >"$T/got"
compare "the villain's other results of the same batches are there" "$T/got" <(sort -n "$T/wanted")
compare "the honest processor beside it: all, in order" <(jq -r 'select(.program == "escape" and .event == "honest") | .data.n' "$T/x.out") "$T/all"
compare "the other program: all, in order" <(jq -r 'select(.program == "other") | .data.n' "$T/x.out") "$T/all"
done_testing
