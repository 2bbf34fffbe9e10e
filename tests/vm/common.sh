# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# For the scripts of this folder, on the host's side: where things lie, and how trouble is said.
set -euo pipefail
export LC_ALL=C
PATH=$PATH:/usr/sbin:/sbin
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
BUILD=${BUILD:-$ROOT/build}
# What takes long to make is shared by all who set this, other checkouts included.
VM=${EBPF_AGENT_VM_DIR:-$ROOT/build/vm}

say() { echo "$(basename "$0"): $*" >&2; }
die() { say "$*"; exit 1; }
# need TOOL PACKAGE
need() { command -v "$1" >/dev/null || die "$1 is not installed: package $2 (scripts/deps installs all that is needed)"; }
# cached DIR KEY MAKE…: DIR is there whole and as KEY says, or is made beside it by `MAKE… DIR.new` and put in its place; one maker at
# a time. MAKE may use set -e: an error ends the script.
cached() {
	dir=$1
	local key=$2 lock
	shift 2
	mkdir -p "$VM"
	exec {lock}>"$dir.lock"
	flock "$lock"
	if [ "$(cat "$dir.key" 2>/dev/null)" != "$key" ] || [ ! -d "$dir" ]; then
		rm -rf --one-file-system "$dir" "$dir.new" "$dir.key"
		trap 'rm -rf --one-file-system "$dir.new"; say "$dir was not made"' EXIT
		trap 'exit 1' INT TERM HUP
		"$@" "$dir.new"
		trap - EXIT INT TERM HUP
		mv "$dir.new" "$dir"
		echo "$key" >"$dir.key"
	fi
	exec {lock}>&-
}
