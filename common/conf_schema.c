/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A table as commented YAML, for `ebpfctl schema`:
 *
 *   channels:                     # by name: where events come from
 *     NAME:
 *       type: ring_buffer|…       # how they come (required)
 */
#include <string.h>

#include "conf_text.h"

#define COMMENT_COLUMN 40
#define LINE_MAX_COLUMN 118

/* The tables that enclose the one being printed: one that contains itself is not printed for ever. */
struct chain {
	const struct conf_schema *schema;
	const struct chain *up;
};

static bool contains(const struct chain *c, const struct conf_schema *s)
{
	for (; c; c = c->up)
		if (c->schema == s)
			return true;
	return false;
}

/* What a value of this kind looks like: "NUMBER", "true|false", … */
void conf_value_form(const struct conf_key *k, char *ret, size_t size)
{
	static const char *const words[] = {
		[CONF_BOOL] = " true|false", [CONF_UINT] = " NUMBER", [CONF_INT] = " NUMBER", [CONF_SIZE] = " SIZE",
		[CONF_TIME] = " TIME", [CONF_STR] = " TEXT", [CONF_NAME] = " NAME", [CONF_STRS] = " [TEXT, …]",
		[CONF_NODE] = " …", [CONF_CUSTOM] = " …",
	};
	size_t i, len = 0;

	ret[0] = 0;
	if (k->type == CONF_ENUM)
		for (i = 0; k->choices[i] && len < size; i++)
			len += (size_t)snprintf(ret + len, size - len, "%s%s", i ? "|" : " ", k->choices[i]);
	else if (k->flags & CONF_BRIEF)
		snprintf(ret, size, " …");
	else if (!k->sub && (size_t)k->type < ARRAY_SIZE(words) && words[k->type])
		snprintf(ret, size, "%s", words[k->type]);
}

static size_t add(char *ret, size_t size, size_t len, const char *before, const char *text)
{
	return len < size ? len + (size_t)snprintf(ret + len, size - len, "%s%s", before, text) : len;
}

/* "from 1 to 5", as in messages. */
const char *conf_bounds(const struct conf_key *k, char buf[CONF_EXPECTED_MAX])
{
	bool number = k->type == CONF_UINT || k->type == CONF_INT || k->type == CONF_SIZE || k->type == CONF_TIME;
	const char *from;

	if (!number || (!k->min && !k->max))
		return NULL;
	conf_expected(k, buf);
	from = strstr(buf, k->max ? " from " : " of at least ");
	return from ? from + (k->max ? 1 : 4) : NULL;
}

/* What it is for, and in brackets whether it must be there, its default and its bounds. */
static void describe(const struct conf_key *k, char *ret, size_t size)
{
	char buf[CONF_EXPECTED_MAX], facts[CONF_EXPECTED_MAX] = "";
	const char *limits = conf_bounds(k, buf);
	size_t len = 0;

	if (k->flags & CONF_REQUIRED)
		len = add(facts, sizeof(facts), len, "", "required");
	if (k->def)
		len = add(facts, sizeof(facts), len, len ? ", default " : "default ", *k->def ? k->def : "empty");
	if (limits)
		len = add(facts, sizeof(facts), len, len ? ", " : "", limits);
	if (k->help && len)
		snprintf(ret, size, "%s (%s)", k->help, facts);
	else
		snprintf(ret, size, "%s", k->help ? k->help : facts);
}

/* Columns, not bytes. */
static size_t width(const char *s)
{
	size_t n = 0;

	for (; *s; s++)
		n += (*s & 0xc0) != 0x80;
	return n;
}

/* @text behind what stands already at column @used, broken between words. */
static void print_comment(const char *text, size_t used, FILE *f)
{
	size_t column = COMMENT_COLUMN;

	if (!*text) {
		fputs("\n", f);
		return;
	}
	if (used >= COMMENT_COLUMN) {
		fprintf(f, "\n%*s#", COMMENT_COLUMN, "");
	} else {
		fprintf(f, "%*s#", (int)(COMMENT_COLUMN - used), "");
	}
	while (*text) {
		size_t len = strcspn(text, " ");
		char word[256];

		snprintf(word, sizeof(word), "%.*s", (int)len, text);
		if (column + 1 + width(word) > LINE_MAX_COLUMN && column > COMMENT_COLUMN) {
			fprintf(f, "\n%*s#", COMMENT_COLUMN, "");
			column = COMMENT_COLUMN;
		}
		fprintf(f, " %s", word);
		column += 1 + width(word);
		text += len;
		text += strspn(text, " ");
	}
	fputs("\n", f);
}

static void print_schema(const struct conf_schema *s, int indent, bool in_list, const struct chain *up, FILE *f);

static void print_sub(const struct conf_key *k, int indent, const struct chain *chain, FILE *f)
{
	if (contains(chain, k->sub)) {
		fprintf(f, "%*s%s…%*s# again %s, as above\n", indent + 2, "", k->type == CONF_LIST ? "- " : "",
			MAX(1, COMMENT_COLUMN - indent - 3 - (k->type == CONF_LIST ? 2 : 0)), "", k->sub->name);
		return;
	}
	if (k->type == CONF_STRUCT) {
		print_schema(k->sub, indent + 2, false, chain, f);
	} else if (k->type == CONF_LIST) {
		print_schema(k->sub, indent + 4, true, chain, f);
	} else {
		fprintf(f, "%*sNAME:\n", indent + 2, "");
		print_schema(k->sub, indent + 4, false, chain, f);
	}
}

static void print_schema(const struct conf_schema *s, int indent, bool in_list, const struct chain *up, FILE *f)
{
	const struct chain chain = { s, up };
	const struct conf_key *k;

	for (k = s->keys; k->name; k++) {
		char value[CONF_EXPECTED_MAX], comment[1024];
		int used;

		if (k->flags & CONF_HIDDEN)
			continue;
		conf_value_form(k, value, sizeof(value));
		describe(k, comment, sizeof(comment));
		used = fprintf(f, "%*s%s%s:", in_list ? indent - 2 : indent, "", in_list ? "- " : "", k->name);
		fputs(value, f);
		print_comment(comment, (size_t)MAX(used, 0) + width(value), f);
		in_list = false;
		if (k->sub && !(k->flags & CONF_BRIEF))
			print_sub(k, indent, &chain, f);
	}
}

void conf_print_schema(const struct conf_schema *s, FILE *f)
{
	print_schema(s, 0, false, NULL, f);
}
