#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Programs declared in programs.d are loaded at start and follow a reload; after a kill -9 of loaderd its pins are adopted, never
# loaded twice, and refused, visibly, when they do not belong together.
. "$(dirname "$0")/lib.sh"

mkdir -p "$T/conf/programs.d"
declare_tick() { printf 'programs:\n  - { name: tick, type: ebpf_object, path: %s, properties: %s }\nchannels:\n  ticks: { type: ring_buffer }\n' "$BUILD/tests/bpf/tick_big.bpf.o" "$TICKS" >"$T/conf/programs.d/$1.yaml"; }
declare_tick one
declare_tick two
ln -s /dev/null "$T/conf/programs.d/masked.yaml"
start x --config "$T/conf" "$ROOT/programs/oom.yaml" || { not_ok "an instance with declared programs gets ready"; done_testing; }
ok "an instance with declared programs gets ready"
loaded() { ctl list --json | jq -r '[.[].program] | sort | join(" ")'; }
has() { [ "$(loaded)" = "$1" ]; }
check "they are loaded, a masked one is not" wait_for 5 has "one oom two"
ticker 10
check "their events come" balanced 5

reload() { kill -HUP "$(daemon_pid loaderd)"; }
declare_tick three
rm "$T/conf/programs.d/two.yaml"
reload
check "a reload loads what is new and unloads what is gone, and that alone" wait_for 10 has "one oom three"
echo 'programs: 7' >"$T/conf/programs.d/broken.yaml"
reload
said() { ctl status --json | jq -r '.. | objects | select(.daemon? == "loaderd") | .degraded | tostring' | grep -q "$1"; }
check "a broken one is said with file and line" wait_for 5 said 'broken.yaml:1'
check "and nothing else changes" has "one oom three"
rm "$T/conf/programs.d/broken.yaml"
reload
mended() { ! said 'broken.yaml'; }
check "mended, it is not said any more" wait_for 5 mended

# Adoption.
links() { ctl show "$1" --json | jq -c '[.items[].progs[] | [.prog_id, .link_id]]'; }
before="$(links one) $(links three)"
pid=$(daemon_pid loaderd)
kill -9 "$pid"
back() { p=$(daemon_pid loaderd); [ -n "$p" ] && [ "$p" != "$pid" ] && ctl list; }
check "loaderd is back" wait_for 5 back
is "the same programs and links are adopted" "$(links one) $(links three)" "$before"
check "none is loaded twice, none is lost" has "one oom three"
ticker 10 10
check "events go on" balanced 5

pid=$(daemon_pid loaderd)
kill -STOP "$PID"
kill -9 "$pid"
nsenter -t "$PID" -m -r find "$DIR/run/bpf/v1/program/three" -path '*/link/*' -type f -delete
kill -CONT "$PID"
check "loaderd is back again" wait_for 5 back
refused() { ctl list --json | jq -e '.[] | select(.program == "three") | tostring | test("adoption refused")'; }
check "a program whose link is gone is not taken for a sound one" wait_for 5 refused
check "the others are" has "one oom three"
check "stops orderly" stop
is "no event twice" "$(jq -r '"\(.program) \(.data.n)"' "$T/x.out" | sort | uniq -d | wc -l)" 0
is "all events of the program that was there all the time" "$(grep -c '"program":"one"' "$T/x.out")" 20
done_testing
