#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What sdk/README.md tells a reader to write works as it stands there: its C, its cc line and its YAML are cut out and run.
. "$(dirname "$0")/lib.sh"

# block LANGUAGE [N]: the N-th of it
block() { awk -v lang="\`\`\`$1" -v n="${2:-1}" '$0 == lang && !--n { on = 1; next } /^```/ { if (on) exit } on' "$ROOT/sdk/README.md"; }
# A clone of this test's own: nothing is written into the other one.
cp -r "$ROOT/sdk" "$ROOT/abi" "$ROOT/programs" "$T/"
cd "$T" || exit 1
block c >my_processor.c
block c 2 >my_load.c
block sh >compile.sh
block yaml >mine.yaml
check "C, a compiler's line and YAML are there" eval "[ -s my_processor.c ] && [ -s mine.yaml ] && grep -q '^cc ' compile.sh"
check "it compiles as the README says" sh -e compile.sh
check "so do the functions around a load" cc -shared -fPIC -O2 -Wall -Wextra -Werror -Isdk -Iabi my_load.c -o my_load.so
check "it compiles with what is installed in one folder" eval "mkdir installed && cp abi/*.h sdk/*.h installed &&
	cc -shared -fPIC -O2 -Iinstalled my_processor.c -o installed.so"
if command -v go >/dev/null; then
	block go >my_processor.go
	block sh 2 >go.sh
	check "so does the one in Go" eval "(mkdir in_go && cp -r sdk my_processor.go in_go && cd in_go && sh -e ../go.sh && nm -D my_processor.so | grep -q ' T process$')"
else
	ok "so does the one in Go # SKIP there is no go on PATH"
fi
check "it passes check --artifacts" "$BIN/ebpfctl" check --artifacts mine.yaml
start x "$T/mine.yaml" || { not_ok "it loads"; done_testing; }
ok "it loads"
sh -c 'exit 37'
check "the ledger balances" balanced 5
check "stops orderly" stop
is "it reports who ended, and how" "$(jq -r 'select(.event == "mine" and .data.code == 37) | .data.comm' x.out | sort -u | grep -x sh)" sh
done_testing
