/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a document may say, but this version cannot do: refused before anything happens, by name and line. */
#include "loaderd.h"

int refuse_not_built(const struct program *p, struct outcome *o)
{
	const struct program_item *i = p->items.items;

	for (size_t k = 0; k < p->items.n; k++)
		if (i[k].type == ITEM_BPFTRACE)
			return outcome_fail(o, AGENT_ERR_NOT_BUILT,
					    "%s:%u: '%s': type bpftrace is not built in this version",
					    i[k].item.file, i[k].item.line, i[k].name);
	return 0;
}
