#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The man pages: whole, clean, with every verb, option and key that the binaries know, and with examples that are right.
. "$(dirname "$0")/lib.sh"
export BUILD
MAN=$BUILD/man
command -v mandoc >/dev/null || skip_all "mandoc is not installed"

pages="ebpf-agent-program.5 ebpf-agent.conf.5 ebpf-channeld.8 ebpf-loaderd.8 ebpf-sinkd.8 ebpf-tagd.8 ebpf-xdpd.8 ebpfctl.1"
is "the pages that there are" "$(cd "$MAN" && echo *)" "$pages"
for p in $pages; do
	mandoc -Tascii "$MAN/$p" | sed "s/.\x08//g" >"$T/$p.txt"
	mandoc -Tlint -W warning "$MAN/$p" >"$T/lint" 2>&1
	is "$p: nothing to complain of" "$(grep "$p" "$T/lint")" ""
	is "$p: no table left out" "$(grep -c '^@\|%[A-Z]%' "$MAN/$p")" 0
	wanted="NAME DESCRIPTION FILES EXAMPLES SEE"
	[[ $p == *.5 ]] || wanted+=" SYNOPSIS OPTIONS SIGNALS D-BUS EXIT"
	missing=
	for s in $wanted; do grep -q "^$s" "$T/$p.txt" || missing+=" $s"; done
	is "$p: its sections" "$missing" ""
	for x in $(sed -nE 's/^\.Xr (ebpf[a-z.-]*) ([158]).*/\1.\2/p' "$MAN/$p" | sort -u); do
		[ -e "$MAN/$x" ] || not_ok "$p refers to $x, which is not there"
	done
done

# entries PAGE: what its lists have; absent PAGE WORD…: those that no list of it has
entries() { sed -nE 's/^\.It (Cm|Ic|Fl Fl) "?(\\&)?([A-Za-z0-9_\\-]+).*/\3/p' "$MAN/$1" | tr -d '\\' | sort -u; }
absent() { local page=$1; shift; comm -13 <(entries "$page") <(printf '%s\n' "$@" | sort -u) | tr '\n' ' '; }
keys() { sed -E 's/ +#.*//' | sed -nE 's/^ *(- )?([A-Za-z0-9_-]+):.*/\2/p' | grep -vx NAME; }

mapfile -t words < <("$BIN/ebpfctl" schema | keys)
is "every key of a program (${#words[@]})" "$(absent ebpf-agent-program.5 "${words[@]}")" ""
[ ${#words[@]} -gt 40 ] || not_ok "… of which there are more than 40"
for d in $DAEMONS; do
	mapfile -t words < <("$BIN/ebpf-$d" --schema | keys)
	is "every key of $d (${#words[@]})" "$(absent ebpf-agent.conf.5 "${words[@]}")" ""
	mapfile -t words < <("$BIN/ebpf-$d" --help | sed -nE 's/^ +--([a-z-]+).*/\1/p')
	is "every option of $d (${#words[@]})" "$(absent "ebpf-$d.8" "${words[@]}")" ""
	[ ${#words[@]} -ge 5 ] || not_ok "… of which there are at least five"
done
mapfile -t verbs < <("$BIN/ebpfctl" help | sed -n '/^Verbs:/,/^$/p' | sed -nE 's/^  ([a-z]+) .*/\1/p')
is "every verb of ebpfctl (${#verbs[@]})" "$(absent ebpfctl.1 "${verbs[@]}")" ""
[ ${#verbs[@]} -ge 12 ] || not_ok "… of which there are at least twelve"
mapfile -t words < <(for v in "${verbs[@]}"; do "$BIN/ebpfctl" help "$v"; done | sed -nE 's/^  --([a-z-]+).*/\1/p' | sort -u)
is "every option of ebpfctl (${#words[@]})" "$(absent ebpfctl.1 "${words[@]}")" ""
like "a key with its form, its meaning and its bounds" "$(grep -A 4 'keep: NUMBER' "$T/ebpf-agent.conf.5.txt" | tr -s ' \n' '  ')" 'Rotated files .* Default: 5; from 1 to 1000\.'

# The examples: `.\" example: NAME` before a display.
awk -v t="$T" '/^\.\\" example: / { name = $3 } /^\.Ed/ { out = "" } out { print > out } /^\.Bd/ && name { out = t "/" name; name = "" }' \
	"$MAN/ebpf-agent-program.5"
n=0
for f in "$T"/*.yaml; do
	check "the example $(basename "$f") is right" "$BIN/ebpfctl" check "$f"
	n=$((n + 1))
done
is "that many examples" "$n" "$(grep -c '^\.\\" example: ' "$MAN/ebpf-agent-program.5")"
sed 's/rotate-size/rotate-sise/; s/ring_buffer/ring/' "$T/hello.yaml" >"$T/bad.yaml"
check "… and a wrong one would not be" bash -c "! '$BIN/ebpfctl' check '$T/bad.yaml'"

DESTDIR=$T/root PREFIX=/usr "$ROOT/scripts/install" >"$T/install.out" 2>&1
is "they are installed" "$(cd "$T/root/usr/share/man" && find . -type f | wc -l)" 8
is "and so is the completion" "$(find "$T/root/usr/share/bash-completion/completions" -name ebpfctl | wc -l)" 1
done_testing
