/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "load_functions.h"

#include <errno.h>
#include <string.h>

#include "../abi/batch.h"

static const char *names_of(struct load *l, const struct load_calls *c)
{
	const char *text = "";

	for (size_t k = 0; k < c->n && text; k++)
		text = arena_printf(l->arena, "%s%s%s", text, k ? (char[]){ BATCH_SEPARATOR, '\0' } : "",
				    c->functions[k].name);
	return text;
}

static int take_result(struct load *l, const struct load_calls *c, const struct load_function *f,
		       const struct load_result *r)
{
	char excuse[256];

	if (r->code == 0)
		return load_asked_take(l, c, f, r->text, r->len);
	load_asked_excuse(r->text, r->len, excuse);
	return load_fail(l, f->line, "%s function '%s' of %s failed with code %d%s%s", function_type_names[f->type],
			 f->name, c->item, r->code, excuse[0] ? ": " : "", excuse);
}

/* @data NULL: the item's initfile. */
static int call(struct load *l, struct load_calls *c, size_t number, const void *data, size_t len)
{
	const struct load_function *f = &c->functions[number];
	struct load_result result;
	char why[512];

	if (load_sandbox_call(c->sandbox, (unsigned)number, data, len, &result, why, sizeof(why)))
		return load_fail(l, f->line, "%s function '%s' of %s: %s", function_type_names[f->type], f->name,
				 c->item, why);
	return take_result(l, c, f, &result);
}

int load_calls_start(struct load *l, struct load_item *i)
{
	const struct artifact *file = i->initfile.bytes ? &i->initfile : NULL;
	struct load_calls *c = i->calls;
	const char *names = names_of(l, c);
	char why[512];
	int err = 0;

	if (!names)
		return -ENOMEM;
	if (load_sandbox_new(&l->limits, i->artifact.fd, file ? file->fd : -1, names, &c->refusals, &c->sandbox, why,
			     sizeof(why)))
		return load_fail(l, c->functions[0].line, "%s, whose %s function '%s' is to be called: %s", c->item,
				 function_type_names[c->functions[0].type], c->functions[0].name, why);
	for (size_t k = 0; k < c->n && !err; k++) {
		const struct load_function *f = &c->functions[k];

		if (f->type == FUNCTION_INIT)
			err = f->initfile && file ? call(l, c, k, NULL, file->size) : call(l, c, k, "", 0);
	}
	return err;
}

int load_calls_run(struct load *l, struct load_item *i, int type, const char *doc, size_t len)
{
	struct load_calls *c = i->calls;
	int err = 0;

	for (size_t k = 0; k < c->n && !err; k++)
		if (c->functions[k].type == type)
			err = call(l, c, k, doc, len);
	return err;
}

/* ---- of a load -------------------------------------------------------------------------------------------------- */

static bool is_called(int type)
{
	return type == FUNCTION_INIT || type == FUNCTION_PRELOAD || type == FUNCTION_POSTLOAD;
}

static int add_calls(struct load *l, struct load_item *i)
{
	const struct program_function *f = i->decl->functions.items;
	size_t n = i->decl->functions.n;
	struct load_calls *c = arena_alloc(l->arena, sizeof(*c));

	if (!c || !(c->functions = arena_alloc(l->arena, (n + 1) * sizeof(*c->functions))))
		return -ENOMEM;
	c->item = i->decl->name;
	for (size_t k = 0; k < n; k++)
		if (is_called(f[k].type))
			c->functions[c->n++] = (struct load_function){
				.name = f[k].name, .type = f[k].type, .initfile = f[k].initfile,
				.line = f[k].item.line,
			};
	if (c->n)
		i->calls = c;
	return 0;
}

static int run_all(struct load *l, int type, const char *stage)
{
	int err = 0;

	for (size_t k = 0; k < l->n_items && !err; k++) {
		struct load_item *i = &l->items[k];
		cleanup(freep) char *doc = NULL;
		size_t len = 0;

		if (!i->calls)
			continue;
		doc = load_describe(l, i, stage, &len);
		err = doc ? load_calls_run(l, i, type, doc, len) : -ENOMEM;
	}
	return err;
}

int load_functions_before(struct load *l)
{
	bool any = false;
	int err = 0;

	for (size_t k = 0; k < l->n_items && !err; k++)
		if (l->items[k].decl->type == ITEM_USER_SO) {
			err = add_calls(l, &l->items[k]);
			any |= l->items[k].calls != NULL;
		}
	if (err || !any)
		return err;
	load_tell_phase(l, JOB_CALLING);
	for (size_t k = 0; k < l->n_items && !err; k++)
		if (l->items[k].calls)
			err = load_calls_start(l, &l->items[k]);
	return err ? err : run_all(l, FUNCTION_PRELOAD, "preload");
}

int load_functions_after(struct load *l)
{
	int err = run_all(l, FUNCTION_POSTLOAD, "postload");

	load_functions_stop(l);
	return err;
}

/* In the journal, too: a load that failed, and an unload, keep no warnings. */
static void say_refusals(struct load *l, const struct load_calls *c)
{
	char calls[REFUSALS_TEXT_MAX], text[REFUSALS_TEXT_MAX + 256];

	if (!c->refusals.n)
		return;
	refusals_text(&c->refusals, calls);
	snprintf(text, sizeof(text), "functions of %s tried what none may, and were refused: %s", c->item, calls);
	diag_warn(&l->diag, NULL, 0, "%s", text);
	load_tell_log(l, text);
}

void load_functions_stop(struct load *l)
{
	for (size_t k = 0; k < l->n_items; k++) {
		struct load_calls *c = l->items[k].calls;

		if (!c)
			continue;
		load_sandbox_free(take(c->sandbox));
		say_refusals(l, c);
		c->refusals.n = 0;	/* said */
	}
}
