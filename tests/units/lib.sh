# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# The end-to-end tests of the path, each a link to its file in tests/e2e, against the units as installed, with their sandboxing on.
EBPF_AGENT_UNITS=1
. "$(dirname "${BASH_SOURCE[0]}")/../e2e/lib.sh"
