# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# enter [OPTION…]: a test that runs on the host goes on in a machine of its own, made by the runner that MACHINE names (nspawn, qemu).
enter() {
	local here test why
	[ -z "${EBPF_AGENT_INSIDE:-}" ] || return 0
	here=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
	[ -z "${SAN:-}" ] || { echo "1..0 # SKIP a build with sanitizers is tried on the host only"; exit 0; }
	why=$("$here/tests/vm/$MACHINE" --check) || { echo "1..0 # SKIP no $MACHINE: $why"; exit 0; }
	test=$(realpath -s "$0")
	exec "$here/tests/vm/$MACHINE" -t "${TEST_LIMIT:-900}" "$@" "${test#"$here"/}"
}
