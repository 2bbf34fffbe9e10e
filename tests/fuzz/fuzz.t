#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Each fuzzer over what its corpus holds, then over as many inputs of its own making, the same ones each time: a small part of
# `make fuzz`.
cd "$(dirname "$0")/../.." || exit
N=0 FAILED=0
ok() { N=$((N + 1)); echo "ok $N - $*"; }
not_ok() { N=$((N + 1)); FAILED=1; echo "not ok $N - $*"; sed 's/^/#   /' "$T/log" | head -60; }
[ -z "${SAN:-}" ] || { echo "1..0 # SKIP the fuzzers have sanitizers of their own, in the plain build"; exit 0; }
T=$(mktemp -d /tmp/ebpf-agent-fuzz.XXXXXX)
trap 'rm -rf "$T"' EXIT
export TMPDIR=$T
run() { # NAME RUNS FOLDER…
	local name=$1 runs=$2
	shift 2
	[ ! -e "tests/fuzz/$name.dict" ] || set -- "-dict=tests/fuzz/$name.dict" "$@"
	"build/fuzz/bin/fuzz_$name" -seed=1 -runs="$runs" -max_len=2048 -timeout=60 -rss_limit_mb=2048 -artifact_prefix="$T/" "$@" >"$T/log" 2>&1
}
for f in tests/fuzz/fuzz_*.c; do
	name=${f##*/fuzz_} name=${name%.c}
	mkdir "$T/$name"
	inputs=$(find "tests/fuzz/corpus/$name" -type f -o -type l 2>/dev/null | wc -l)
	if [ "$inputs" -gt 0 ]; then
		run "$name" 0 "tests/fuzz/corpus/$name" && ok "$name: what it begins with, and what once failed ($inputs)" || not_ok "$name: its corpus"
		cp -L "tests/fuzz/corpus/$name"/* "$T/$name"
	fi
	run "$name" 3000 "$T/$name" && ok "$name: 3000 inputs" || not_ok "$name: 3000 inputs; longer with: make fuzz SECONDS=60"
	grep -q '^stat::\|DONE' "$T/log" || not_ok "$name: it says that it is through"
done
# A clone has no folder of inputs for this one.
scripts/fuzz 1 build/fuzz/bin/fuzz_tcpstate >"$T/log" 2>&1 && ok "make fuzz runs one that begins with nothing" || not_ok "make fuzz runs one that begins with nothing"
echo "1..$N"
exit $FAILED
