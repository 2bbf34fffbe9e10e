#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What the README tells a reader to write works as it stands there: its C and its YAML are cut out and run.
. "$(dirname "$0")/lib.sh"

block() { awk -v lang="\`\`\`$1" '$0 == lang { on = 1; next } /^```/ { if (on) exit } on' "$ROOT/README.md"; }
block c >"$T/hello.bpf.c"
block yaml >"$T/hello.yaml"
check "the C is there, and short" test "$(wc -l <"$T/hello.bpf.c")" -gt 20 -a "$(wc -l <"$T/hello.bpf.c")" -le 40
check "the YAML is there, and short" test "$(wc -l <"$T/hello.yaml")" -gt 4 -a "$(wc -l <"$T/hello.yaml")" -le 10
check "it compiles as the README says" clang -target bpf -g -O2 -I"$ROOT/bpf" -I"$ROOT/abi" -c "$T/hello.bpf.c" -o "$T/hello.bpf.o"
check "it passes check --artifacts" "$BIN/ebpfctl" check --artifacts "$T/hello.yaml"
start x "$T/hello.yaml" || { not_ok "it loads"; done_testing; }
ok "it loads"
echo hello >"$T/a file"
cat "$T/a file" >/dev/null
# No look at the ledger here: whoever asks opens files, and so makes events.
check "stops orderly" stop
is "it reports who opened the file" "$(jq -r --arg p "$T/a file" 'select(.data.path == $p and .data.comm == "cat") | .data.comm' "$T/x.out")" cat
done_testing
