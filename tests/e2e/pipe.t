#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Lines written into a FIFO: what forms they have, and that each comes once and in its writer's order, whoever is killed
# meanwhile.
. "$(dirname "$0")/lib.sh"

cat >"$T/forms.yaml" <<'Y'
programs: []
channels:
  lines: { type: pipe }
Y
start x "$T/forms.yaml" || { not_ok "an instance with a pipe gets ready"; done_testing; }
ok "an instance with a pipe gets ready"
fifo=$T/x/lib/pipe/forms.lines
is "its FIFO is there, for the group" "$(stat -c '%F %a' "$fifo")" "fifo 660"
{
	printf '{"a":[1,2]}\n12\n"text"\n  {"b": 1}  \n'
	printf 'pid=7 comm="a \\"b\\" c" ratio=0.5 state=R minus=-1 octal=007\n'
	printf 'no pairs here\nk=v and words\na=1 a=2\n{"half":\n\n'
	printf 'bad \xff byte\nnul\0s\0\n'
	head -c 300000 /dev/zero | tr '\0' x
	printf '\nbehind the giant\n'
} >"$fifo"
wait_for 5 eval "grep -q behind $T/x.out"
row() { ctl ledger forms --json | jq -c '.channels[0] | [.produced, .pending, .ring_full, .live]'; }
worker=$(worker_pid forms)
kill -STOP "$worker"
printf 'while nobody reads\n' >"$fifo"
is "the ledger: lines that nobody took yet cannot be counted" "$(row)" '["unknown","unknown",0,true]'
kill -CONT "$worker"
printf 'the last one has no line feed' >"$fifo"
check "a line without its end waits; a FIFO drops nothing, and who wrote how much is unknown" \
	wait_for 5 eval '[ "$(row)" = "[\"unknown\",1,0,false]" ]'
is "a giant line is counted, once" "$(ctl ledger forms --json | jq '[.events[].oversize] | add')" 1

# What was read and is not accounted for yet lies in a file; without it nobody knows what that was.
is "none is lost" "$(ctl ledger forms --json | jq -r '.channels[0].lost')" 0
inside channeld rm "$RUN/spool/forms.lines.pipe"
kill_one forms
lost() { [ "$(ctl ledger forms --json | jq -r '.channels[0].lost')" = unknown ]; }
check "it is removed, with half a line in it: lost is unknown" wait_for 10 lost
printf ', but this one has\n' >"$fifo"
check "it goes on" wait_for 5 grep -q 'but this' "$T/x.out"
printf 'the last one has no line feed' >"$fifo"
is "and no id comes twice" "$(jq -r .id "$T/x.out" | sort | uniq -d | wc -l)" 0
path=$(ctl show forms --json | jq -r '.channels[0].path')
printf 'programs: []\nchannels: { lines: { type: pipe, pinpath: %s } }\n' "$path" >"$T/again.yaml"
second() { ! ctl load "$T/again.yaml" 2>"$T/err" && grep -q "the FIFO $path: another channel reads it already" "$T/err"; }
check "nobody else may read it" second
check "which leaves it there" test -p "$fifo"
check "unloads" ctl unload forms
check "and the FIFO is gone" test ! -e "$fifo"
check "stops orderly" stop
cat >"$T/wanted" <<'E'
{"a":[1,2]}
12
"text"
{"b":1}
{"pid":7,"comm":"a \"b\" c","ratio":0.5,"state":"R","minus":-1,"octal":"007"}
{"line":"no pairs here"}
{"line":"k=v and words"}
{"line":"a=1 a=2"}
{"line":"{\"half\":"}
{"line":"bad � byte"}
{"line":"nuls"}
{"line":"behind the giant"}
{"line":"while nobody reads"}
{"line":", but this one has"}
{"line":"the last one has no line feed"}
E
compare "JSON, pairs and text" <(jq -c .data "$T/x.out") "$T/wanted"

