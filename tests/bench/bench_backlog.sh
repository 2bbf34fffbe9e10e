#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# How long a worker takes to catch up with 10 s of 20,000 events a second that came while it and channeld were stopped, or dead.
. "$(dirname "$0")/../e2e/lib.sh"
. "$ROOT/tests/e2e/lib_backlog.sh"
say() { sed 's/^/# /' <<<"$*" >&2; }

backlog_start || exit 1
away stop 0 || exit 1
printf 'caught up with 10 s of 20,000 events/s, channeld and its worker stopped\t%d.%03d\ts\t<= 2\n' $((ms / 1000)) $((ms % 1000))
away kill $((AWAY * RATE)) || exit 1
printf 'the same, dead and started again\t%d.%03d\ts\t<= 2\n' $((ms / 1000)) $((ms % 1000))
balanced 60 || { say "the ledger does not balance"; exit 1; }
stop >/dev/null
