/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <time.h>

#include "clock.h"

static uint64_t now(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return (uint64_t)t.tv_sec * NSEC_PER_SEC + (uint64_t)t.tv_nsec;
}

uint64_t clock_monotonic(void)
{
	return now(CLOCK_MONOTONIC);
}

int64_t clock_wall_offset(void)
{
	uint64_t best = UINT64_MAX;
	int64_t offset = 0;

	/* The reading that was interrupted least. */
	for (int i = 0; i < 3; i++) {
		uint64_t before = now(CLOCK_MONOTONIC), wall = now(CLOCK_REALTIME), after = now(CLOCK_MONOTONIC);

		if (after - before < best) {
			best = after - before;
			offset = (int64_t)(wall - (before + best / 2));
		}
	}
	return offset;
}

bool clock_correct(int64_t *offset)
{
	int64_t present = clock_wall_offset(), off = present - *offset;

	if (off <= (int64_t)CLOCK_DRIFT_MAX && off >= -(int64_t)CLOCK_DRIFT_MAX)
		return false;
	*offset = present;
	return true;
}
