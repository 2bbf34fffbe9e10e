#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tcpstate: connections over v4 and v6 that are closed, refused and reset, compared with the sockets' own names; first at
# full speed, then with a kill -9 of each daemon and of the worker meanwhile.
. "$(dirname "$0")/lib.sh"

start x "$ROOT/programs/tcpstate.yaml" || { not_ok "an instance with tcpstate.yaml gets ready"; done_testing; }
ok "an instance with tcpstate.yaml gets ready"
check "connections are made, refused and reset" "$BUILD/tests/tools/tcpclient" "$T/log" 50
(for i in {1..80}; do "$BUILD/tests/tools/tcpclient" "$T/log.$i" 2 || exit; sleep 0.05; done) & CLIENTS=$!
PIDS+=("$CLIENTS")
during=0
for who in tcpstate sinkd channeld loaderd tagd xdpd; do
	sleep 0.3
	kill -0 "$CLIENTS" 2>/dev/null && during=$((during + 1))
	check "kill -9 of $who" kill_one $who
done
check "most of them while connections were made" test $during -ge 4
wait "$CLIENTS"; is "they were all made" $? 0; forget "$CLIENTS"
cat "$T"/log.* >>"$T/log"
check "everybody was started again" wait_for 10 all_alive $DAEMONS tcpstate
check "the ledger balances at rest" balanced 10
check "stops orderly" stop
check "every line is JSON" all_json "$T/x.out"
FILE=$T/x/log/tcpstate.jsonl
is "no id twice in the file" "$(jq -r .id "$FILE" | sort | uniq -d | wc -l)" 0
jq -r .id "$T/x.out" | sort >"$T/g"
jq -r .id "$FILE" | sort >"$T/w"
compare "what is in the file is on stdout, once" "$T/g" "$T/w"

# One line per socket: FAMILY LOCAL LPORT REMOTE RPORT, then its states in order.
jq -s -r 'group_by(.data.socket)[] | sort_by(.ts) | "\(.[-1].data | "\(.family) \(.saddr) \(.sport) \(.daddr) \(.dport)") \([.[0].data.from] + map(.data.to) | join(">"))"' "$FILE" >"$T/sockets"
# wanted KIND STATES
wanted() { awk -v k="$1" -v s="$2" '$1 == k { print $2, $3, $4, $5, $6, s }' "$T/log" | sort; }
seen() { grep -E " $1\$" "$T/sockets" | grep -Ff <(awk -v k="$2" '$1 == k { print $2, $3, $4, $5, $6, "" }' "$T/log") | sort; }

wanted client 'CLOSE>SYN_SENT>ESTABLISHED>FIN_WAIT1>FIN_WAIT2>CLOSE' >"$T/w"; seen '.*' client >"$T/g"
compare "every client that closed: addresses, ports, states" "$T/g" "$T/w"
wanted server 'LISTEN>SYN_RECV>ESTABLISHED>CLOSE_WAIT>LAST_ACK>CLOSE' | sed 's/LISTEN>//' >"$T/w"; seen '.*' server | sed -E 's/ (LISTEN|CLOSE)>SYN_RECV/ SYN_RECV/' >"$T/g"
compare "every server's end: addresses, ports, states" "$T/g" "$T/w"
wanted refused 'CLOSE>SYN_SENT>CLOSE' >"$T/w"; seen '.*' refused >"$T/g"
compare "every refusal" "$T/g" "$T/w"
wanted reset 'CLOSE>SYN_SENT>ESTABLISHED>CLOSE' >"$T/w"; seen '.*' reset >"$T/g"
compare "every reset" "$T/g" "$T/w"

awk '$1 == "client" || $1 == "reset" { print $2, $4, $6, $7, "tcpclient" }' "$T/log" | sort >"$T/w"
jq -r '.data | select(.from == "SYN_SENT" and .to == "ESTABLISHED") | "\(.family) \(.sport) \(.dport) \(.pid) \(.comm)"' "$FILE" |
	grep -Ff <(cut -d' ' -f1-3 "$T/w" | sed 's/$/ /') | sort >"$T/g"
compare "a client's events carry its process" "$T/g" "$T/w"
ports=$(awk '$1 == "client" { print $4 }' "$T/log" | jq -sc 'map({(tostring): true}) | add')
is "durations at the end only, and sane" "$(jq -r --argjson p "$ports" 'select($p[.data.sport | tostring]) | .data | select((.to == "CLOSE") != (.duration_ns > 0) or .duration_ns > 60e9) | .socket' "$FILE" | wc -l)" 0
done_testing
