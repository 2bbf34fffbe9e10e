/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a document may say, but this version cannot do: refused before anything happens, by name and line. */
#include <stdarg.h>

#include "loaderd.h"

static int refuse(const struct conf_item *at, struct outcome *o, const char *fmt, ...)
{
	char text[512];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	return outcome_fail(o, AGENT_ERR_NOT_BUILT, "%s:%u: %s is not built in this version", at->file, at->line, text);
}

static int check_item(const struct program_item *i, struct outcome *o)
{
	if (i->type == ITEM_BPFTRACE)
		return refuse(&i->item, o, "'%s': type bpftrace", i->name);
	return 0;
}

int refuse_not_built(const struct program *p, struct outcome *o)
{
	const struct program_item *i = p->items.items;
	int err = 0;

	for (size_t k = 0; k < p->items.n && !err; k++)
		err = check_item(&i[k], o);
	return err;
}
