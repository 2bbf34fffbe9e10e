#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# bash's completion of ebpfctl: by its function, as bash calls it, and by the tabulator key of a shell on a terminal.
. "$(dirname "$0")/lib.sh"
start x "$ROOT/programs/exec.yaml" "$ROOT/programs/tcpstate.yaml" || { not_ok "an instance gets ready"; done_testing; }
mkdir -p "$T/w/folder" && cd "$T/w" || exit 1
touch hello.yaml 'two words.yml' hello.bpf.o folder/deep.yaml

# completed WORD… : what is offered for the last of these words, the first being ebpfctl
completed() {
	PATH=$BIN:$PATH DBUS_SYSTEM_BUS_ADDRESS=$BUS PATIENCE=$PATIENCE timeout 60 bash --norc --noprofile -c '
		set -u
		timeout() { command timeout $(($1 * PATIENCE)) "${@:2}"; }
		. "$0"
		COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMP_LINE="$*" COMP_POINT=${#COMP_LINE}
		_ebpfctl ebpfctl "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}" || :
		printf "%s\n" "${COMPREPLY[@]}" | sort | tr "\n" " "
	' "$BUILD/completion/ebpfctl" "$@" 2>&1
}
verbs=$("$BIN/ebpfctl" help | sed -n '/^Verbs:/,/^$/p' | sed -nE 's/^  ([a-z]+) .*/\1/p' | sort | tr '\n' ' ')
is "verbs" "$(completed ebpfctl '')" "$verbs"
is "verbs by their beginning" "$(completed ebpfctl s)" "schema show status "
is "verbs that there is help for" "$(completed ebpfctl help un)" "unload "
is "daemons" "$(completed ebpfctl config '')" "channeld loaderd sinkd tagd xdpd "
is "one daemon is enough" "$(completed ebpfctl config sinkd '')" " "
is "programs, from the bus" "$(completed ebpfctl show '')" "exec tcpstate "
is "programs that were not named yet" "$(completed ebpfctl unload exec '')" "tcpstate "
is "programs behind options" "$(completed ebpfctl unload --timeout 5 --force e)" "exec "
BUS=none completed ebpfctl show '' >"$T/none"
is "no bus, no programs" "$(cat "$T/none")" " "
is "the bus of the command line, as bash parts it" \
	"$(B=$BUS; BUS=none; completed ebpfctl --bus "${B%%:*}" : "${B#*:}" show '')" "exec tcpstate "
is "… and at its equals sign" "$(B=${BUS#unix:path=}; BUS=none; completed ebpfctl --bus unix : path = "$B" show '')" "exec tcpstate "
is "files and folders" "$(completed ebpfctl load '')" "folder hello.yaml two words.yml "
is "files in folders" "$(completed ebpfctl check folder/)" "folder/deep.yaml "
is "several files" "$(completed ebpfctl load hello.yaml fol)" "folder "
is "options of a verb" "$(completed ebpfctl unload --)" "--all --bus --force --help --json --timeout "
is "options before the verb" "$(completed ebpfctl --v)" "--version "
is "what an option takes: folders" "$(completed ebpfctl run --state '')" "folder "
is "what an option takes: a number" "$(completed ebpfctl run --seconds '')" " "
is "nothing behind a verb without arguments" "$(completed ebpfctl status '')" " "
is "nothing behind a verb that is none" "$(completed ebpfctl frob '')" " "
for v in $verbs; do
	opts=$("$BIN/ebpfctl" help "$v" | sed -nE 's/^  (--[a-z-]+).*/\1/p' | sort | tr '\n' ' ')
	[ "$(completed ebpfctl "$v" --)" = "$opts" ] || not_ok "the options of $v: $(completed ebpfctl "$v" --)"
done

pid=$(daemon_pid loaderd)
kill -STOP "$pid"
before=$(date +%s%N)
is "a loaderd that hangs: no programs" "$(completed ebpfctl show '')" " "
took=$((($(date +%s%N) - before) / 1000000))
[ $took -lt $((4000 * PATIENCE)) ] && ok "… and no long wait" || not_ok "… and no long wait: $took ms"
kill -CONT "$pid"

# A shell on a terminal, and the key itself.
cat >"$T/tab.py" <<'P'
import os, pty, re, select, sys, time
script, line, wanted = sys.argv[1:4]
pid, fd = pty.fork()
if pid == 0:
    os.environ.update(PS1="$ ", TERM="dumb", INPUTRC="/dev/null", HISTFILE="/dev/null")
    os.execvp("bash", ["bash", "--norc", "--noprofile", "-i"])
seen = ""
def until(pattern, seconds=20):
    global seen
    end = time.time() + seconds
    while not re.search(pattern, seen):
        if not select.select([fd], [], [], max(0, end - time.time()))[0]:
            sys.exit("waited for %r, saw %r" % (pattern, seen))
        seen += os.read(fd, 4096).decode()
    seen = ""
until(r"\$ ")
os.write(fd, (". '%s'; echo lo''aded\n" % script).encode())
until(r"loaded\r?\n")
os.write(fd, line.encode().decode("unicode_escape").encode())
until(wanted)
os.write(fd, b"\x15exit\n")
try:
    while select.select([fd], [], [], 20)[0]:
        os.read(fd, 4096)
    os.kill(pid, 9)
    sys.exit("the shell does not end")
except OSError:     # it has ended
    os.waitpid(pid, 0)
P
tab() { PATH=$BIN:$PATH DBUS_SYSTEM_BUS_ADDRESS=$BUS timeout 60 python3 "$T/tab.py" "$BUILD/completion/ebpfctl" "$@"; }
check "the key completes a verb" tab 'ebpfctl unl\t' 'ebpfctl unload $'
# A loaderd that takes more than a second to answer has no programs.
check "the key completes a program" eval "tab 'ebpfctl show tcp\t' 'show tcpstate $' || tab 'ebpfctl show tcp\t' 'show tcpstate $'"
check "the key quotes a file's name" tab 'ebpfctl load two\t' 'two\\ words\.yml $'
check "the key goes into a folder" tab 'ebpfctl check fol\t' 'folder/$'
check "stops in good order" stop
cd /
done_testing
