#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# In NMI context a ring gives no place while its lock is held, though there is room: agent.bpf.h counts that as nmi, and nothing
# else. The interrupts are a hardware breakpoint's, on the word that the kernel writes under the lock.
. "$(dirname "$0")/lib.sh"

got=$("$BUILD/tests/tools/nmi" "$BUILD/tests/bpf/nmi.bpf.o" 100 2>"$T/err")
[ $? != 3 ] || skip_all "no breakpoint on kernel memory here: $(cat "$T/err")"
is "interrupts, produced, ring_full, nmi" "$got" "100 200 0 100"
cat "$T/err" | sed 's/^/# /'
done_testing
