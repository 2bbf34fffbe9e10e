/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Functions around a load: settings of a BPF program come out of a file of one's own, instead of the YAML.
 *
 *	programs:
 *	  - { name: mine, type: ebpf_object, path: mine.bpf.o }
 *	  - name: settings
 *	    type: user_so
 *	    path: example_load.so
 *	    properties:
 *	      initfile: settings.txt
 *	      functions: [{ name: read_settings, type: init }, { name: check, type: preload },
 *	                  { name: switch_on, type: postload }, { name: say_goodbye, type: unload }]
 *
 * settings.txt, a line each:
 *
 *	variable NAME NUMBER
 *	map MAP KEY NUMBER
 *
 * All four run in one process when the program is loaded, so what read_settings() counted the others know. It is called
 * in each other process of this object as well, before anything else; what it asks for is set by a load alone. */
#include "tracer_load.h"

#include <stdlib.h>

static unsigned n_variables, n_entries;

/* "map MAP KEY NUMBER", "variable NAME NUMBER"; what is neither ends the load, with the line's number. */
static void take_line(struct tracer_ctx *ctx, char *line, unsigned number)
{
	char *rest, *kind = strtok_r(line, " \t", &rest), *name = strtok_r(NULL, " \t", &rest);
	char *key = strtok_r(NULL, " \t", &rest), *value = strtok_r(NULL, " \t", &rest);

	if (!kind || kind[0] == '#')
		return;
	if (!strcmp(kind, "variable") && key && !value) {
		tracer_request_variable_u64(ctx, name, strtoull(key, NULL, 0));
		n_variables++;
	} else if (!strcmp(kind, "map") && value) {
		tracer_request_map_string(ctx, name, key, strlen(key), strtoull(value, NULL, 0));
		n_entries++;
	} else {
		tracer_log(ctx, "line %u is neither 'variable NAME NUMBER' nor 'map MAP KEY NUMBER'", number);
		tracer_fail(ctx, TRACER_ERR_VALUE);
	}
}

/* The file is mapped read-only: what is to be cut into words is copied. */
TRACER_EXPORT void read_settings(struct tracer_ctx *ctx)
{
	char *copy = malloc((size_t)ctx->ring.data.len + 1), *rest = copy, *line;

	if (!copy) {
		tracer_fail(ctx, TRACER_ERR_VALUE);
		return;
	}
	if (ctx->ring.data.len)
		memcpy(copy, ctx->ring.data.data, (size_t)ctx->ring.data.len);
	copy[ctx->ring.data.len] = '\0';
	for (unsigned number = 1; (line = strsep(&rest, "\n")) && !ctx->err.code; number++)
		take_line(ctx, line, number);
	free(copy);
}

TRACER_EXPORT void check(struct tracer_ctx *ctx)
{
	if (n_variables + n_entries == 0)
		tracer_log(ctx, "there are no settings");
}

/* Programs are attached by now. The map is told last, so that whoever looks into it finds everything else done. */
TRACER_EXPORT void switch_on(struct tracer_ctx *ctx)
{
	tracer_log(ctx, "%u variables and %u entries are set", n_variables, n_entries);
	tracer_request_map_string(ctx, "settings", "on", 2, 1);
}

TRACER_EXPORT void say_goodbye(struct tracer_ctx *ctx)
{
	tracer_log(ctx, "goodbye");
}
