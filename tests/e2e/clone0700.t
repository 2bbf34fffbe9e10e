#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A clone below a folder that only root may enter, as `git clone` in /root makes it: daemons, helpers, objects and processors are
# found all the same.
. "$(dirname "$0")/lib.sh"

mkdir -m 0700 "$T/private"
mkdir "$T/private/clone"
cp -r "$BUILD/bin" "$T/private/clone/bin"
cp "$BUILD/tests/bpf/tick.bpf.o" "$BUILD/tests/so/plain.so" "$T/private/clone/"
cat >"$T/private/clone/tick.yaml" <<Y
programs:
  - { name: tick, type: ebpf_object, path: tick.bpf.o, properties: $TICKS }
  - { name: user, type: user_so, path: plain.so }
channels:
  ticks: { type: ring_buffer }
events:
  - { name: user }
Y
BIN=$T/private/clone/bin
start x "$T/private/clone/tick.yaml" || { not_ok "it starts from below a 0700 folder"; done_testing; }
ok "it starts from below a 0700 folder"
is "that folder is what it is" "$(stat -c %a "$T/private")" 700
ticker 7
check "events pass" balanced 5
check "stops orderly" stop
is "seven events" "$(wc -l <"$T/x.out")" 7
done_testing
