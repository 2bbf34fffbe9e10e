#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Programs declared in programs.d are loaded at start and follow a reload; after a kill -9 of loaderd its pins are adopted, never
# loaded twice, and refused, visibly, when they do not belong together.
. "$(dirname "$0")/lib.sh"

mkdir -p "$T/conf/programs.d" "$T/conf/loaderd.d"
echo 'drain-timeout: 3s' >"$T/conf/loaderd.d/drain.yaml"
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

# A file that moves, or that another one stands before, is not gone.
printf 'name: four\nprograms:\n  - { name: tick, type: ebpf_object, path: %s }\n' "$BUILD/tests/bpf/tick_big.bpf.o" >"$T/conf/programs.d/a.yaml"
reload
check "a program may be named otherwise than its file" wait_for 5 has "four one oom three"
mv "$T/conf/programs.d/a.yaml" "$T/conf/programs.d/b.yaml"
reload
moved() { ctl list --json | json_is '.[] | select(.program == "four") | .state == "loaded" and (.file | endswith("/b.yaml"))'; }
check "a file that is renamed keeps its program" wait_for 5 moved
said 'b.yaml' && not_ok "and nobody complains" || ok "and nobody complains"
mv "$T/conf/programs.d" "$T/conf/elsewhere"
touch "$T/conf/programs.d"
reload
check "a folder that cannot be read is said" wait_for 5 said 'programs.d cannot be read'
sleep 1.2
check "and nothing is unloaded because of it" has "four one oom three"
rm "$T/conf/programs.d"
mv "$T/conf/elsewhere" "$T/conf/programs.d"
reload
mended() { ! said 'programs.d cannot be read'; }
check "mended, it is not said any more" wait_for 5 mended
odd=$'\xff.yaml'
cp "$T/conf/programs.d/b.yaml" "$T/conf/programs.d/$odd"
reload
check "a file whose name is not UTF-8 is passed over, visibly" wait_for 5 said 'its name is not UTF-8'
rm "$T/conf/programs.d/$odd"
for i in {10..49}; do sed "s/^name: four/name: many$i/" "$T/conf/programs.d/b.yaml" >"$T/conf/programs.d/many$i.yaml"; done
reload
many() { [ "$(ctl list --json | jq '[.[] | select(.state == "loaded" and (.program | startswith("many")))] | length')" = "$1" ]; }
check "40 at once are loaded, though not all at the same time" wait_for 30 many 40
rm "$T"/conf/programs.d/{b,many??}.yaml
reload
check "and unloaded" wait_for 20 has "one oom three"

# What changes while it is being loaded: nothing is opened while loaderd's broker stands still.
broker=$(pgrep -P "$(daemon_pid loaderd)" -f ebpf-broker)
slow() { printf 'description: %s\nprograms:\n  - { name: x, type: ebpf_object, path: %s }\n' "$1" "$BUILD/tests/bpf/tick.bpf.o" >"$T/conf/programs.d/slow.yaml"; }
under_way() { ctl list --json | json_is 'any(.[]; .program == "slow" and .state == "loading")'; }
kill -STOP "$broker"
slow first
reload
check "a load is under way" wait_for 5 under_way
slow second
reload
sleep 0.3
kill -CONT "$broker"
newest() { [ "$(ctl show slow --json | jq -r .description)" = second ]; }
check "what changed meanwhile is loaded, without being told again" wait_for 10 newest
kill -STOP "$broker"
slow third
reload
check "another one" wait_for 5 under_way
rm "$T/conf/programs.d/slow.yaml"
reload
sleep 0.3
kill -CONT "$broker"
check "what is gone meanwhile is unloaded" wait_for 10 has "one oom three"

# What changes while its sink takes nothing.
declare_tick patient
reload
check "a program for that" wait_for 5 has "one oom patient three"
kill -STOP "$(daemon_pid sinkd)"
ticker 5 100
sed -i '1i description: changed' "$T/conf/programs.d/patient.yaml"
reload
check "an old one that is not drained in time is said" wait_for 8 grep -q 'patient is detached, but' "$T/x.err"
kill -CONT "$(daemon_pid sinkd)"
changed() { [ "$(ctl show patient --json | jq -r '.state + " " + .description')" = "loaded changed" ]; }
check "once it is, the new one is loaded" wait_for 10 changed
rm "$T/conf/programs.d/patient.yaml"
reload
check "and all is as before" wait_for 10 has "one oom three"

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
down loaderd
inside sinkd find "$RUN/bpf/v1/program/three" -path '*/link/*' -type f -delete
up loaderd
check "loaderd is back again" wait_for 5 back
refused() { ctl list --json | json_is '.[] | select(.program == "three") | tostring | test("adoption refused")'; }
check "a program whose link is gone is not taken for a sound one" wait_for 5 refused
check "the others are" has "one oom three"
check "stops orderly" stop
is "no event twice" "$(jq -r 'select(.program != "oom") | "\(.program) \(.data.n)"' "$T/x.out" | sort | uniq -d | wc -l)" 0
is "all events of the program that was there all the time" "$(grep -c '"program":"one"' "$T/x.out")" 25
done_testing
