#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Objects that nobody here wrote, of tools that watch block devices: cut out of Debian's libbpf-tools, they run from YAML alone, and agree with whoever reads from a
# device of its own, and with what the kernel counted of that.
. "$(dirname "$0")/lib.sh"
. "$ROOT/tests/e2e/lib_tools.sh"
TOOLS="biolatency bitesize biopattern"

truncate -s 8M "$T/device"
DEVICE=$(losetup -f --show "$T/device" 2>"$T/losetup.err") || skip_all "no loop device: $(cat "$T/losetup.err")"
at_exit() { losetup -d "$DEVICE"; }
IFS=: read -r major minor <"/sys/block/${DEVICE##*/}/dev"
dev=$((major << 20 | minor))
for t in $TOOLS; do tool "$t" DEV=$dev; done
# shellcheck disable=SC2086
start x $(printf "$T/%s.yaml " $TOOLS) || { not_ok "all of them load from YAML alone"; done_testing; }
ok "all of them load from YAML alone"
read -r reads _ sectors _ <"/sys/block/${DEVICE##*/}/stat"
check "the device is read from" "$PYTHON" "$ROOT/tests/e2e/helpers/blocks.py" "$DEVICE"
read -r reads_after _ sectors_after _ <"/sys/block/${DEVICE##*/}/stat"
# shellcheck disable=SC2086
read_again $TOOLS
check "the ledger balances at rest" balanced 5
check "stops orderly" stop

is "biolatency: as many requests as the kernel counted of the device" "$(last_samples biolatency | jq -c '[.labels.dev, .count]')" "[\"$dev\",$((reads_after - reads))]"
is "bitesize: so many of each size" "$(last_samples bitesize | jq -c '[.labels.comm, [.buckets[] | select(.[1] > 0)]]')" '["block reader",[[7,41],[31,15],[127,6]]]'
is "biopattern: as many bytes as the kernel counted, but for the first request" "$(last_samples biopattern counters_bytes | jq .value)" $((512 * (sectors_after - sectors) - 4096))
is "biopattern: of which 45 requests follow their last one" "$(last_samples biopattern counters_sequential | jq .value)" 45
is "biopattern: and 16 do not" "$(last_samples biopattern counters_random | jq .value)" 16
done_testing
