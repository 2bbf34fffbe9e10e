/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A configuration is read by its table: every type, its default, its bounds, and what is wrong. */
#include "conftest.h"

static void an_empty_mapping_gives_the_defaults(void **state)
{
	struct doc_fixture *f = *state;
	struct car c, d = {0};

	assert_int_equal(parse_car(f, "", &c), 0);
	assert_false(c.fast);
	assert_int_equal(c.doors, 4);
	assert_int_equal(c.height, -3);
	assert_int_equal(c.boot, 1 << 20);
	assert_int_equal(c.warranty, 5 * NSEC_PER_SEC);
	assert_null(c.owner);
	assert_int_equal(c.colour, GREEN);
	assert_int_equal(c.engine.power, 90);
	assert_string_equal(c.engine.fuel, "petrol");
	assert_int_equal(c.wheels.n, 0);
	assert_int_equal(conf_defaults(f->a, &car_schema, &d), 0);
	assert_int_equal(d.engine.power, 90);
}

static void every_type_is_filled(void **state)
{
	struct doc_fixture *f = *state;
	const struct wheel *w;
	struct car c;

	assert_int_equal(parse_car(f,
				   "fast: Yes\ndoors: 0x5\nheight: -10\nboot: 64K\nwarranty: 100ms\nowner: \"\"\n"
				   "name: the_car-1\ncolour: blue\ntags: [a, \"b c\"]\nengine: {power: 200}\n"
				   "wheels:\n  - spokes: 5\n  - {}\nextras: {roof: {spokes: 7}}\nspares: [{text: x}]\n"
				   "notes: {free: [form]}\ntwice: 21\n",
				   &c), 0);
	assert_true(c.fast);
	assert_int_equal(c.doors, 5);
	assert_int_equal(c.height, -10);
	assert_int_equal(c.boot, 65536);
	assert_int_equal(c.warranty, 100 * NSEC_PER_MSEC);
	assert_string_equal(c.owner, "");
	assert_string_equal(c.name, "the_car-1");
	assert_int_equal(c.colour, BLUE);
	assert_int_equal(c.tags.n, 2);
	assert_string_equal(c.tags.s[1], "b c");
	assert_int_equal(c.engine.power, 200);
	assert_string_equal(c.engine.fuel, "petrol");
	assert_int_equal(c.wheels.n, 2);
	w = c.wheels.items;
	assert_int_equal(w[0].spokes, 5);
	assert_int_equal(w[0].item.line, 12);
	assert_string_equal(w[0].item.file, "x.yaml");
	assert_null(w[0].item.key);
	assert_int_equal(w[1].spokes, 8);
	assert_int_equal(w[1].item.line, 13);
	w = c.extras.items;
	assert_string_equal(w->item.key, "roof");
	assert_int_equal(w->spokes, 7);
	assert_string_equal(((struct spare *)c.spares.items)->text, "x");
	assert_int_equal(c.notes->kind, YAML_NODE_MAPPING);
	assert_int_equal(c.twice, 42);
}

static void null_and_single_texts_where_they_may_be(void **state)
{
	struct doc_fixture *f = *state;
	struct car c;

	assert_int_equal(parse_car(f, "owner:\nextras:\ntags: one\n", &c), 0);
	assert_null(c.owner);
	assert_int_equal(c.extras.n, 0);
	assert_int_equal(c.tags.n, 1);
	assert_string_equal(c.tags.s[0], "one");
}

