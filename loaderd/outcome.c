/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdarg.h>
#include <string.h>

#include "loaderd.h"

void outcome_fini(struct outcome *o)
{
	free(o->text);
	*o = (struct outcome){ 0 };
}

int outcome_fail(struct outcome *o, const char *error, const char *fmt, ...)
{
	va_list args;

	if (o->error)
		return -EINVAL;
	va_start(args, fmt);
	if (vasprintf(&o->text, fmt, args) < 0)
		o->text = NULL;
	va_end(args);
	o->error = error;
	if (!o->text)
		o->text = strdup("out of memory");
	return -EINVAL;
}
