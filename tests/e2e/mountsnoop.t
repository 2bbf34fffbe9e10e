#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# An object that nobody here wrote: mountsnoop, cut out of Debian's libbpf-tools, its event described by `fields:`, runs
# from YAML alone and agrees with strace.
. "$(dirname "$0")/lib.sh"
. "$ROOT/tests/e2e/lib_tools.sh"

tool mountsnoop
start x "$T/mountsnoop.yaml" || { not_ok "it loads from YAML alone"; done_testing; }
ok "it loads from YAML alone"
is "all four of its programs are attached" "$(ctl show mountsnoop --json | jq '[.items[].progs[] | select(.state == "attached")] | length')" 4
like "it has no counter of its own, and the ledger says so" "$(ctl ledger mountsnoop --json | jq -c '[.channels[].produced]')" 'unknown'

# Whoever makes the calls knows all of their arguments, and writes them down.
check "mounts are made, refused and undone under strace" unshare -m strace -f -X raw -s 4096 -o "$T/strace" -e trace=mount,umount2 \
	python3 "$ROOT/tests/e2e/helpers/mounter.py" "$T/m" "$T/log"
sleep 1.2
check "stops orderly" stop
pid=$(cut -d' ' -f1 "$T/log" | sort -u)
jq -r --argjson p "$pid" 'select(.data.pid == $p) | .data
	| "\(.pid) \(.tid) \(.op) \(.flags) \(.ret) \([.src, .dest, .fs, .data] | map(tojson) | join(" "))"' "$T/x.out" | sort >"$T/got"
sort "$T/log" >"$T/wanted"
compare "every mount and umount agrees with whoever made it, in all arguments and the result" "$T/got" "$T/wanted"

# strace is no party to it. Where the kernel does not look at the type, it shows a pointer: "*" in both, then.
cat >"$T/seen.py" <<'P'
import errno, re, sys
logged = [line.split(" ", 1)[1] for line in open(sys.argv[2])]
seen = open(sys.argv[3], "w")
rows = open(sys.argv[4], "w")
for line in open(sys.argv[1]):
    m = re.match(r'(\d+) +(mount|umount2)\((.*)\) += (-?\d+)(?: (E\w+))?', line)
    if not m:
        continue
    tid, call, args, ret, err = m.groups()
    ret = -getattr(errno, err) if err else int(ret)
    args = re.findall(r'"[^"]*"|[^ ,"]+', args.replace("NULL", '""'))
    src, dest, fs, flags, data = args if call == "mount" else ['""', args[0], '""', args[1], '""']
    row = logged.pop(0) if logged else ""
    if fs.startswith("0x"):
        fs = "*"
        row = re.sub(r'"[^"]*"( "[^"]*")$', r'*\1', row)
    print(tid, call.upper().rstrip("2"), sum(int(f, 0) for f in flags.split("|")), ret, src, dest, fs, data, file=seen)
    rows.write(row)
rows.writelines(logged)
P
python3 "$T/seen.py" "$T/strace" "$T/log" "$T/seen" "$T/rows"
compare "and strace saw the same, in that order" "$T/rows" "$T/seen"
is "types that strace does not show" "$(grep -c ' \* "' "$T/seen")" 50
done_testing
