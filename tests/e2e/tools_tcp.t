#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Objects that nobody here wrote, of tools that trace TCP: tcplife and tcpstates, cut out of Debian's libbpf-tools, run from YAML alone, and agree with those who made
# the connections and with the tools themselves, which run beside.
. "$(dirname "$0")/lib.sh"
. "$ROOT/tests/e2e/lib_tools.sh"

tool tcplife
tool tcpstates
start x "$T/tcplife.yaml" "$T/tcpstates.yaml" || { not_ok "both load from YAML alone"; done_testing; }
ok "both load from YAML alone"
beside tcplife -D 18461,18462
LIFE=$BESIDE
beside tcpstates -D 18461,18462
check "the tools themselves run beside" wait_for 10 eval "grep -q RADDR '$T/tcplife.beside' && grep -q RADDR '$T/tcpstates.beside'"
check "connections are made, closed by either side, and refused" unshare -n "$PYTHON" "$ROOT/tests/e2e/helpers/tcp_lives.py" "$T/lives" "$T/states"
check "the tools have seen them" wait_for 5 eval "[ \$(wc -l <'$T/tcplife.beside') = 43 ] && [ \$(wc -l <'$T/tcpstates.beside') -ge 205 ]"
unbeside
BESIDE=$LIFE unbeside
check "the ledger balances at rest" balanced 5
nothing_lost tcplife tcpstates
check "stops orderly" stop

# By bytes the kernel understands sequence numbers, of which SYN and FIN have one each.
events tcplife | jq -r '"\(.pid) \(.comm) \(.family) \(.saddr) \(.sport) \(.daddr) \(.dport) \(.rx_b) \(.tx_b)"' | sort >"$T/tcplife.got"
sort -o "$T/lives" "$T/lives"
cut -d' ' -f1-8 "$T/lives" >"$T/lives.ends"
cut -d' ' -f1-8 "$T/tcplife.got" >"$T/tcplife.ends"
compare "tcplife: who, from where to where" "$T/tcplife.ends" "$T/lives.ends"
is "tcplife: as many bytes, but for SYN and FIN" "$(paste -d' ' "$T/tcplife.got" "$T/lives" | awk '{ r = $9 - $19; s = $10 - $20 } r < 0 || r > 1 || ($20 ? s < 1 || s > 2 : s)')" ''
events tcplife | jq -r '"\(.pid) \(.comm[:10]) \(.saddr) \(.sport) \(.daddr) \(.dport) \(.tx_b) \(.rx_b)"' |
	awk '{ printf "%s %s %s %s %s %s %s %.2f %.2f\n", $1, $2, $3, $4, $5, $6, $7, $8 / 1024, $9 / 1024 }' | sort >"$T/tcplife.got"
tail -n +2 "$T/tcplife.beside" | awk '{ NF--; $1 = $1; print }' | sort >"$T/tcplife.wanted"
compare "tcplife: and as the tool itself prints it" "$T/tcplife.got" "$T/tcplife.wanted"

events tcpstates | jq -r '"\(.sport) \(.oldstate) \(.newstate)"' |
	awk '!($1 in path) { path[$1] = $2; order[n++] = $1 } { path[$1] = path[$1] " " $3 } END { for (i = 0; i < n; i++) print order[i], path[order[i]] }' >"$T/tcpstates.got"
compare "tcpstates: each connection's way, in order" "$T/tcpstates.got" "$T/states"
events tcpstates | jq -r '"\(.skaddr[2:]) \(.pid) \(.comm) \(.saddr) \(.sport) \(.daddr) \(.dport) \(.oldstate) -> \(.newstate)"' | sort >"$T/tcpstates.got"
tail -n +2 "$T/tcpstates.beside" | awk '{ NF--; $1 = $1; print }' | sort >"$T/tcpstates.wanted"
compare "tcpstates: and as the tool itself prints it" "$T/tcpstates.got" "$T/tcpstates.wanted"
# Two programs that look at the clock one after the other.
is "tcpstates: the time in each state since it was connected adds up to what tcplife says, but for what lies between two looks at the clock" \
	"$(jq -cn --slurpfile life <(events tcplife) --slurpfile state <(events tcpstates) '[$life[] | . as $l
		| [$state[] | select(.sport == $l.sport and .oldstate != "CLOSE" and ($l.rx_b == 0 or .oldstate != "SYN_SENT")) | .delta_us] | add - $l.span_us
		| select(. < -100000 or . > 100000)]')" '[]'
done_testing
