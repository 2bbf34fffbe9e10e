/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <inttypes.h>
#include <limits.h>
#include <string.h>

#include "../common/manifest.h"
#include "../common/program.h"
#include "client.h"
#include "rows.h"
#include "show.h"

void show_heading(const struct ctl *c, const char *title)
{
	printf("\n%s%s%s\n", ctl_paint(c, PAINT_BOLD), title, ctl_paint(c, PAINT_OFF));
}

void show_line(const char *key, const char *value)
{
	if (!value || !value[0])
		return;
	printf("%-13s ", key);
	print_plain(stdout, value);
	putchar('\n');
}

static void each_line(const char *key, const struct conf_strs *s)
{
	for (size_t i = 0; i < s->n; i++)
		show_line(key, s->s[i]);
}

static void show_prog(const struct ctl *c, const struct manifest_prog *p)
{
	bool dropped = !strcmp(p->state, "dropped");

	printf("  %s%-9s%s %s", dropped ? ctl_paint(c, PAINT_RED) : "", p->state,
	       dropped ? ctl_paint(c, PAINT_OFF) : "", p->name);
	if (p->section && p->section[0])
		printf("  "), print_plain(stdout, p->section);
	if (p->prog_id)
		printf("  prog %" PRIu64, p->prog_id);
	if (p->link_id)
		printf("  link %" PRIu64, p->link_id);
	if (p->cause && p->cause[0]) {
		printf("  – ");
		print_plain(stdout, p->cause);
	}
	putchar('\n');
}

static void show_functions(const struct manifest_item *i)
{
	const struct manifest_function *f = i->functions.items;

	for (size_t k = 0; k < i->functions.n; k++)
		printf("  function  %s  %s%s\n", f[k].name, function_type_names[f[k].type],
		       f[k].initfile ? "  with the initfile" : "");
}

static void show_item(const struct ctl *c, const struct manifest_item *i)
{
	const struct manifest_prog *progs = i->progs.items;
	const struct manifest_map *maps = i->maps.items;
	char title[256];

	snprintf(title, sizeof(title), "item %s (%s)", i->name, i->type);
	show_heading(c, title);
	show_line("  from", i->path);
	show_line("  sha256", i->sha256);
	show_line("  initfile", i->initfile);
	show_line("  its sha256", i->initfile_sha256);
	show_functions(i);
	for (size_t k = 0; k < i->progs.n; k++)
		show_prog(c, &progs[k]);
	for (size_t k = 0; k < i->maps.n; k++)
		printf("  map       %s  %s  id %" PRIu64 "  %" PRIu64 " × (%" PRIu64 " + %" PRIu64 " bytes)\n",
		       maps[k].name, maps[k].type ?: "?", maps[k].id, maps[k].max_entries, maps[k].key_size,
		       maps[k].value_size);
}

/* A private instance with --state DIR has DIR/log at BASE/log and DIR/lib at BASE/lib, where only its own processes see
 * them; BASE/state leads to DIR. */
void show_path(const char *path)
{
	static const char *const folders[] = { "/log/", "/lib/" };
	char link[PATH_MAX], state[PATH_MAX];

	for (size_t i = 0; i < ARRAY_SIZE(folders) && access(path, F_OK) < 0; i++) {
		const char *at = strstr(path, folders[i]);
		ssize_t n;

		if (!at || snprintf(link, sizeof(link), "%.*s/state", (int)(at - path), path) >= (int)sizeof(link))
			continue;
		n = readlink(link, state, sizeof(state) - 1);
		if (n <= 0)
			continue;
		state[n] = '\0';
		print_plain(stdout, state);
		path = at;
		break;
	}
	print_plain(stdout, path);
}

static void show_processor(const struct row *r)
{
	static const char *const counts[] = { "restarts", "deaths", "letters" };
	int64_t n;

	printf("  %-11s ", row_str(r, "state"));
	print_plain(stdout, row_str(r, "event"));
	printf(" on %s by %s:", row_str(r, "channel"), row_str(r, "processor"));
	print_plain(stdout, row_str(r, "function"));
	printf("()");
	if (row_number(r, "pid", &n) && n > 0)
		printf("  process %" PRId64, n);
	for (size_t i = 0; i < ARRAY_SIZE(counts); i++)
		if (row_number(r, counts[i], &n) && n > 0)
			printf("  %s %" PRId64, counts[i], n);
	if (row_str(r, "last_end")[0]) {
		printf("  – ");
		print_plain(stdout, row_str(r, "last_end"));
	}
	if (row_str(r, "refused_calls")[0]) {
		printf("\n              was refused: ");
		print_plain(stdout, row_str(r, "refused_calls"));
	}
	putchar('\n');
}

