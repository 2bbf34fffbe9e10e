/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "program_doc.h"
#include "../abi/names.h"

int program_out_of_memory(const struct program *p, struct diag *d)
{
	return diag_fail(d, -ENOMEM, p->file, 0, "the document needs too much memory");
}

const struct program_item *program_find_item(const struct program *p, const char *name)
{
	for EACH(program_item, i, &p->items)
		if (!strcmp(i->name, name))
			return i;
	return NULL;
}

size_t program_count_items(const struct program *p, int type)
{
	size_t n = 0;

	for EACH(program_item, i, &p->items)
		n += i->type == type;
	return n;
}

struct program_item *program_sole_item(const struct program *p, int type)
{
	if (program_count_items(p, type) == 1)
		for EACH(program_item, i, &p->items)
			if (i->type == type)
				return i;
	return NULL;
}

/* "/x/my prog.yaml" gives "my_prog". */
static const char *name_from_file(struct arena *a, const char *file)
{
	const char *base = strrchr(file, '/') ? strrchr(file, '/') + 1 : file;
	size_t len = strlen(base);
	char *name, *s;

	if (len > 5 && !strcmp(base + len - 5, ".yaml"))
		len -= 5;
	else if (len > 4 && !strcmp(base + len - 4, ".yml"))
		len -= 4;
	name = arena_strndup(a, base, MIN(len, (size_t)AGENT_NAME_MAX));
	if (!name)
		return NULL;
	for (s = name; *s; s++) {
		char one[2] = { *s, 0 };

		if (!conf_name_valid(one))
			*s = '_';
	}
	return *name ? name : "_";
}

int program_parse(struct arena *a, const char *file, const char *base, const struct yaml_node *root,
		  struct program **ret, struct diag *d)
{
	bool envelope = yaml_get(root, "spec") || yaml_get(root, "kind");
	struct doc *doc = arena_alloc(a, sizeof(*doc));
	struct program *p = arena_alloc(a, sizeof(*p));
	int err;

	if (!doc || !p)
		return diag_fail(d, -ENOMEM, file, 0, "out of memory");
	if (root->kind == YAML_NODE_SEQUENCE)
		return diag_fail(d, -EINVAL, root->file, root->line,
				 "a list is no program (expected a mapping with programs:)%s",
				 program_is_xdp_list(root) ? "; xdpd's lists belong to xdpd" : "");
	err = conf_parse(a, envelope ? &program_schema : &program_bare_schema, root, doc, d);
	if (err < 0)
		return err;

	p->file = arena_strdup(a, file);
	p->base = arena_strdup(a, base ? base : "/");
	p->name = doc->name ? doc->name : name_from_file(a, file);
	if (!p->file || !p->base || !p->name)
		return program_out_of_memory(p, d);
	p->description = doc->description;
	p->version = doc->version;
	p->author = doc->author;
	err = program_fold(a, doc, p, d);
	if (!err)
		err = program_check(a, p, d);
	if (err < 0)
		return err;
	*ret = p;
	return 0;
}

/* ---- artifacts --------------------------------------------------------------------------------- */

/* Where something was said, and under which key. */
struct place {
	const char *key, *file;
	unsigned line;
};

static int resolve(struct arena *a, const struct program *p, const char *said, const struct place *at, const char **ret,
		   struct diag *d)
{
	static const char *const remote[] = { "http://", "https://", "ftp://" };
	const char *path = said, *absolute;
	char text[DIAG_EXCERPT];
	size_t n;

	for (n = 0; n < ARRAY_SIZE(remote); n++)
		if (!strncmp(path, remote[n], strlen(remote[n])))
			return diag_fail(d, -EPROTONOSUPPORT, at->file, at->line,
					 "%s: fetching by %.*s is not built in this version (file:// is)", at->key,
					 (int)strlen(remote[n]) - 3, remote[n]);
	if (!strncmp(path, "file://", 7)) {
		path += 7;
		if (*path != '/')
			return diag_fail(d, -EINVAL, at->file, at->line,
					 "%s: \"%s\" is not absolute (expected file:///…)", at->key,
					 diag_excerpt(text, said));
	} else if (strstr(path, "://")) {
		return diag_fail(d, -EINVAL, at->file, at->line,
				 "%s: \"%s\" is of no known kind (expected file, http, https or ftp)", at->key,
				 diag_excerpt(text, said));
	}
	absolute = *path == '/' ? path : arena_printf(a, "%s/%s", p->base, path);
	if (!absolute)
		return program_out_of_memory(p, d);
	*ret = absolute;
	return 0;
}

int program_artifact_path(struct arena *a, const struct program *p, const struct program_item *i, const char **ret,
			  struct diag *d)
{
	const struct place at = { "path", i->item.file, i->path_line };

	if (!i->path)
		return diag_fail(d, -EINVAL, i->item.file, i->item.line, "path: %s has none", i->name);
	return resolve(a, p, i->path, &at, ret, d);
}

const struct program_function *program_initfile(const struct program_item *i)
{
	for EACH(program_function, f, &i->functions)
		if (f->type == FUNCTION_INIT && f->initfile)
			return f;
	return NULL;
}

int program_initfile_path(struct arena *a, const struct program *p, const struct program_item *i, const char **ret,
			  struct diag *d)
{
	const struct program_function *f = program_initfile(i);
	const struct place at = { "initfile", i->item.file, f ? f->item.line : 0 };

	return f ? resolve(a, p, f->initfile, &at, ret, d) : -ENOENT;
}

/* ---- routes ------------------------------------------------------------------------------------ */

static bool takes(const struct program_event *e, const char *channel)
{
	size_t i;

	for (i = 0; i < e->channels.n; i++)
		if (!strcmp(e->channels.s[i], channel))
			return true;
	return !e->channels.n;
}

int program_routes(struct arena *a, const struct program *p, struct program_route **ret, size_t *ret_n)
{
	struct program_route *routes;
	size_t n = 0, c;

	routes = arena_alloc(a, p->channels.n * (p->events.n + 1) * sizeof(*routes));
	if (!routes)
		return -ENOMEM;
	for (c = 0; c < p->channels.n; c++) {
		const struct program_channel *channel = (const struct program_channel *)p->channels.items + c;
		size_t before = n;

		for EACH(program_event, e, &p->events)
			if (takes(e, channel->name))
				routes[n++] = (struct program_route){ .channel = c, .event = e };
		if (n == before)
			routes[n++] = (struct program_route){ .channel = c };
	}
	*ret = routes;
	*ret_n = n;
	return 0;
}
