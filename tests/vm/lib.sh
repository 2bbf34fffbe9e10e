# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# For tests of what the running kernel may lack: as tests/systemd/lib.sh, in QEMU, under Debian's own kernel.
MACHINE=qemu
. "$(dirname "${BASH_SOURCE[0]}")/../systemd/lib.sh"
