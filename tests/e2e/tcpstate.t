#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tcpstate: connections over v4 and v6 that are closed, refused and reset, compared with the sockets' own names.
. "$(dirname "$0")/lib.sh"

start x "$ROOT/programs/tcpstate.yaml" || { not_ok "an instance with tcpstate.yaml gets ready"; done_testing; }
ok "an instance with tcpstate.yaml gets ready"
check "connections are made, refused and reset" "$BUILD/tests/tools/tcpclient" "$T/log" 50
check "the ledger balances at rest" balanced 5
check "stops orderly" stop
check "every line is JSON" all_json "$T/x.out"

# One line per socket: FAMILY LOCAL LPORT REMOTE RPORT, then its states in order.
jq -s -r 'group_by(.data.socket)[] | sort_by(.ts) | "\(.[-1].data | "\(.family) \(.saddr) \(.sport) \(.daddr) \(.dport)") \([.[0].data.from] + map(.data.to) | join(">"))"' "$T/x.out" >"$T/sockets"
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

me=$(head -1 "$T/log" | awk '{print $7}')
ports=$(awk '$1 == "client" { print $4 }' "$T/log" | jq -sc 'map({(tostring): true}) | add')
is "a client's events carry its process" "$(jq -r --argjson p "$ports" 'select($p[.data.sport | tostring] and .data.dport > 0 and .data.to == "ESTABLISHED") | .data | select(.from == "SYN_SENT") | "\(.pid) \(.comm)"' "$T/x.out" | sort -u)" "$me tcpclient"
is "durations at the end only, and sane" "$(jq -r --argjson p "$ports" 'select($p[.data.sport | tostring]) | .data | select((.to == "CLOSE") != (.duration_ns > 0) or .duration_ns > 60e9) | .socket' "$T/x.out" | wc -l)" 0
done_testing
