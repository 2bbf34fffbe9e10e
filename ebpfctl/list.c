/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "rows.h"

static const struct column columns[] = {
	{ "program", "PROGRAM" }, { "state", "STATE" }, { "generation", "GENERATION" }, { "items", "ITEMS" },
	{ "channels", "CHANNELS" }, { "loaded_at", "LOADED" }, { "degraded", "?DEGRADED" },
	{ "degraded_text", "?CAUSE" }, { NULL },
};

static bool is_degraded(const struct row *r)
{
	int64_t n;

	return row_number(r, "degraded", &n) ? n != 0 : row_str(r, "degraded")[0];
}

/* As status says it. The texts lie in @times until the table is printed. */
static void localize(struct rows *rows, char (*times)[CTL_TIME_SIZE])
{
	for (size_t i = 0; i < rows->n; i++)
		for (size_t k = 0; k < rows->rows[i].n; k++) {
			struct cell *c = &rows->rows[i].cells[k];

			if (c->type != CELL_STR || strcmp(c->key, "loaded_at"))
				continue;
			ctl_local_time(c->str, times[i]);
			c->str = times[i];
		}
}

int verb_list(const struct ctl *c, int argc, char **argv)
{
	(void)argc, (void)argv;
	cleanup(message_unrefp) DBusMessage *reply = NULL;
	cleanup(client_close) struct client client = {};
	cleanup(rows_fini) struct rows rows = {};
	cleanup(json_fini) struct json j = {};
	cleanup(freep) char *text = NULL;
	cleanup(freep) void *times = NULL;

	if (client_open(&client, c) < 0 || client_ask(&client, ctl_daemon_find("loaderd"), "List", NULL, &reply) < 0)
		return ctl_error("%s", client.error);
	if (rows_read(reply, &rows) < 0)
		return ctl_error("loaderd's answer has an unexpected form");
	if (c->json) {
		rows_json(&rows, NULL, &j, NULL);
		text = json_finish(&j, NULL);
		puts(text ?: "[]");
	} else if (rows.n) {
		times = malloc(rows.n * CTL_TIME_SIZE);
		if (times)
			localize(&rows, times);
		rows_table(&rows, NULL, columns, c->color, is_degraded);
	} else {
		fprintf(stderr, "nothing is loaded\n");
	}
	return CTL_DONE;
}
