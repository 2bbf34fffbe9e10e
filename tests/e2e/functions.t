#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Functions of a user_so around a load: called in order, in one process, before and after the load; what they ask for is in the kernel; what
# is wrong with one fails the load and leaves nothing behind.
. "$(dirname "$0")/lib.sh"

so=$BUILD/tests/so/hooks.so
object=$BUILD/tests/bpf/functions.bpf.o
# yaml NAME FUNCTIONS [INITFILE [SO]]: $T/NAME.yaml
yaml() {
	cat >"$T/$1.yaml" <<-Y
	programs:
	  - { name: main, type: ebpf_object, path: $object, properties: $TICKS }
	  - { name: hooks, type: user_so, path: ${4:-$so}, properties: { functions: [$2]${3:+, initfile: $3} } }
	channels:
	  found_events: { type: ring_buffer }
	Y
}
printf 'hello\n4711\n' >"$T/first.txt"
yaml good '{ name: init, type: init }, { name: preload, type: preload }, { name: postload, type: postload }, { name: unload, type: unload }' first.txt
mkdir -p "$T/etc"
printf 'artifacts: { roots: [%s, %s] }\nfunctions: { memory: 160M, deadline: 3s }\n' "$T" "$BUILD" >"$T/etc/loaderd.yaml"
check "check finds nothing to warn about" eval "! '$BIN/ebpfctl' check --artifacts '$T/good.yaml' 2>&1 | grep warning"
VERBOSE=-v
[ -z "${EBPF_AGENT_UNITS:-}" ] || VERBOSE=	# a unit's journal has it all
# shellcheck disable=SC2086
start x --config "$T/etc" $VERBOSE "$T/good.yaml" || { not_ok "an instance with functions around its load gets ready"; done_testing; }
ok "an instance with functions around its load gets ready"
says() { grep -qE -- "$1" "$T/x.err"; }
ticker 3
check "the ledger balances" balanced 10

# ---- what is loaded
ctl show good >"$T/show"
for f in "init  init  with the initfile" "preload  preload" "postload  postload" "unload  unload"; do
	check "show lists $f" grep -qE "function +$f\$" "$T/show"
done
digest=$(sha256sum "$T/first.txt" | cut -d' ' -f1)
check "and the initfile with its digest" grep -q "$digest" "$T/show"
check "the initfile is kept in the cache, the same bytes" inside loaderd cmp "$T/first.txt" "$T/x/lib/artifacts/$digest"
check "preload was told of maps and variables" wait_for 5 says 'preload was told .*"stage":"preload".*"section":"tracepoint/syscalls/sys_enter_getpriority","state":"wanted"'
check "postload was told what is attached" wait_for 5 says 'postload was told .*"stage":"postload".*"state":"attached".*"id":[0-9]+'

# ---- what was there before an earlier loaderd's end is there for the next one
kill_one loaderd
check "loaderd is there again" wait_for 10 all_alive loaderd
check "it knows the program" wait_for 10 eval "ctl list | grep -q good"
check "unloads" ctl unload good
check "unload is called, after init, by a loaderd that did not load it" wait_for 5 says 'good: unload function .unload. of hooks: unload is call 2 of its process, told .*"stage":"unload","program":"good"'
check "nothing of it is left" eval "! inside loaderd ls '$RUN/bpf/v1/program' | grep -q good"

# ---- what is refused
pins() { inside loaderd find "$RUN/bpf" "$RUN/manifest" "$T/x/lib/artifacts" -mindepth 1 | sort; }
pins >"$T/pins.before"
# refused NAME REGEX: the file $T/NAME.yaml
refused() {
	local rc
	ctl load "$T/$1.yaml" >"$T/out" 2>"$T/err"; rc=$?
	is "$1: exit status" $rc 1
	like "$1: says why" "$(cat "$T/err")" "$2"
	is "$1: nothing is left" "$(pins)" "$(cat "$T/pins.before")"
}
for type in init preload postload; do
	yaml "crash_$type" "{ name: crash, type: $type }"
	refused "crash_$type" "crash_$type.yaml:3: $type function 'crash' of hooks: its process died of signal 11"
	yaml "leave_$type" "{ name: leave, type: $type }"
	refused "leave_$type" "leave_$type.yaml:3: $type function 'leave' of hooks: it ended its process \(status 3\)"
	yaml "hang_$type" "{ name: hang, type: $type }"
	refused "hang_$type" "hang_$type.yaml:3: $type function 'hang' of hooks: it did not return within 3 s.*deadline"
	yaml "refuse_$type" "{ name: refuse, type: $type }"
	refused "refuse_$type" "$type function 'refuse' of hooks failed with code 42: no, thank you"
