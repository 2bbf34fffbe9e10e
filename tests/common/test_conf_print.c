/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is printed: an effective configuration, and the table itself. */
#include "conftest.h"
#include "../../common/json.h"

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

static void so_are_the_defaults(void **state)
{
	struct doc_fixture *f = *state;
	char *once, *again;
	struct car c;

	assert_int_equal(parse_car(f, "", &c), 0);
	once = printed(&car_schema, &c);
	assert_int_equal(parse_car(f, once, &c), 0);
	again = printed(&car_schema, &c);
	assert_string_equal(once, again);
	assert_null(c.name);
	assert_null(c.notes);
	free(once);
	free(again);
}

/* ---- where values come from ----------------------------------------------------------------- */

static struct yaml_node *merged_car(struct doc_fixture *f, struct car *ret)
{
	static const char *const files[][2] = {
		{ "/usr/a.yaml", "doors: 2\nname: n\nengine:\n  power: 70\n  fuel: gas\nwheels:\n  - {spokes: 9}\n"
				 "  - {}\n" },
		{ "/run/\n\xff.yaml", "tags: one\n" },
		{ "/etc/b.yaml", "engine:\n  power: 80\nnotes:\n  key: {x: 1}\nextras: {\"a.b\": {spokes: 7}}\n"
				 "twice: 8\n" },
	};
	struct yaml_node *root = NULL, *n;

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		assert_int_equal(yaml_parse(f->a, files[i][0], files[i][1], strlen(files[i][1]), &n, &f->d), 0);
		assert_int_equal(yaml_merge(f->a, &root, n), 0);
	}
	*ret = (struct car){ 0 };
	assert_int_equal(conf_parse(f->a, &car_schema, root, ret, &f->d), 0);
	return root;
}

static void each_value_says_where_it_stands(void **state)
{
	static const char *const lines[] = {
		"\ndoors: 2                                # /usr/a.yaml:1\n",
		"\n  power: 80                             # /etc/b.yaml:2\n",
		"\n  fuel: gas                             # /usr/a.yaml:5\n",
		"\n  - spokes: 9                           # /usr/a.yaml:7\n",
		"\n  - spokes: 8                           # default\n",
		"\ntags: [one]                             # /run/??.yaml:1\n",
		"\n    x: 1                                # /etc/b.yaml:4\n",
		"\n    spokes: 7                           # /etc/b.yaml:5\n",
		"\ntwice: 8                                # /etc/b.yaml:6\n",
		"\nheight: -3                              # default\n",
	};
	struct doc_fixture *f = *state;
	char *text = NULL, *again;
	struct yaml_node *root, *n;
	struct car c;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	root = merged_car(f, &c);
	assert_int_equal(conf_print_origins(&car_schema, &c, root, out), 0);
	fclose(out);
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
		assert_has(text, lines[i]);
	/* still a configuration, and the same one */
	again = printed(&car_schema, &c);
	assert_int_equal(yaml_parse(f->a, "x.yaml", text, len, &n, &f->d), 0);
	c = (struct car){ 0 };
	assert_int_equal(conf_parse(f->a, &car_schema, n, &c, &f->d), 0);
	free(text);
	text = printed(&car_schema, &c);
	assert_string_equal(text, again);
	free(text);
	free(again);
}

static void so_it_does_in_json(void **state)
{
	static const char *const parts[] = {
		"\"engine.power\":{\"value\":80,\"file\":\"/etc/b.yaml\",\"line\":2}",
		"\"wheels[0].spokes\":{\"value\":9,\"file\":\"/usr/a.yaml\",\"line\":7}",
		"\"height\":{\"value\":-3,\"file\":null,\"line\":null}",
		"\"extras.a.b.spokes\":{\"value\":7,",
		"\"tags\":{\"value\":[\"one\"],",
	};
	struct doc_fixture *f = *state;
	struct yaml_node *root;
	char *text = NULL;
	struct car c;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	root = merged_car(f, &c);
	assert_int_equal(conf_print_origins_json(&car_schema, &c, root, out), 0);
	fclose(out);
	assert_int_equal(json_check(text, len - 1), 0);
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		assert_has(text, parts[i]);
	free(text);
}

static void a_secret_is_neither_printed_nor_quoted(void **state)
{
	struct safe {
		const char *word;
		uint64_t pin;
	};
	static const struct conf_key keys[] = {
		{ "word", CONF_STR, offsetof(struct safe, word), .flags = CONF_SECRET, .help = "opens it" },
		{ "pin", CONF_UINT, offsetof(struct safe, pin), .max = 9999, .flags = CONF_SECRET,
		  .help = "so does this" },
		{ 0 },
	};
	static const struct conf_schema schema = { "a safe", sizeof(struct safe), keys };
	struct doc_fixture *f = *state;
	struct safe safe = { 0 };
	char *text = NULL;
	size_t len;
	FILE *out;

	assert_int_equal(doc_parse(f, "word: sesame\npin: 4711\n"), 0);
	assert_int_equal(conf_parse(f->a, &schema, f->root, &safe, &f->d), 0);
	assert_string_equal(safe.word, "sesame");
	out = open_memstream(&text, &len);
	conf_print(&schema, &safe, out);
	assert_int_equal(conf_print_origins(&schema, &safe, f->root, out), 0);
	assert_int_equal(conf_print_origins_json(&schema, &safe, f->root, out), 0);
	fclose(out);
	assert_null(strstr(text, "sesame"));
	assert_null(strstr(text, "4711"));
	assert_has(text, "word: \"(hidden)\"                        # x.yaml:1\n");
	assert_has(text, "\"pin\":{\"value\":null,\"secret\":true,\"file\":\"x.yaml\",\"line\":2}");
	free(text);

	assert_int_equal(doc_parse(f, "pin: 47110\n"), 0);
	assert_int_equal(conf_parse(f->a, &schema, f->root, &safe, &f->d), -ERANGE);
	assert_null(strstr(f->d.error, "47110"));
	doc_reset(f);
	assert_int_equal(doc_parse(f, "pin: sesame\n"), 0);
	assert_int_equal(conf_parse(f->a, &schema, f->root, &safe, &f->d), -EINVAL);
	assert_null(strstr(f->d.error, "sesame"));
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
		doc_test(so_are_the_defaults),
		doc_test(each_value_says_where_it_stands),
		doc_test(so_it_does_in_json),
		doc_test(a_secret_is_neither_printed_nor_quoted),
		doc_test(the_table_prints_itself_even_if_it_contains_itself),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
