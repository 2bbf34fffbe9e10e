/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "refusals.h"

#include <seccomp.h>

bool refusals_add(struct refusals *r, int nr)
{
	size_t i = 0;

	r->n++;
	while (i < REFUSALS_MAX && r->calls[i].n && r->calls[i].nr != nr)
		i++;
	if (i == REFUSALS_MAX)
		return false;
	r->calls[i].nr = nr;
	return r->calls[i].n++ == 0;
}

void refusals_name(int nr, char ret[REFUSALS_NAME_MAX])
{
	char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, nr);

	if (name)
		snprintf(ret, REFUSALS_NAME_MAX, "%s", name);
	else
		snprintf(ret, REFUSALS_NAME_MAX, "call %d", nr);
	free(name);
}

void refusals_text(const struct refusals *r, char ret[REFUSALS_TEXT_MAX])
{
	uint64_t others = r->n;
	size_t len = 0;

	ret[0] = '\0';
	for (size_t i = 0; i < REFUSALS_MAX && r->calls[i].n; i++) {
		char name[REFUSALS_NAME_MAX];

		refusals_name(r->calls[i].nr, name);
		len += (size_t)snprintf(ret + len, REFUSALS_TEXT_MAX - len, "%s%s %llu", len ? ", " : "", name,
					(unsigned long long)r->calls[i].n);
		others -= MIN(r->calls[i].n, others);
	}
	if (others)
		snprintf(ret + len, REFUSALS_TEXT_MAX - len, "%sothers %llu", len ? ", " : "",
			 (unsigned long long)others);
}