static const struct {
	const char *text, *error;
} bad[] = {
	{ "fast: maybe\n", "x.yaml:1: fast: is \"maybe\" (expected true or false)" },
	{ "fast: [yes]\n", "x.yaml:1: fast: is a list (expected true or false)" },
	{ "fast:\n", "x.yaml:1: fast: has no value (expected true or false)" },
	{ "\ndoors: six\n", "x.yaml:2: doors: is \"six\" (expected a number from 1 to 5)" },
	{ "doors: 6\n", "x.yaml:1: doors: 6 is out of bounds (expected a number from 1 to 5)" },
	{ "doors: -1\n", "doors: is \"-1\" (expected a number from 1 to 5)" },
	{ "doors: 4x\n", "doors: is \"4x\"" },
	{ "doors: 0x\n", "doors: is \"0x\"" },
	{ "doors: 18446744073709551616\n", "doors: 18446744073709551616 is out of bounds" },
	{ "height: -11\n", "height: -11 is out of bounds (expected a number from -10 to 10)" },
	{ "height: 9223372036854775808\n", "height: 9223372036854775808 is out of bounds" },
	{ "boot: 100\n", "boot: 100 is out of bounds (expected a size such as 64K or 16M, from 4K to 64M)" },
	{ "boot: 1X\n", "boot: is \"1X\" (expected a size" },
	{ "boot: 99999999999T\n", "boot: 99999999999T is out of bounds" },
	{ "warranty: 5 s\n", "warranty: is \"5 s\" (expected a time such as 100ms or 5s, of at least 1ms)" },
	{ "warranty: 1us\n", "warranty: 1us is out of bounds" },
	{ "owner: [x]\n", "owner: is a list (expected a text)" },
	{ "name: a.b\n", "name: is \"a.b\" (expected a name of 1 to 63 characters of A-Za-z0-9_-)" },
	{ "name: \"\"\n", "name: is \"\"" },
	{ "colour: gren\n", "colour: is \"gren\"; did you mean \"green\"? (expected one of red, green, blue)" },
	{ "colour: yellow\n", "colour: is \"yellow\" (expected one of red, green, blue)" },
	{ "tags: {a: b}\n", "tags: is a mapping (expected a text or a list of texts)" },
	{ "tags: [a, [b]]\n", "tags: is a list (expected a text" },
	{ "engine: 5\n", "engine: is \"5\" (expected a mapping)" },
	{ "engine: {pwoer: 1}\n", "x.yaml:1: pwoer: unknown key in an engine; did you mean \"power\"?" },
	{ "wheels: {a: 1}\n", "wheels: is a mapping (expected a list" },
	{ "wheels: [{}, {}, {}, {}, {}]\n", "wheels: has 5 entries (expected at most 4)" },
	{ "wheels:\n  - 5\n", "x.yaml:2: a wheel: is a single value (expected a mapping" },
	{ "wheels:\n  - spokes: 1\n", "x.yaml:2: spokes: 1 is out of bounds (expected a number from 3 to 100)" },
	{ "extras: [a]\n", "extras: is a list (expected a mapping" },
	{ "spares: [{}]\n", "x.yaml:1: text: is missing in a spare (expected a text)" },
	{ "spares: [{text: }]\n", "text: has no value (expected a text)" },
	{ "\n\ncolor: red\n", "x.yaml:3: color: unknown key in a car; did you mean \"colour\"?" },
	{ "xyzzy: red\n", "xyzzy: unknown key in a car (expected one of: fast, doors, height," },
	{ "twice: x\n", "x.yaml:1: twice: no number" },
	{ "fast: true\nengine: {power: 10}\n", "fast: not with 10" },
};

static void what_the_table_does_not_say_is_refused_with_cause_and_place(void **state)
{
	struct doc_fixture *f = *state;
	struct car c;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		if (parse_car(f, bad[i].text, &c) >= 0)
			fail_msg("accepted: %s", bad[i].text);
		assert_has(f->d.error, "x.yaml:");
		assert_has(f->d.error, bad[i].error);
		assert_null(strchr(f->d.error, '\n'));
	}
}

static void a_list_is_no_configuration(void **state)
{
	struct doc_fixture *f = *state;
	struct car c = {0};

	assert_int_equal(doc_parse(f, "- a\n"), 0);
	assert_int_equal(conf_parse(f->a, &car_schema, f->root, &c, &f->d), -EINVAL);
	assert_has(f->d.error, "a car: is a list (expected a mapping");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		doc_test(an_empty_mapping_gives_the_defaults),
		doc_test(every_type_is_filled),
		doc_test(null_and_single_texts_where_they_may_be),
		doc_test(what_the_table_does_not_say_is_refused_with_cause_and_place),
		doc_test(a_list_is_no_configuration),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