/* How they are: channeld's to say. */
static void show_processors(struct client *c, const struct ctl *ctl, const char *program)
{
	cleanup(message_unrefp) DBusMessage *reply = NULL;
	cleanup(rows_fini) struct rows rows = {};
	const char *letters = "";
	bool any = false;

	if (client_ask(c, ctl_daemon_find("channeld"), "Processors", NULL, &reply) < 0 || rows_read(reply, &rows) < 0)
		return;
	for (size_t i = 0; i < rows.n; i++) {
		if (strcmp(row_str(&rows.rows[i], "program"), program) != 0)
			continue;
		if (!any)
			show_heading(ctl, "processors");
		any = true;
		show_processor(&rows.rows[i]);
		letters = row_str(&rows.rows[i], "letters_path");
	}
	if (!letters[0])
		return;
	printf("  letters     ");
	show_path(letters);
	putchar('\n');
}

/* Where the sinks write: sinkd's to say. */
static void show_files(struct client *c, const struct ctl *ctl, const char *program)
{
	cleanup(message_unrefp) DBusMessage *reply = NULL;
	cleanup(rows_fini) struct rows rows = {};
	bool any = false;

	if (client_ask(c, ctl_daemon_find("sinkd"), "Ledger", program, &reply) < 0 || rows_read(reply, &rows) < 0)
		return;
	for (size_t i = 0; i < rows.n; i++) {
		if (!row_str(&rows.rows[i], "path")[0])
			continue;
		if (!any)
			show_heading(ctl, "files");
		any = true;
		printf("  %-11s ", row_str(&rows.rows[i], "sink"));
		show_path(row_str(&rows.rows[i], "path"));
		putchar('\n');
	}
}

static void show_route(const struct manifest *m, const struct manifest_route *r)
{
	const struct manifest_channel *channels = m->channels.items;
	const struct manifest_sink *sinks = r->sinks.items;

	printf("  %s → ", r->channel < m->channels.n ? channels[r->channel].name : "?");
	print_plain(stdout, r->event_name);
	if (r->processor)
		printf(" by %s:%s()", r->processor, r->function ?: "process");
	if (r->key && r->key[0])
		printf(", key %s", r->key);
	printf(" →");
	for (size_t i = 0; i < r->sinks.n; i++)
		printf(" %s%s", sinks[i].off ? "not " : "", sinks[i].sink);
	puts(r->sinks.n ? "" : " as sinkd.yaml says");
}

static void show(const struct ctl *c, const struct manifest *m)
{
	const struct manifest_item *items = m->items.items;
	const struct manifest_channel *channels = m->channels.items;
	const struct manifest_route *routes = m->routes.items;
	char loaded[CTL_TIME_SIZE];

	show_line("program", m->program);
	show_line("about", m->description);
	show_line("state", m->state == MANIFEST_LOADED ? "loaded" : "draining");
	show_line("file", m->file);
	ctl_local_time(m->loaded_at ?: "", loaded);
	show_line("loaded", loaded);
	if (m->spool_full != SPOOL_FULL_DEFAULT)
		show_line("full spool", m->spool_full == SPOOL_FULL_STOP ? "stops the draining"
								    : "drops what comes newly, counted as spool_full");
	each_line("degraded", &m->degraded);
	each_line("warning", &m->warnings);
	for (size_t i = 0; i < m->items.n; i++)
		show_item(c, &items[i]);
	for (size_t i = 0; i < m->channels.n; i++)
		show_channel(c, m, &channels[i]);
	show_heading(c, "routes");
	for (size_t i = 0; i < m->routes.n; i++)
		show_route(m, &routes[i]);
}

int verb_show(const struct ctl *c, int argc, char **argv)
{
	(void)argc;
	cleanup(message_unrefp) DBusMessage *reply = NULL;
	cleanup(client_close) struct client client = {};
	cleanup(arena_freep) struct arena *a = NULL;
	cleanup(diag_fini) struct diag d = {};
	struct manifest *m;
	const char *text;

	if (!dbus_validate_utf8(argv[0], NULL))
		return ctl_error(CTL_NO_PROGRAM, argv[0]);
	if (client_open(&client, c) < 0 || client_ask(&client, ctl_daemon_find("loaderd"), "Show", argv[0], &reply) < 0)
		return ctl_error("%s", client.error);
	if (!dbus_message_get_args(reply, NULL, DBUS_TYPE_STRING, &text, DBUS_TYPE_INVALID))
		return ctl_error("loaderd's answer has an unexpected form");
	if (c->json) {
		printf("%s%s", text, text[0] && text[strlen(text) - 1] == '\n' ? "" : "\n");
		return CTL_DONE;
	}
	a = arena_new(0);
	if (!a || manifest_parse(a, text, strlen(text), &m, &d) < 0)
		return ctl_error("the manifest cannot be read: %s", d.error[0] ? d.error : "not enough memory");
	show(c, m);
	show_processors(&client, c, m->program);
	show_files(&client, c, m->program);
	return CTL_DONE;
}
