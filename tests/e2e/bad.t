#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Bad input: refused with file, line and cause; nothing loaded, nothing left in the kernel or on disk.
. "$(dirname "$0")/lib.sh"

object=$BUILD/tests/bpf/tick.bpf.o
good() { printf 'programs:\n  - { name: tick, type: ebpf_object, path: %s, properties: %s }\nchannels:\n  ticks: { type: ring_buffer }\n' "$object" "$TICKS"; }
good >"$T/good.yaml"
start x "$T/good.yaml" || { not_ok "an instance gets ready"; done_testing; }
ok "an instance gets ready"
pins() { inside loaderd find "$RUN/bpf" "$RUN/manifest" "$T/x/lib/" -mindepth 1 | sort; }
# Of this instance alone: what its loaderd's uid loaded.
programs() { bpftool prog show -j | jq --argjson uid "$(stat -c %u "/proc/$(daemon_pid loaderd)")" 'map(select(.uid == $uid)) | length'; }
pins >"$T/pins.before"
before=$(programs)

# refused NAME REGEX [FILE]: the file $T/NAME.yaml
refused() {
	local rc
	ctl load "$T/$1.yaml" >"$T/out" 2>"$T/err"; rc=$?
	is "$1: exit status" $rc 1
	like "$1: says why" "$(cat "$T/err")" "$2"
	[ "$(pins)" = "$(cat "$T/pins.before")" ] || { not_ok "$1: left something behind"; diff <(pins) "$T/pins.before" | sed 's/^/# /'; }
}
w() { cat >"$T/$1.yaml"; }

w unknown <<<"$(good)
nonsense: 1"
refused unknown 'unknown.yaml:5: .*nonsense'
w duplicate <<<"$(good)
channels: {}"
refused duplicate 'duplicate.yaml:5: .*channels'
w missing <<<'programs:
  - { type: ebpf_object, path: x.o }'
refused missing 'missing.yaml:2: .*name'
w wrongtype <<<'programs: 7'
refused wrongtype 'wrongtype.yaml:1: .*programs'
w anchor <<<'programs: &a
  - { name: x, type: ebpf_object, path: x.o }'
refused anchor 'anchor.yaml:1: .*anchor'
w alias <<<'name: *a'
refused alias 'alias.yaml:1: .*alias'
head -c 10000000 /dev/zero | tr '\0' 'a' >"$T/huge.yaml"
refused huge 'huge.yaml.*(large|big|bytes|MiB)'
printf '%0.s[' {1..5000} >"$T/deep.yaml"
refused deep 'deep.yaml:1: .*(deep|level|nest)'
printf '\x00\x01\x02' >"$T/binary.yaml"
refused binary 'binary.yaml'
mkfifo "$T/fifo.yaml"
timeout 5 "$BIN/ebpfctl" --bus "$BUS" load "$T/fifo.yaml" >"$T/out" 2>&1; is "a FIFO is not waited for" $? 1
mkdir "$T/dir.yaml"
refused dir 'dir.yaml'
ctl load "$T/absent.yaml" 2>"$T/err"; is "absent: exit status" $? 1
like "absent: says why" "$(cat "$T/err")" 'absent.yaml.*No such file'

echo "not an object" >"$T/text.o"
w notelf <<<"$(good | sed "s#$object#text.o#; s/name: tick/name: notelf/")"
refused notelf 'text.o.*ELF'
w noartifact <<<"$(good | sed "s#$object#nowhere.o#")"
sed -i 's/name: tick/name: noart/' "$T/noartifact.yaml"
refused noartifact 'nowhere.o.*No such file'
cp "$BUILD/tests/bpf/tick.nobtf.o" "$T/nobtf.o"
w nobtf <<<"$(good | sed "s#$object#nobtf.o#; s/name: tick/name: nobtf/")"
refused nobtf '(BTF|\.maps)'
w verifier <<<"$(good | sed "s#$object#$BUILD/tests/bpf/unchecked.bpf.o#; s/name: tick/name: rejected/; s/, properties: .* }/ }/")"
refused verifier '(invalid|R[0-9]|processed [0-9]+ insns)'
digest=$(sha256sum "$object" | cut -d' ' -f1)
w digest <<<"$(good | sed "s#path: $object#path: $object, sha256: $(tr 0-9a-f 1-9a-f0 <<<"$digest")#; s/name: tick/name: digest/")"
refused digest 'SHA-256'
w right <<<"$(good | sed "s#path: $object#path: $object, sha256: $digest#")"
check "an artifact with the digest that the YAML names is taken" ctl load "$T/right.yaml"
check "and goes again" ctl unload right
w nomap <<<"$(good | sed 's/ticks:/tocks:/; s/name: tick/name: nomap/')"
refused nomap 'nomap.yaml:4: .*tocks'
w noattach <<<'programs:
  - { name: none, type: ebpf_object, path: '"$object"', properties: { progs: { on_getpriority: { attach: false } } } }
channels:
  ticks: { type: ring_buffer }'
refused noattach 'nothing.*attach|attach'
w nofunction <<<"$(good)
events:
  - { name: user, target_processor: nowhere_to_be_found }"
sed -i "2a\\  - { name: user, type: user_so, path: $BUILD/sdk/example.so, properties: { functions: [ { name: nowhere_to_be_found } ] } }" "$T/nofunction.yaml"
refused nofunction 'nowhere_to_be_found'
cp "$BUILD/sdk/example.so" "$T/alien.so"
printf '\xf3\x00' | dd of="$T/alien.so" bs=1 seek=18 conv=notrunc status=none	# e_machine: RISC-V
w alien <<<"$(good)
events:
  - { name: user }"
sed -i "2a\\  - { name: user, type: user_so, path: alien.so }" "$T/alien.yaml"
refused alien 'alien.so.*(RISC|machine|architecture)'
ctl load "$T/good.yaml" 2>"$T/err"; is "loading twice: exit status" $? 1
like "loading twice: says so" "$(cat "$T/err")" 'loaded already|already loaded'
ctl unload nobody 2>"$T/err"; is "unloading what is not loaded: exit status" $? 1
sleep 0.5
is "no program of a refused load is left in the kernel" "$(programs)" "$before"
ticker 3
check "the program that was loaded works on" balanced 5
check "stops orderly" stop
is "three events" "$(wc -l <"$T/x.out")" 3

done_testing
