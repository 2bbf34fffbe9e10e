#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Configuration in three directories, of a daemon that runs: what is in effect and where it comes from, what is refused and how, and what
# is said of it.
. "$(dirname "$0")/lib.sh"
command -v dbus-daemon >/dev/null || skip_all "dbus-daemon is not installed"

# ---- a sinkd of its own, on a bus of its own; what it tells the service manager is in $T/notify
mkdir -p "$T"/{run,lib,log} "$T"/usr/sinkd.d "$T"/vol/sinkd.d "$T"/etc/sinkd.d
export EBPF_AGENT_RUNTIME_DIR=$T/run EBPF_AGENT_STATE_DIR=$T/lib EBPF_AGENT_LOG_DIR=$T/log EBPF_AGENT_CONFIG_DIR=$T/usr:$T/vol:$T/etc
export DBUS_SYSTEM_BUS_ADDRESS=unix:path=$T/bus
dbus-daemon --session --address="$DBUS_SYSTEM_BUS_ADDRESS" --nofork --nopidfile 2>"$T/dbus.err" & PIDS+=($!)
python3 - "$T/notify.sock" "$T/notify" <<'P' & PIDS+=($!)
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
with open(sys.argv[2], "w", buffering=1) as f:
    while True:
        f.write(s.recv(8192).decode().replace("\n", " ") + "\n")
P
wait_for 10 test -S "$T/notify.sock" -a -S "$T/bus" || not_ok "a bus and a manager"
NOTIFY_SOCKET=$T/notify.sock "$BIN/ebpf-sinkd" 2>"$T/sinkd.err" & SINKD=$!
PIDS+=("$SINKD")
ctl() { "$BIN/ebpfctl" ${BUS:+--bus "$BUS"} "$@"; }	# the one of the environment, until there is an instance
state() { ctl status --json | jq -r '.[] | select(.daemon == "sinkd") | .state'; }
is_so() { [ "$(state)" = "$1" ]; }
why() { ctl status --json | jq -r '.[] | select(.daemon == "sinkd") | .degraded[]'; }
value() { ctl config sinkd --json | jq -rc --arg k "$1" '.[$k] | [.value, .file, .line] | map(tostring) | join(" ")'; }
reload() { busctl --address="$DBUS_SYSTEM_BUS_ADDRESS" call org.ebpfagent.sink1 /org/ebpfagent/sink1 org.ebpfagent.daemon1 Reload 'a{sv}' 0 2>&1; }
check "a sinkd without any file runs" wait_for 10 is_so running
is "all its values are defaults" "$(ctl config sinkd | grep -c '# default$') $(ctl config sinkd | grep -c '#')" \
	"$(ctl config sinkd --json | jq length) $(ctl config sinkd --json | jq 'map(select(.file == null and .line == null)) | length')"
is "what is printed is a configuration itself" "$(ctl config sinkd >"$T/printed.yaml"; mkdir "$T/again"; cp "$T/printed.yaml" "$T/again/sinkd.yaml"; "$BIN/ebpf-sinkd" --check --config "$T/again" | sed 's/ *#.*//')" \
	"$(sed 's/ *#.*//' "$T/printed.yaml")"

