/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is printed: an effective configuration, and the table itself. */
#include "conftest.h"

static char *printed(const struct conf_schema *s, const void *obj)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	if (obj)
		conf_print(s, obj, f);
	else
		conf_print_schema(s, f);
	fclose(f);
	return text;
}

static void what_is_printed_is_read_back_the_same(void **state)
{
	static const char text[] =
		"fast: no\ndoors: 3\nheight: 7\nboot: 3M\nwarranty: 1500ms\n"
		"owner: \"a: \\\"b\\\" # c\\n\\u2028\\x7f é\"\n"
		"name: n\ncolour: red\ntags: [\"yes\", \"1\", \"- x\", plain, \"\"]\n"
		"engine: {power: 1, fuel: \"null\"}\n"
		"wheels: [{spokes: 9}, {spokes: 10}]\nextras: {\"a b\": {spokes: 11}}\nspares: [{text: \"x\"}]\n"
		"notes: {a: [1, \"1\", ~, {b: c}], \"d e\": \"\"}\ntwice: 4\n";
	struct doc_fixture *f = *state;
	char *once, *again;
	struct car c;

	assert_int_equal(parse_car(f, text, &c), 0);
	once = printed(&car_schema, &c);
	assert_has(once, "boot: 3M\n");
	assert_has(once, "warranty: 1500ms\n");
	assert_has(once, "colour: red\n");
	assert_has(once, "notes: { a: [1, \"1\", ~, { b: c }], \"d e\": \"\" }\n");

	assert_int_equal(parse_car(f, once, &c), 0);
	assert_string_equal(c.owner, "a: \"b\" # c\n\u2028\x7f é");
	assert_int_equal(c.tags.n, 5);
	assert_string_equal(c.tags.s[0], "yes");
	assert_int_equal(c.twice, 8);
	assert_string_equal(c.engine.fuel, "null");
	assert_string_equal(((struct wheel *)c.extras.items)->item.key, "a b");
	again = printed(&car_schema, &c);
	assert_string_equal(once, again);
	free(once);
	free(again);
}

/* ---- the table itself ----------------------------------------------------------------------- */

struct node {
	uint64_t value;
	struct conf_list children;
};
static const struct conf_schema node_schema;
static const struct conf_key node_keys[] = {
	{ "value", CONF_UINT, offsetof(struct node, value) },
	{ "secret", CONF_UINT, offsetof(struct node, value), .flags = CONF_HIDDEN },
	{ "children", CONF_LIST, offsetof(struct node, children), .sub = &node_schema, .help = "the same again" },
	{ 0 },
};
static const struct conf_schema node_schema = { "a node", sizeof(struct node), node_keys, .bare = true };

static void the_table_prints_itself_even_if_it_contains_itself(void **state)
{
	char *text = printed(&node_schema, NULL), *line, *save;

	(void)state;
	assert_has(text, "children:");
	assert_has(text, "# the same again\n");
	assert_has(text, "# again a node, as above\n");
	assert_null(strstr(text, "secret"));
	free(text);

	text = printed(&car_schema, NULL);
	assert_has(text, "fast: true|false                        # whether it is (default no)\n");
	assert_has(text, "colour: red|green|blue                  # default green\n");
	assert_has(text, "(default 1M, from 4K to 64M)\n");
	assert_has(text, "extras:\n  NAME:\n    spokes: NUMBER");
	assert_has(text, "wheels:\n  - spokes: NUMBER");
	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		assert_in_range(strlen(line), 1, 120);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		doc_test(what_is_printed_is_read_back_the_same),
		doc_test(the_table_prints_itself_even_if_it_contains_itself),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
