#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# drsnoop of Debian's libbpf-tools, from YAML alone, where the memory of a whole machine runs short: as many direct reclaims as
# /proc/vmstat counts, by whom, and no fewer pages than it says. (On a machine that others use nobody may do that.)
. "$(dirname "$0")/lib.sh"
. "$ROOT/tests/e2e/lib_tools.sh"

# vmstat PATTERN: the sum of the counters of that name
vmstat() { awk -v p="^($1)\$" '$1 ~ p { n += $2 } END { print n + 0 }' /proc/vmstat; }
STALLS='allocstall_[a-z0-9]+'
# shorten: one process takes nearly all that is left, page cache included
shorten() {
	"$PYTHON" - <<'P'
import mmap, re
free = int(re.search(r"MemAvailable:\s+(\d+)", open("/proc/meminfo").read())[1]) << 10
mmap.mmap(-1, free - (48 << 20), flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | mmap.MAP_POPULATE).close()
P
}

tool drsnoop KADDR="$(awk '$3 == "vm_zone_stat" { print "0x" $1 }' /proc/kallsyms)"
start x "$T/drsnoop.yaml" || { not_ok "it loads from YAML alone"; done_testing; }
ok "it loads from YAML alone"
stalls=$(vmstat "$STALLS") pages=$(vmstat pgsteal_direct)
short() {
	dd if=/dev/zero of="$T/cached" bs=1M count=600 conv=fsync 2>/dev/null
	shorten
	[ "$(vmstat "$STALLS")" -gt "$stalls" ]
}
check "memory runs short" wait_for 120 short
check "the ledger balances at rest" balanced 10
stalls=$(($(vmstat "$STALLS") - stalls)) pages=$(($(vmstat pgsteal_direct) - pages))
nothing_lost drsnoop
check "stops orderly" stop
events drsnoop >"$T/got"
# The kernel counts one that it begins again, having got nothing, once more.
check "as many reclaims as the kernel counted ($(wc -l <"$T/got") of $stalls)" test "$(wc -l <"$T/got")" -le "$stalls" -a "$(wc -l <"$T/got")" -ge $((stalls * 9 / 10))
got=$(jq -s 'map(.reclaimed) | add' "$T/got")
check "of as many pages at least as it stole for them ($got of $pages)" test "$got" -ge "$pages" -a "$pages" -gt 0
like "by whoever took the memory" "$(jq -r .comm "$T/got" | sort | uniq -c | sort -rn | head -1)" '(python3|dd)$'
is "each took some time, and of a process that there was" "$(jq -c 'select(.delta_ns <= 0 or .delta_ns > 60e9 or .pid < 1)' "$T/got")" ""
done_testing
