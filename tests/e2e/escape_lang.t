#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Processors in C++ and Go that do harm, by the tables on top of tests/so/escape.cc and escape.go: each ends as one in C does, and an
# honest one beside it notices nothing. What has no compiler here is skipped, and said.
. "$(dirname "$0")/lib.sh"
[ -z "${EBPF_AGENT_UNITS:-}" ] || skip_all "it brings a configuration of its own, and needs compilers"
[ -z "${SAN:-}" ] || skip_all "sanitizers: without a memory limit, leaks would take the machine's memory"
at_exit() { rm -rf /tmp/ebpf-agent-escaped; }	# of a deed that worked: the next run shall see its own

LANGUAGES=
if command -v g++ >/dev/null; then
	check "C++: compiles" g++ -O2 -Wall -shared -fPIC -I"$ROOT/sdk" -I"$ROOT/abi" "$ROOT/tests/so/escape.cc" -o "$T/cc.so" && LANGUAGES="cc"
else
	say "C++ is skipped: no g++"
fi
if command -v go >/dev/null; then
	check "Go: compiles" go build -buildmode=c-shared -o "$T/go.so" "$ROOT/tests/so/escape.go" && LANGUAGES="$LANGUAGES go"
else
	say "Go is skipped: no go on the PATH"
fi
[ -n "$LANGUAGES" ] || skip_all "neither g++ nor go"
chmod 755 "$T"/*.so

mkdir -p "$T/conf/channeld.d"
echo 'processor: { memory: 64M, deadline: 3s, dead-letter-for: [so_error, so_crash, so_timeout, oversize, filtered] }' >"$T/conf/channeld.d/50-test.yaml"
for l in $LANGUAGES; do
	cat >"$T/$l.yaml" <<Y
programs:
  - { name: tick, type: ebpf_object, path: $BUILD/tests/bpf/tick_big.bpf.o, properties: $TICKS }
  - { name: villain, type: user_so, path: $T/$l.so }
  - { name: honest, type: user_so, path: $BUILD/tests/so/escape.so }
channels:
  ticks: { type: ring_buffer }
events:
  - { name: villain, hash: pid }
  - { name: honest, hash: pid, target_processor: honest }
Y
done
start x --config "$T/conf" $(printf "$T/%s.yaml " $LANGUAGES) || { not_ok "an instance gets ready"; done_testing; }
deeds() { sed -nE 's/^(\/\/| \*) deed: ([a-z_]+) ([a-z_,]+)$/\2 \3/p' "$ROOT/tests/so/escape.$1"; }
most=0
for l in $LANGUAGES; do c=$(deeds "$l" | wc -l); [ "$c" -le $most ] || most=$c; done
ticker $((most * 20))
check "the ledger balances" balanced 120
[ ! -e /tmp/ebpf-agent-escaped ] || not_ok "no file appears"
cp -r "$T/x/lib/dead-letter" "$T/letters"

refused() { channeld_rows Processors | jq -r "select(.program == \"$1\" and .event == \"villain\") | .refused_calls" | sed 's/, /\n/g' | cut -d' ' -f1; }
case " $LANGUAGES " in *" go "*)	# open_files, open_socket, start_process
	is "go: what it was refused is said" "$(refused go | grep -xE 'openat|socket|clone' | sort | xargs)" "clone openat socket" ;;
esac
check "stops orderly" stop
check "every line is JSON" all_json "$T/x.out"
for l in $LANGUAGES; do
	jq -r 'select(.event == "villain") | "\(.bytes[16:24]) \(.reason) \(.how)"' "$T/letters/$l.jsonl" | while read -r hex reason how; do
		echo "$((16#${hex:6:2}${hex:4:2}${hex:2:2}${hex:0:2})) $reason $how"
	done >"$T/reasons"
	n=10
	: >"$T/missing"
	while read -r name outcome; do
		if [ "$outcome" = ok ]; then
			is "$l: $name: refused, and answered" "$(jq -c "select(.program == \"$l\" and .event == \"villain\" and .data.n == $n) | .data" "$T/x.out")" "{\"n\":$n}"
		else
			like "$l: $name: $outcome" ",$outcome," ",$(sed -nE "s/^$n ([a-z_]+) .*/\1/p" "$T/reasons"),"
			echo $n >>"$T/missing"
		fi
		n=$((n + 20))
	done < <(deeds "$l")
	say "$(cut -d' ' -f3- "$T/reasons" | sort | uniq -c | tr -s ' \n' ' ')"
	seq 0 $((most * 20 - 1)) >"$T/all"
	compare "$l: its other results are there, in order" <(jq -r "select(.program == \"$l\" and .event == \"villain\") | .data.n" "$T/x.out") <(grep -Fvxf "$T/missing" "$T/all")
	compare "$l: the honest processor beside it: all, in order" <(jq -r "select(.program == \"$l\" and .event == \"honest\") | .data.n" "$T/x.out") "$T/all"
done
done_testing