done
yaml hoard '{ name: hoard, type: init }'
# A sanitizer's own memory cannot be told from the object's: there only the deadline ends it.
if [ -n "${SAN:-}" ]; then limited="it did not return within 3 s"; else limited="failed with code 5: no more than ([0-9]|[0-9][0-9]|1[0-5][0-9]|160) MiB"; fi
refused hoard "init function 'hoard' of hooks.* $limited"
yaml babble '{ name: babble, type: init }'
refused babble "init function 'babble' of hooks: it has more to say than 4 MiB"

# asks NAME TYPE REQUEST REGEX: a function of TYPE that asks for REQUEST
asks() {
	printf '%s' "$3" >"$T/$1.txt"
	if [ "$2" = init ]; then yaml "$1" '{ name: repeat, type: init }' "$1.txt"
	else yaml "$1" "{ name: keep, type: init }, { name: repeat_kept, type: $2 }" "$1.txt"; fi
	refused "$1" "$4"
}
asks garbage init 'tell me a story' "init function 'repeat' of hooks asks for tell me a story: it is no JSON"
asks cut preload '{"variable":"small"' 'preload function .repeat_kept. of hooks asks for .*: it is no JSON'
asks list init '[1,2]' 'asks for \[1,2\]: expected \{"variable"'
asks more init '{"variable":"small","value":1,"more":2}' 'expected \{"variable"'
asks nobody init '{"variable":"nonesuch","value":1}' "asks for .*nonesuch.*: no object of this program has a variable 'nonesuch'"
asks nomap preload '{"map":"nonesuch","key":1,"value":1}' "no object of this program has a map 'nonesuch'"
asks noitem init '{"variable":"hooks.small","value":1}' "no object of this program has a variable 'hooks.small'"
asks range init '{"variable":"small","value":256}' "asks for .*256.*: 'small': expected an unsigned number of 8 bits, not '256'"
asks type init '{"variable":"greeting","value":{"a":1}}' "'greeting': expected a list"
asks long init '{"variable":"greeting","value":"seventeen letters"}' "'greeting': a text of 17 bytes does not fit into char\[16\]"
asks member preload '{"map":"pairs","key":1,"value":{"c":1}}' "struct pair has no member 'c'"
asks beyond preload '{"map":"pairs","key":4,"value":{"a":1}}' "map 'pairs': the kernel refuses this entry"
asks postvar postload '{"variable":"small","value":1}' 'variables are set before the load'
asks postmap postload '{"map":"pairs","key":4,"value":{"a":1}}' "postload function .* asks for .*the kernel refuses this entry"
asks ring init '{"map":"found_events","key":0,"value":1}' "map 'found_events': maps of its type take no entries"
asks jump init '{"map":"jumps","key":0,"value":3}' "map 'jumps': maps of its type take no entries"
asks counts init '{"map":"found_events_counts","key":0,"value":"hex:00"}' 'counts what programs produce: nobody else writes it'
asks rodata init '{"map":"functio.rodata","key":0,"value":1}' 'has a map'
asks hidden init "$(printf '{"variable":"\033[31msmall","value":1}')" 'it is no JSON'

head -c 20971520 /dev/zero >"$T/large.txt"
yaml large '{ name: keep, type: init }' large.txt
refused large 'large.yaml:3: the initfile .*large.txt has 20971520 bytes: more than 16 MiB'
yaml absent '{ name: keep, type: init }' absent.txt
refused absent 'absent.yaml:3: .*absent.txt: No such file'
check "which check says, too" eval "'$BIN/ebpfctl' check '$T/absent.yaml' 2>&1 | grep -q 'warning: initfile: .*absent.txt: No such file'"
: >"$T/empty.txt"
yaml empty '{ name: keep, type: init }' empty.txt
refused empty 'empty.txt is empty'
yaml outside '{ name: keep, type: init }' /etc/passwd
refused outside 'outside.yaml:3: /etc/passwd: not beneath a folder that artifacts may lie in'
yaml nowhere '{ name: nowhere, type: preload }'
refused nowhere "has no function 'nowhere'"

# ---- what is accepted
yaml noinitfile '{ name: init, type: init }'
sed -i 's/functions: \[.*\]/&, initfile:/' "$T/noinitfile.yaml"
check "an empty initfile: is accepted" ctl load "$T/noinitfile.yaml"
check "with a warning" eval "ctl show noinitfile | grep -q 'initfile: is empty'"
check "unloads" ctl unload noinitfile
head -c $((16 << 20)) /dev/zero >"$T/most.txt"
yaml most '{ name: keep, type: init }' most.txt
check "an initfile of 16 MiB is taken" ctl load "$T/most.yaml"
check "unloads" ctl unload most
yaml badunload '{ name: crash, type: unload }, { name: unload, type: unload }'
check "a program whose unload function crashes is loaded" ctl load "$T/badunload.yaml"
check "and unloaded all the same" ctl unload badunload
check "which is said" wait_for 5 says "badunload: unload function 'crash' of hooks: its process died of signal 11.*; it is unloaded all the same"
yaml hangunload '{ name: hang, type: unload }'
check "one that hangs is loaded" ctl load "$T/hangunload.yaml"
check "and unloaded, by force" ctl unload --force hangunload
check "which is said as well" wait_for 5 says "hangunload: .* it did not return within 3 s"

# ---- what a function may not do
yaml escapes '{ name: try_to_escape, type: init }' '' "$BUILD/tests/so/escapes.so"
loaderd=$(daemon_pid loaderd)
ctl load "$T/escapes.yaml" >"$T/escapes.out" 2>&1; is "a function that tries to escape harms nobody" $? 0
is "loaderd is the same" "$(daemon_pid loaderd)" "$loaderd"
check "all is said" wait_for 5 says 'attempt .*"mmap":0'
worked=$(grep -ohE 'attempt [{]?"[a-z_0-9]+":0' "$T/x.err" | sed 's/.*"\(.*\)":0/\1/' | sort | tr '\n' ' ')
is "what worked is harmless" "$worked" "mmap tgkill_own "
for call in bpf ptrace socket openat kill clone mount; do
	like "$call: whoever loads it is told" "$(cat "$T/escapes.out")" "functions of hooks tried what none may, and were refused: (.*, )?$call [1-9]"
done
check "so is the journal" wait_for 5 says 'escapes: functions of hooks tried what none may, and were refused: '
check "unloads" ctl unload escapes

# ---- the SDK's example
cat >"$T/example.yaml" <<-Y
programs:
  - { name: main, type: ebpf_object, path: $object, properties: $TICKS }
  - name: settings
    type: user_so
    path: $BUILD/sdk/example_load.so
    properties:
      initfile: settings.txt
      functions: [{ name: read_settings, type: init }, { name: check, type: preload },
                  { name: switch_on, type: postload }, { name: say_goodbye, type: unload }]
channels:
  found_events: { type: ring_buffer }
Y
printf '# settings\nvariable small 77\nmap main.settings word 99\nsmall is 7\n' >"$T/settings.txt"
pins >"$T/pins.before"
refused example "example.yaml:8: init function 'read_settings' of settings failed with code 2: line 4 is neither"
sed -i '$d' "$T/settings.txt"
check "the SDK's example loads" ctl load "$T/example.yaml"
ticker 1
check "the ledger balances" balanced 10
check "it says what it set" wait_for 5 says "postload function 'switch_on' of settings: 1 variables and 1 entries are set"
check "unloads" ctl unload example
check "and says goodbye" wait_for 5 says "unload function 'say_goodbye' of settings: goodbye"

# ---- in Go
if command -v go >/dev/null; then
	cp -r "$ROOT/tests/so/gohooks" "$T/go"
	check "functions in Go are built" eval "cd '$T/go' && CGO_ENABLED=1 go build -buildmode=c-shared -o hooks.so ."
	echo "three more words" >"$T/words.txt"
	yaml go '{ name: start, type: init }, { name: finish, type: postload }' words.txt "$T/go/hooks.so"
	check "they load" ctl load "$T/go.yaml"
	check "both are called, in one process" wait_for 5 says "go: postload function 'finish' of hooks: Go counted 3 words"
	check "unloads" ctl unload go
else
	ok "functions in Go # SKIP there is no go on PATH"
fi

# ---- many at once, and a loaderd that ends meanwhile
for n in {1..10}; do
	yaml "many$n" '{ name: hang, type: unload }'
	ctl load "$T/many$n.yaml" >/dev/null || not_ok "many$n is loaded"
done
check "ten programs, whose unload functions hang, are unloaded" ctl unload --all --timeout 60
called() { [ "$(grep -cE "many[0-9]+: unload function 'hang' of hooks: it did not return" "$T/x.err")" = "$1" ]; }
check "and each was called" wait_for 10 called 10
sed -i 's/deadline: 3s/deadline: 60s/' "$T/etc/loaderd.yaml"
reload() { busctl --address="$BUS" call org.ebpfagent.loader1 /org/ebpfagent/loader1 org.ebpfagent.daemon1 Reload 'a{sv}' 0; }
check "the deadline is reloaded" reload
child() { local load; load=$(pgrep -P "$(daemon_pid loaderd)" -x ebpf-load) && pgrep -P "$load" -x ebpf-sandbox; }
gone() { ! kill -0 "$1" 2>/dev/null; }
yaml again '{ name: hang, type: unload }'
check "one more is loaded" ctl load "$T/again.yaml"
ctl unload --force again >/dev/null 2>&1 &
PIDS+=("$!")
check "its function is being called" wait_for 10 child
sandbox=$(child)
kill_one loaderd
check "with loaderd its process ends" wait_for 10 gone "$sandbox"
check "the next loaderd calls it again" wait_for 20 child
kill -9 "$(child)"
check "when it has died, the program is gone" wait_for 10 eval "! ctl list | grep -q again"

# ---- a load that is cancelled takes the function along
pins >"$T/pins.before"
yaml cancelled '{ name: hang, type: init }'
"$BIN/ebpfctl" --bus "$BUS" load "$T/cancelled.yaml" >"$T/out" 2>"$T/err" &
load=$!
PIDS+=("$load")
check "its process is there" wait_for 10 child
sandbox=$(child)
check "and has no capability" grep -q 'CapEff:.*0000000000000000' "/proc/$sandbox/status"
kill -INT "$load"; wait "$load"
check "the load is cancelled" grep -q cancel "$T/err"
check "its process is gone" wait_for 5 gone "$sandbox"
is "nothing is left" "$(pins)" "$(cat "$T/pins.before")"
check "stops orderly" stop

# ---- what events say
check "every line is JSON" all_json "$T/x.out"
of() { jq -c "select(.program == \"$1\").data | $2" "$T/x.out" | sort | uniq -c | sed 's/^ *//'; }
is "the initfile is in .rodata" "$(of good .greeting)" '3 "hello"'
is "and in a map" "$(of good .word)" "3 4711"
is "init was first" "$(of good .init)" "3 1"
is "preload was second" "$(of good .preload)" "3 2"
is "postload was third" "$(of good .postload)" "3 3"
is "a variable of .bss was set" "$(of good .order)" "3 2"
is "one by number" "$(of good .small)" "3 200"
is "an entry by bytes" "$(of good '[.a, .b]')" '3 [7,8]'
is "the SDK's example set a variable and an entry" "$(of example '[.small, .word]')" '1 [77,99]'
done_testing
