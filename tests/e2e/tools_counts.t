#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Objects that nobody here wrote, of tools that count: syscount, hardirqs, softirqs and drsnoop, cut out of Debian's libbpf-tools, run from YAML alone. syscount agrees with
# strace; the others' counts lie between what /proc said just before and just after.
. "$(dirname "$0")/lib.sh"
. "$ROOT/tests/e2e/lib_tools.sh"

# snapshot NAME: lines "interrupts NAME COUNT", "softirqs NAME COUNT" and "reclaims all COUNT", as the kernel has counted them since it started. A line of several
# devices is none that one could compare.
snapshot() {
	{
		awk 'NR == 1 { cpus = NF; next } $1 ~ /^[0-9]+:$/ && !/,/ { for (i = 2; i <= cpus + 1; i++) n[$NF] += $i } END { for (k in n) print "interrupts", k, n[k] }' /proc/interrupts
		awk 'NR > 1 { n = 0; for (i = 2; i <= NF; i++) n += $i; sub(/:/, "", $1); print "softirqs", $1, n }' /proc/softirqs
		awk '/^allocstall/ { n += $2 } END { print "reclaims all", n }' /proc/vmstat
	} | sort >"$T/$1"
}
# within NAME KIND FILE: the lines "NAME COUNT" in FILE lie within what was counted meanwhile, and none is missing that must have been
within() {
	awk -v kind="$2" '
		FNR == 1 { part++ }
		part <= 4 && $1 == kind { names[$2] = 1; at[part, $2] = $3 }
		part == 5 { got[$1] = $2 }
		END {
			for (n in names) {
				compared++
				least = at[3, n] - at[2, n]; most = at[4, n] - at[1, n]
				if (most || n == "all")
					print got[n] + 0, n, "(" least " to " most ")"
				if (got[n] + 0 < least || got[n] + 0 > most)
					bad = 1
			}
			exit bad || !compared
		}' "$T/outer0" "$T/inner0" "$T/inner1" "$T/outer1" "$3" >"$T/within"
	if [ $? = 0 ]; then ok "$1: $(paste -sd, "$T/within" | sed 's/,/, /g')"; else not_ok "$1"; sed 's/^/#   /' "$T/within"; fi
}

waiting count -n
tool syscount COUNT="${CALLER[count]}"
kaddr=$(awk '$3 == "vm_zone_stat" { print "0x" $1 }' /proc/kallsyms)
tool hardirqs
tool softirqs
tool drsnoop KADDR="${kaddr:-0}"
snapshot outer0
start x "$T/hardirqs.yaml" "$T/softirqs.yaml" "$T/drsnoop.yaml" "$T/syscount.yaml" || { not_ok "all of them load from YAML alone"; done_testing; }
ok "all of them load from YAML alone"
snapshot inner0
check "many different calls are made under strace" go count
check "a disk is read, packets go round" "$PYTHON" - "$T" <<'P'
import os, socket, sys
for i in range(50):
    with open(sys.argv[1] + "/file", "wb") as f:
        f.write(os.urandom(4096))
        os.fsync(f.fileno())
a, b = socket.socket(socket.AF_INET, socket.SOCK_DGRAM), socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
a.bind(("127.0.0.1", 0))
for i in range(500):
    b.sendto(b"x", a.getsockname())
    a.recv(1)
P
# A cgroup that is full reclaims among its own, which is not what drsnoop means; nor does /proc/vmstat.
memory=$(awk '$3 == "cgroup" && $4 ~ /(^|,)memory(,|$)/ { print $2 }' /proc/mounts | head -1)
if [ -n "$memory" ] && mkdir "$memory/drsnoop.$$"; then
	echo 8M >"$memory/drsnoop.$$/memory.limit_in_bytes"
	sh -c 'echo $$ >"$1/cgroup.procs"; exec dd if=/dev/zero of="$2" bs=1M count=32' - "$memory/drsnoop.$$" "$T/file" 2>"$T/dd"
	check "a cgroup is full, again and again" test "$(cat "$memory/drsnoop.$$/memory.failcnt")" -gt 0
	rm "$T/file"
	check "it is removed" wait_for 5 rmdir "$memory/drsnoop.$$"
else
	say "no cgroup is filled: the memory controller is not mounted as cgroup v1"
fi
snapshot inner1
read_again hardirqs softirqs syscount
check "the ledger balances at rest" balanced 5
check "stops orderly" stop
snapshot outer1

last_samples syscount | jq -r '"\(.labels.number) \(.value)"' | sort >"$T/syscount.got"
sort -o "$T/count.wanted" "$T/count.wanted"
compare "syscount: as many of each call as strace saw" "$T/syscount.got" "$T/count.wanted"
last_samples hardirqs | jq -r '"\(.labels.name) \(.value)"' >"$T/hardirqs.got"
within "hardirqs: as /proc/interrupts has them" interrupts "$T/hardirqs.got"
last_samples softirqs | jq -r '"\(.name | ltrimstr("softirqs_")) \(.count)"' >"$T/softirqs.got"
within "softirqs: as /proc/softirqs has them" softirqs "$T/softirqs.got"
echo "all $(events drsnoop | wc -l)" >"$T/drsnoop.got"
# On a machine with memory to spare that is its silence alone.
within "drsnoop: as many reclaims as /proc/vmstat has" reclaims "$T/drsnoop.got"
done_testing