# ---- the example of ebpf-agent.conf(5), word by word
page=$BUILD/man/ebpf-agent.conf.5
where() { sed "s#/usr/lib/ebpf-agent#$T/usr#; s#/run/ebpf-agent/config#$T/vol#; s#/etc/ebpf-agent#$T/etc#"; }
display() { awk -v mark="$1" 'index($0, ".\\\" " mark) == 1 { on = 1 } on == 1 && /^\.Bd/ { on = 2; next } on == 2 && /^\.Ed/ { exit } on == 2' "$page"; }
for f in $(sed -nE 's/^\.\\" file: (.*)/\1/p' "$page"); do display "file: $f" >"$(where <<<"$f")"; done
bash -c "$(display mask: | where)"
is "the page's example has its files" "$(cd "$T" && find usr vol etc ! -type d | wc -l)" 5
is "a reload takes them" "$(reload)" ""
display output | where | tr -s ' ' >"$T/wanted"
ctl config sinkd | tr -s ' ' >"$T/got"
is "the effective configuration is what the man page says" "$(grep -Fxf "$T/wanted" "$T/got")" "$(cat "$T/wanted")"
is "… with as many values that have no default" "$(grep -vc '# default$\|:$' "$T/got")" "$(grep -vc '# default$\|:$' "$T/wanted")"
is "in JSON" "$(value file.keep)" "50 $T/etc/sinkd.d/40-mine.yaml 3"
is "… and of a default" "$(value tail.clients)" "64 null null"
is "the files say the same" "$("$BIN/ebpf-sinkd" --check | tr -s ' ')" "$(cat "$T/got")"
rm "$T/etc/sinkd.d/60-tails.yaml"
reload >/dev/null
is "without its mask it counts" "$(value tail.clients)" "8 $T/usr/sinkd.d/60-tails.yaml 2"
: >"$T/etc/sinkd.d/60-tails.yaml"
reload >/dev/null
is "an empty file masks as well" "$(value tail.clients)" "64 null null"

# ---- one is broken: all of it is refused
printf 'tail: { clients: 9 }\n' >"$T/etc/sinkd.d/10-good.yaml"
printf '# fine\nfile:\n  rotate-sise: 1M\n' >"$T/vol/sinkd.d/70-broken.yaml"
# heard MARK: all that the service manager was sent so far is in $T/notify
heard() {
	python3 -c 'import socket, sys; socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(sys.argv[2].encode(), sys.argv[1])' "$T/notify.sock" "MARK=$1"
	wait_for 5 grep -qx "MARK=$1" "$T/notify"
}
heard before; before=$(wc -l <"$T/notify")
like "a broken one is refused with file and line" "$(reload)" "vol/sinkd.d/70-broken.yaml:3: rotate-sise: unknown key.*did you mean \"rotate-size\""
is "what was in effect still is, whole" "$(ctl config sinkd | tr -s ' ')" "$(cat "$T/got")"
is "status says it" "$(state)" degraded
like "… with file and line" "$(why)" "config: .*/vol/sinkd.d/70-broken.yaml:3: rotate-sise"
heard after
is "the service manager heard of a reload, and of its end" "$(tail -n "+$((before + 1))" "$T/notify" | grep -oE '^(RELOADING|READY)=1' | tr '\n' ' ')" "RELOADING=1 READY=1 "
like "… and what became of it" "$(tail -n "+$((before + 1))" "$T/notify" | grep READY)" 'STATUS=[0-9]+ programs.*; the new configuration is refused: .*70-broken.yaml:3'
rm "$T/vol/sinkd.d/70-broken.yaml"
kill -HUP "$SINKD"
mended() { is_so running && [ "$(value tail.clients)" = "9 $T/etc/sinkd.d/10-good.yaml 1" ]; }
check "without it, SIGHUP takes the rest" wait_for 10 mended
as_before() { tail -1 "$T/notify" | grep -qE 'READY=1 STATUS=[0-9]+ programs, [0-9]+ tails$'; }
check "the service manager's status is as before" wait_for 5 as_before

