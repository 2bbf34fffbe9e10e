/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A table in mdoc(7): a list of its keys, and for each table in it a subsection with its own.
 *
 *   .It Cm rotate-size : Ar SIZE
 *   A file is not made longer than this.
 *   Default: 100M; from 0 to 1T. */
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "conf_text.h"
#include "mdoc.h"

#define TABLES_MAX 64
#define PLACE_LEN 256

struct tables {
	struct {
		const struct conf_schema *schema;
		char place[PLACE_LEN];		/* "spec.channels.NAME" */
	} rows[TABLES_MAX];
	size_t n;
};

static bool is_known(const struct tables *t, const struct conf_schema *s)
{
	for (size_t i = 0; i < t->n; i++)
		if (t->rows[i].schema == s)
			return true;
	return false;
}

static void find_tables(struct tables *t, const struct conf_schema *s, const char *place)
{
	char below[PLACE_LEN];

	for (const struct conf_key *k = s->keys; k->name; k++) {
		const char *each = k->type == CONF_LIST ? "[]" : k->type == CONF_STRUCT ? "" : ".NAME";

		if (!k->sub || (k->flags & (CONF_HIDDEN | CONF_BRIEF)) || is_known(t, k->sub) || t->n == TABLES_MAX)
			continue;
		snprintf(below, sizeof(below), "%s%s%s", place, k->name, each);
		t->rows[t->n].schema = k->sub;
		snprintf(t->rows[t->n].place, PLACE_LEN, "%s", below);
		t->n++;
		strncat(below, ".", sizeof(below) - strlen(below) - 1);
		find_tables(t, k->sub, below);
	}
}

static void print_form(const struct conf_key *k, FILE *f)
{
	char form[CONF_EXPECTED_MAX];

	conf_value_form(k, form, sizeof(form));
	fputs(".It Cm ", f);
	mdoc_word(f, k->name);
	if (k->sub)
		fputs(k->type == CONF_LIST ? " : Ar LIST" : " : Ar MAPPING", f);
	else if (k->type == CONF_NODE || k->type == CONF_CUSTOM)
		fputs(" : Ar VALUE", f);
	else if (form[0]) {
		fputs(" : Ar ", f);
		mdoc_word(f, form + 1);
	}
	fputc('\n', f);
}

static void print_facts(const struct conf_key *k, FILE *f)
{
	char buf[CONF_EXPECTED_MAX];
	const char *limits = conf_bounds(k, buf);

	if (!(k->flags & CONF_REQUIRED) && !k->def && !limits)
		return;
	fputs(k->flags & CONF_REQUIRED ? "Required" : "", f);
	if (k->def) {
		fputs(k->flags & CONF_REQUIRED ? "; default: " : "Default: ", f);
		mdoc_text(f, *k->def ? k->def : "empty");
	}
	if (limits) {
		fputs(k->def || (k->flags & CONF_REQUIRED) ? "; " : "", f);
		fputc(k->def || (k->flags & CONF_REQUIRED) ? *limits : toupper((unsigned char)*limits), f);
		mdoc_text(f, limits + 1);
	}
	fputs(".\n", f);
}

static int print_keys(const struct conf_schema *s, FILE *f, const char **ret_row)
{
	fputs(".Bl -tag -width Ds\n", f);
	for (const struct conf_key *k = s->keys; k->name; k++) {
		if (k->flags & CONF_HIDDEN)
			continue;
		if (!k->help) {
			*ret_row = k->name;
			return -EINVAL;
		}
		print_form(k, f);
		mdoc_sentence(f, k->help);
		print_facts(k, f);
		if (k->flags & CONF_SECRET)
			fputs("It is a secret: nothing ever prints it.\n", f);
	}
	fputs(".El\n", f);
	return 0;
}

int conf_print_mdoc(const struct conf_schema *s, FILE *f, const char **ret_row)
{
	struct tables t = { .n = 0 };
	int err = print_keys(s, f, ret_row);

	find_tables(&t, s, "");
	for (size_t i = 0; i < t.n && err == 0; i++) {
		fputs(".Ss ", f);
		mdoc_text(f, t.rows[i].place);
		fputc('\n', f);
		if (strchr(t.rows[i].schema->name, ' '))	/* else it says nothing that the place does not */
			mdoc_sentence(f, t.rows[i].schema->name);
		err = print_keys(t.rows[i].schema, f, ret_row);
	}
	return err;
}