# What is no FIFO of ours is left alone.
touch "$T/file"; ln -s "$T/file" "$T/link"; mkfifo "$T/other"; chown 1 "$T/other"
for what in file link other; do
	printf 'programs: []\nchannels: { lines: { type: pipe, pinpath: %s } }\n' "$T/$what" >"$T/refused.yaml"
	like "refused: $what" "$("$BIN/ebpfctl" run "$T/refused.yaml" 2>&1)" "channel 'lines': the FIFO"
	check "and left there" test -e "$T/$what"
done

cat >"$T/many.yaml" <<'Y'
programs: []
spool: { size: 256K }
channels:
  lines: { type: pipe }
Y
start y "$T/many.yaml" || { not_ok "an instance with a small spool gets ready"; done_testing; }
ok "an instance with a small spool gets ready"
fifo=$T/y/lib/pipe/many.lines
EACH=25000
writers=()
for w in 1 2 3 4; do
	seq "$EACH" | awk -v w=$w '{ print "w=" w " n=" $1 " pad=0123456789"; fflush(); if ($1 % 100 == 0) system("sleep 0.02") }' >"$fifo" &
	writers+=($!)
done
PIDS+=("${writers[@]}")
both_hold() { holds channeld many.lines && holds loaderd many.lines && all_alive many; }
kills=0
while kill -0 "${writers[@]}" 2>/dev/null; do
	sleep 0.0$((RANDOM % 90 + 10))
	# Writers need somebody who has the FIFO open: of loaderd and channeld one is there, and its worker is up again.
	[ $((kills % 6)) -lt 4 ] || wait_for 10 both_hold
	case $((kills % 6)) in
	4) kill_one channeld ;;
	5) kill_one loaderd ;;
	*) kill_one many ;;
	esac && kills=$((kills + 1))
done
wait "${writers[@]}"
for w in "${writers[@]}"; do forget "$w"; done
check "some kills ($kills)" test $kills -gt 5
wait_for 5 all_alive many channeld loaderd && wait_for 5 ctl ledger many
lost() { ctl ledger many --json | jq -r '.channels[0].lost'; }
is "of the two that hold it one was always there: none is lost" "$(lost)" 0
size() { python3 -c 'import fcntl, os, sys; print(fcntl.fcntl(os.open(sys.argv[1], os.O_RDWR | os.O_NONBLOCK), fcntl.F_GETPIPE_SZ))' "$fifo"; }
check "its size is what tells" test "$(size)" != "$(python3 -c 'import fcntl, os; print(fcntl.fcntl(os.pipe()[0], fcntl.F_GETPIPE_SZ))')"
before=$(size)
settled() { [ "$(wc -l <"$T/y.out")" = $((4 * EACH)) ]; }
check "all of it is delivered" wait_for 10 settled
worker=$(worker_pid many)
kill -STOP "$worker"
printf 'gone\n' >"$fifo"
kill -9 "$(daemon_pid channeld)" "$(daemon_pid loaderd)" "$worker"
unknown() { [ "$(lost)" = unknown ]; }
check "both die, and with them what lay in the FIFO: lost is unknown" wait_for 20 unknown
check "and status says why" wait_for 5 eval 'ctl status | grep -q "lines in its FIFO were lost"'
is "it holds as much as before" "$(size)" "$before"
check "everybody is back" wait_for 10 all_alive many channeld loaderd
kill_one loaderd
check "a later loaderd" wait_for 10 ctl list
check "does not forget it" wait_for 10 unknown
check "unloads" ctl unload many
check "stops orderly" stop
jq -r '.data | "\(.w) \(.n)"' "$T/y.out" >"$T/got"
for w in 1 2 3 4; do
	compare "writer $w: each line once, in order" <(awk -v w=$w '$1 == w { print $2 }' "$T/got") <(seq "$EACH")
done
is "and nothing else" "$(wc -l <"$T/got")" $((4 * EACH))
done_testing