# ---- drop-ins that are no text
high() { awk '/^VmHWM/ { print $2 }' "/proc/$SINKD/status"; }
odd=$T/vol/sinkd.d/50-odd.yaml
refused() {	# refused WHAT REGEX
	local before took text
	before=$(date +%s%N)
	text=$(reload)
	took=$((($(date +%s%N) - before) / 1000000))
	like "$1: refused by name" "$text" "vol/sinkd.d/50-odd.yaml.*$2"
	[ $took -lt $((2000 * PATIENCE)) ] || not_ok "$1: quickly: $took ms"
	is "$1: nothing changes" "$(value file.keep)" "50 $T/etc/sinkd.d/40-mine.yaml 3"
	check "$1: --check says so, too" eval "timeout $((5 * PATIENCE)) '$BIN/ebpf-sinkd' --check 2>&1 >/dev/null | grep -q 50-odd"
	rm -rf "$odd"
}
before=$(high)
mkfifo "$odd"; refused "a FIFO" 'is a FIFO'
mkdir "$odd"; refused "a folder" 'is a directory'
python3 -c 'import socket, sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])' "$odd"; refused "a socket" ''
truncate -s 1G "$odd"; refused "1 GB" 'larger than'
{ echo -n 'a: '; head -c 1048570 /dev/zero | tr '\0' '{'; } >"$odd"; refused "a megabyte of brackets" ''
cp "$BIN/ebpf-tagd" "$odd"; truncate -s 500K "$odd"; refused "a binary" ''
printf 'log-level: info\0\n' >"$odd"; refused "a NUL byte" ''
ln -s nowhere "$odd"; refused "a dangling link" 'a link to what is not there'
ln -s 50-odd.yaml "$odd"; refused "a link to itself" 'levels of symbolic links'
ln -s /dev/zero "$odd"; refused "/dev/zero" 'is a device'
ln -s /proc/self/mem "$odd"; refused "memory" ''
ln -s /proc/self/cmdline "$odd"; refused "what only says that it is empty" ''
printf -- '- log-level\n' >"$odd"; refused "a list" ':1: a configuration must be a mapping'
grown=$(($(high) - before))
if [ -n "${SAN:-}" ]; then ok "memory # SKIP a sanitizer keeps what was freed"
elif [ $grown -lt 16384 ]; then ok "its memory does not grow ($grown KiB at the most)"
else not_ok "its memory does not grow: $grown KiB"; fi
mv "$T/vol/sinkd.d" "$T/aside"; mkfifo "$T/vol/sinkd.d"
like "a FIFO for a folder" "$(reload)" 'vol/sinkd.d: Not a directory'
rm "$T/vol/sinkd.d"; mkdir "$T/vol/sinkd.d"
for i in {1000..2100}; do echo 'log-level: info' >"$T/vol/sinkd.d/$i.yaml"; done
like "too many" "$(reload)" 'vol/sinkd.d: more than 1024 files'
rm -r "$T/vol/sinkd.d"; mv "$T/aside" "$T/vol/sinkd.d"
is "after all that a good one is taken" "$(reload)$(state)" running

# A name that is no UTF-8 may stand in no message of the bus.
bad=$T/vol/sinkd.d/$'60-\xff\n.yaml'
echo 'keep: 3' >"$bad"
like "a name that is no text" "$(reload)" 'sinkd.d/60-.*:1: keep: unknown key'
is "… is said in status" "$(state) $(why | grep -c '^config: .*:1: keep: unknown key')" "degraded 1"
echo 'log-level: info' >"$bad"
is "… and if it is right, taken" "$(reload)$(state)" running
like "… and its values say where they come from" "$(ctl config sinkd)" '^log-level: info +# .*/sinkd.d/60-.*:1$'
check "… in JSON" json_is '."log-level".line == 1' <(ctl config sinkd --json)
rm "$bad"; reload

