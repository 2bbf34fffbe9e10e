/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A filled struct as YAML that the walker would read back. */
#include <inttypes.h>
#include <string.h>

#include "conf_text.h"
#include "json.h"

static void print_indent(FILE *f, int indent)
{
	fprintf(f, "%*s", indent, "");
}

/* Plain where no reader could take it for anything else, else in double quotes as JSON writes them. */
static bool is_plain(const char *s)
{
	static const char safe[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-./";
	static const char *const words[] = { "true", "false", "yes", "no", "on", "off", "null", "y", "n" };
	size_t i;

	if (!*s || s[strspn(s, safe)] || strchr("-.0123456789", *s))
		return false;
	for (i = 0; i < ARRAY_SIZE(words); i++)
		if (!strcasecmp(s, words[i]))
			return false;
	return true;
}

void conf_print_text(FILE *f, const char *s)
{
	cleanup(freep) char *quoted = NULL;
	bool repaired;

	if (!s) {
		fputs("null", f);
	} else if (is_plain(s)) {
		fputs(s, f);
	} else {
		quoted = malloc(6 * strlen(s) + 1);
		if (quoted)
			fprintf(f, "\"%.*s\"", (int)json_escape(quoted, s, strlen(s), &repaired), quoted);
	}
}

static void print_scalar(const struct conf_key *k, const void *field, FILE *f)
{
	char text[CONF_NUMBER_MAX];

	switch (k->type) {
	case CONF_BOOL:
		fputs(*(const bool *)field ? "true" : "false", f);
		break;
	case CONF_UINT:
		fprintf(f, "%" PRIu64, *(const uint64_t *)field);
		break;
	case CONF_INT:
		fprintf(f, "%" PRId64, *(const int64_t *)field);
		break;
	case CONF_SIZE:
		conf_format_size(*(const uint64_t *)field, text);
		fputs(text, f);
		break;
	case CONF_TIME:
		conf_format_time(*(const uint64_t *)field, text);
		fputs(text, f);
		break;
	case CONF_ENUM:
		conf_print_text(f, k->choices[*(const int *)field]);
		break;
	default:
		conf_print_text(f, *(const char *const *)field);
		break;
	}
}

/* Flow style, on one line: what a table does not know is rare and small. */
void conf_print_node(const struct yaml_node *n, FILE *f)
{
	bool mapping = n->kind == YAML_NODE_MAPPING;
	size_t i;

	if (n->kind == YAML_NODE_SCALAR) {
		if (n->plain && n->value[0] && !strpbrk(n->value, "{}[],\n"))	/* a number stays one */
			fputs(n->value, f);
		else
			conf_print_text(f, yaml_is_null(n) ? NULL : n->value);
		return;
	}
	if (!n->n) {
		fputs(mapping ? "{}" : "[]", f);
		return;
	}
	fputs(mapping ? "{" : "[", f);
	for (i = 0; i < n->n; i++) {
		fputs(i ? ", " : mapping ? " " : "", f);
		if (mapping) {
			conf_print_text(f, n->keys[i]);
			fputs(": ", f);
		}
		conf_print_node(n->items[i], f);
	}
	fputs(mapping ? " }" : "]", f);
}

static void print_strs(const struct conf_strs *s, FILE *f)
{
	size_t i;

	fputs("[", f);
	for (i = 0; i < s->n; i++) {
		fputs(i ? ", " : "", f);
		conf_print_text(f, s->s[i]);
	}
	fputs("]", f);
}

static void print_struct(const struct conf_schema *s, const void *obj, int indent, bool first_inline, FILE *f);

static void print_list(const struct conf_key *k, const struct conf_list *l, int indent, FILE *f)
{
	size_t i;

	if (!l->n) {
		fputs(k->type == CONF_DICT ? " {}\n" : " []\n", f);
		return;
	}
	fputs("\n", f);
	for (i = 0; i < l->n; i++) {
		const char *obj = (const char *)l->items + i * k->sub->size;

		print_indent(f, indent + 2);
		if (k->type == CONF_DICT) {
			conf_print_text(f, ((const struct conf_item *)obj)->key);
			fputs(":\n", f);
		} else {
			fputs("- ", f);
		}
		print_struct(k->sub, obj, indent + 4, k->type == CONF_LIST, f);
	}
}

static void print_value(const struct conf_key *k, const void *field, int indent, FILE *f)
{
	if (k->flags & CONF_SECRET) {
		fputs(" \"" CONF_SECRET_TEXT "\"\n", f);
		return;
	}
	switch (k->type) {
	case CONF_STRUCT:
		fputs("\n", f);
		print_struct(k->sub, field, indent + 2, false, f);
		return;
	case CONF_LIST:
	case CONF_DICT:
		print_list(k, field, indent, f);
		return;
	case CONF_STRS:
		fputs(" ", f);
		print_strs(field, f);
		break;
	case CONF_NODE:
		fputs(" ", f);
		if (*(const struct yaml_node *const *)field)
			conf_print_node(*(const struct yaml_node *const *)field, f);
		else
			fputs("null", f);
		break;
	case CONF_CUSTOM:
		fputs(" ", f);
		k->print(field, f);
		break;
	default:
		fputs(" ", f);
		print_scalar(k, field, f);
		break;
	}
	fputs("\n", f);
}

static void print_struct(const struct conf_schema *s, const void *obj, int indent, bool first_inline, FILE *f)
{
	const struct conf_key *k;

	for (k = s->keys; k->name; k++) {
		if (k->type == CONF_CUSTOM && !k->print)
			continue;
		if (!first_inline)
			print_indent(f, indent);
		first_inline = false;
		fprintf(f, "%s:", k->name);
		print_value(k, (const char *)obj + k->offset, indent, f);
	}
}

void conf_print(const struct conf_schema *s, const void *obj, FILE *f)
{
	print_struct(s, obj, 0, false, f);
}
