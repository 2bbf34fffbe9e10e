#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The example of ebpf-agent.conf(5), as installed, in the very directories that it names; and a reload that systemd asks for.
. "$(dirname "$0")/lib.sh"

page=/usr/share/man/man5/ebpf-agent.conf.5
check "the page is installed" test -s $page
check "so is the completion" bash -c '. /usr/share/bash-completion/completions/ebpfctl && complete -p ebpfctl'
display() { awk -v mark="$1" 'index($0, ".\\\" " mark) == 1 { on = 1 } on == 1 && /^\.Bd/ { on = 2; next } on == 2 && /^\.Ed/ { exit } on == 2' $page; }
sinkd() { /usr/libexec/ebpf-agent/ebpf-sinkd --check; }
for f in $(sed -nE 's/^\.\\" file: (.*)/\1/p' $page); do
	mkdir -p "$(dirname "$f")"
	display "file: $f" >"$f"
done
bash -c "$(display mask:)"
display output | tr -s ' ' >"$T/wanted"
sinkd | tr -s ' ' >"$T/got"
is "the effective configuration is what the page says" "$(grep -Fxf "$T/wanted" "$T/got")" "$(cat "$T/wanted")"
[ "$(wc -l <"$T/wanted")" -gt 5 ] || not_ok "… which says something"
echo 'keep: 3' >/etc/ebpf-agent/sinkd.d/99-broken.yaml
like "a broken one is refused by its name" "$(sinkd 2>&1)" '/etc/ebpf-agent/sinkd.d/99-broken.yaml:1: keep: unknown key'
rm /etc/ebpf-agent/sinkd.d/99-broken.yaml

if ! systemctl cat ebpf-sinkd.service >/dev/null 2>&1; then
	ok "a reload by systemd # SKIP there is no unit ebpf-sinkd.service in this tree yet"
	done_testing
fi
wait_for 20 booted
check "the unit starts with it" systemctl start ebpf-sinkd
value() { ebpfctl config sinkd --json | jq -r --arg k "$1" '.[$k] | "\(.value) \(.file):\(.line)"'; }
is "the daemon has it" "$(value file.keep)" "50 /etc/ebpf-agent/sinkd.d/40-mine.yaml:3"
echo 'file: { keep: 51 }' >/etc/ebpf-agent/sinkd.d/45-more.yaml
check "a reload" systemctl reload ebpf-sinkd
more() { [ "$(value file.keep)" = "51 /etc/ebpf-agent/sinkd.d/45-more.yaml:1" ]; }
check "… takes what is new" wait_for 10 more
printf 'file: { keep: 52 }\nkeep: 3\n' >/etc/ebpf-agent/sinkd.d/99-broken.yaml
systemctl reload ebpf-sinkd
told() { property ebpf-sinkd StatusText | grep -q 'the new configuration is refused: /etc/ebpf-agent/sinkd.d/99-broken.yaml:2: keep'; }
check "a broken one is told of in systemctl status" wait_for 10 told
is "… and nothing of it is taken" "$(value file.keep)" "51 /etc/ebpf-agent/sinkd.d/45-more.yaml:1"
is "… and the unit runs on" "$(property ebpf-sinkd ActiveState)" active
like "… and ebpfctl status says it" "$(ebpfctl status)" 'config: /etc/ebpf-agent/sinkd.d/99-broken.yaml:2: keep: unknown key'
rm /etc/ebpf-agent/sinkd.d/99-broken.yaml
check "without it" systemctl reload ebpf-sinkd
well() { ! ebpfctl status | grep -q 99-broken && ! property ebpf-sinkd StatusText | grep -q refused; }
check "… nobody speaks of it any more" wait_for 10 well
done_testing