# ---- an option, a hang, an end
like "an option that is none" "$(busctl --address="$DBUS_SYSTEM_BUS_ADDRESS" call org.ebpfagent.sink1 /org/ebpfagent/sink1 org.ebpfagent.daemon1 GetConfig 'a{sv}' 1 jsom b true 2>&1)" "unknown option 'jsom'"
like "an option of a wrong type" "$(busctl --address="$DBUS_SYSTEM_BUS_ADDRESS" call org.ebpfagent.sink1 /org/ebpfagent/sink1 org.ebpfagent.daemon1 GetConfig 'a{sv}' 1 json s true 2>&1)" "json"
kill -STOP "$SINKD"
before=$(date +%s%N)
is "one that hangs is said to" "$(state)" silent
took=$((($(date +%s%N) - before) / 1000000))
[ $took -lt $((6000 * PATIENCE)) ] && ok "… in bounded time" || not_ok "… in bounded time: $took ms"
like "… in words" "$(ctl status)" '^sinkd +silent .*did not answer within 3 s'
ctl config sinkd >"$T/out" 2>&1; is "its configuration cannot be had" "$? $(cat "$T/out")" "1 ebpfctl: ebpf-sinkd did not answer: it died, or takes too long"
kill -CONT "$SINKD"
check "it answers again" wait_for 10 is_so running
is "uptime is counted" "$(ctl status --json | jq '.[] | select(.daemon == "sinkd") | .uptime_s > 0 and .started_at_usec > 0')" true
like "those that are not there are said to be" "$(ctl status)" '^tagd +not running '
kill "$SINKD"; wait "$SINKD"; is "it ends in good order" $? 0
forget "$SINKD"
echo 'file: { keep: 0 }' >"$odd"
: >"$T/notify"
NOTIFY_SOCKET=$T/notify.sock timeout 20 "$BIN/ebpf-sinkd" 2>"$T/start.err"; is "an invalid one at the start: it ends" $? 1
like "… says why" "$(cat "$T/start.err")" '50-odd.yaml:1: keep: 0 is out of bounds .expected a number from 1 to 1000'
told() { grep -q 'STATUS=.*50-odd.yaml:1: keep' "$T/notify"; }
check "… and tells the service manager" wait_for 5 told
rm "$odd"

# ---- programs.d, by the same rules
unset EBPF_AGENT_RUNTIME_DIR EBPF_AGENT_STATE_DIR EBPF_AGENT_LOG_DIR EBPF_AGENT_CONFIG_DIR DBUS_SYSTEM_BUS_ADDRESS
P=$T/conf/programs.d
mkdir -p "$P"
one() { printf 'name: %s\nprograms:\n  - { name: tick, type: ebpf_object, path: %s, properties: %s }\nchannels:\n  ticks: { type: ring_buffer }\n' "$1" "$BUILD/tests/bpf/tick_big.bpf.o" "$TICKS"; }
one first >"$P/10-first.yaml"
one last >"$P/90-last.yaml"
mkfifo "$P/20-fifo.yaml"; mkdir "$P/30-folder.yaml"; truncate -s 1G "$P/40-large.yaml"; head -c 4096 /dev/urandom >"$P/50-binary.yaml"
ln -s nowhere "$P/60-dangling.yaml"; : >"$P/70-empty.yaml"; ln -s /dev/null "$P/80-null.yaml"
if start x --config "$T/conf"; then
	has() { [ "$(ctl list --json | jq -r '[.[] | select(.state == "loaded") | .program] | sort | join(" ")')" = "$1" ]; }
	check "declared programs that are right are loaded" wait_for 10 has "first last"
	ctl status --json | jq -r '.[] | select(.daemon == "loaderd") | .degraded[]' >"$T/said"
	like "a FIFO is said" "$(cat "$T/said")" '20-fifo.yaml: is a FIFO, not a file'
	like "a folder is said" "$(cat "$T/said")" '30-folder.yaml: is a directory, not a file'
	like "1 GB is said" "$(cat "$T/said")" '40-large.yaml: 1073741824 bytes: larger than'
	like "a binary is said" "$(cat "$T/said")" '50-binary.yaml'
	like "a dangling link is said" "$(cat "$T/said")" '60-dangling.yaml: is a link to what is not there'
	is "masks are not" "$(grep -c '70-empty\|80-null' "$T/said")" 0
	: >"$P/90-last.yaml"
	kill -HUP "$(daemon_pid loaderd)"
	check "what is masked is unloaded" wait_for 10 has first
	check "stops in good order" stop
else
	not_ok "an instance with odd files in programs.d gets ready"
fi
done_testing
