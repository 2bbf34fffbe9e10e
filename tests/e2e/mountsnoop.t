#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# An object that nobody here wrote: mountsnoop, cut out of Debian's libbpf-tools, its event described by `fields:`, runs
# from YAML alone and agrees with strace.
. "$(dirname "$0")/lib.sh"

(cd "$T" && apt-get -q download libbpf-tools >apt.log 2>&1) || (apt-get -q update && cd "$T" && apt-get -q download libbpf-tools) >"$T/apt.log" 2>&1 ||
	skip_all "Debian's libbpf-tools cannot be fetched: $(tail -1 "$T/apt.log")"
dpkg-deb -x "$T"/libbpf-tools_*.deb "$T/deb"
check "the object is cut out of the package's binary" python3 "$ROOT/tests/e2e/helpers/cut_bpf.py" "$T/deb/usr/sbin/mountsnoop" "$T/mountsnoop.bpf.o"

cat >"$T/mountsnoop.yaml" <<Y
programs:
  - name: mountsnoop
    type: ebpf_object
    path: mountsnoop.bpf.o
channels:
  events:
    type: ring_buffer
    size: 8768
    pid_field: pid
    fields:
      - { name: delta, type: u64, offset: 0 }
      - { name: flags, type: u64 }
      - { name: pid, type: u32 }
      - { name: tid, type: u32 }
      - { name: mnt_ns, type: u32 }
      - { name: ret, type: s32 }
      - { name: comm, type: "char[16]" }
      - { name: fs, type: "char[8]" }
      - { name: src, type: "char[4096]" }
      - { name: dest, type: "char[4096]" }
      - { name: data, type: "char[512]" }
      - { name: op, type: u32, values: { MOUNT: 0, UMOUNT: 1 } }
Y
start x "$T/mountsnoop.yaml" || { not_ok "it loads from YAML alone"; done_testing; }
ok "it loads from YAML alone"
is "all four of its programs are attached" "$(ctl show mountsnoop --json | jq '[.items[].progs[] | select(.state == "attached")] | length')" 4
like "it has no counter of its own, and the ledger says so" "$(ctl ledger mountsnoop --json | jq -c '[.channels[].produced]')" 'unknown'

cat >"$T/work" <<'W'
mkdir -p "$1/a" "$1/b"
for i in 1 2 3 4 5; do
	mount -i -t tmpfs "from-$i" "$1/a"
	mount -i --bind "$1/a" "$1/b"
	umount -i "$1/b"
	mount -i -t ext4 /dev/null "$1/b"
	umount -i "$1/a"
	umount -i "$1/a"
done
exit 0
W
check "mounts are made, refused and undone under strace" unshare -m strace -f -o "$T/strace" -e trace=mount,umount2 sh "$T/work" "$T/m"
sleep 1.2
check "stops orderly" stop
cat >"$T/wanted.py" <<'P'
import errno, re, sys
for line in open(sys.argv[1]):
    m = re.match(r'(\d+) +(mount|umount2)\((.*)\) += (-?\d+)(?: (E\w+))?', line)
    if not m:
        continue
    pid, call, args, ret, err = m.groups()
    ret = -getattr(errno, err) if err else int(ret)
    strings = re.findall(r'"[^"]*"|NULL', args)
    strings = [s.strip('"') if s != "NULL" else "" for s in strings]
    if call == "mount" and "MS_BIND" in args:    # strace shows no type then: the kernel does not look at it
        print(pid, "MOUNT", strings[0], strings[1], "*", ret)
    elif call == "mount":
        print(pid, "MOUNT", strings[0], strings[1], strings[2], ret)
    else:
        print(pid, "UMOUNT", "", strings[0], "", ret)
P
python3 "$T/wanted.py" "$T/strace" | sort >"$T/wanted"
pids=$(cut -d' ' -f1 "$T/wanted" | sort -u | jq -sc 'map({(tostring): true}) | add')
jq -r --argjson p "$pids" 'select($p[.data.tid | tostring]) | .data | "\(.tid) \(.op) \(.src) \(.dest) \(if .op == "MOUNT" and (.flags / 4096 | floor) % 2 == 1 then "*" else .fs end) \(.ret)"' "$T/x.out" | sort >"$T/got"
compare "every mount and umount agrees with strace" "$T/got" "$T/wanted"
done_testing
