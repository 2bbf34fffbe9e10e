/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <fcntl.h>
#include <sys/stat.h>

#include "yamltest.h"
#include "../../common/conf.h"
#include "../../common/conf_text.h"

/* ---- a table with a row of every type ------------------------------------------------------- */

enum colour { RED, GREEN, BLUE };
static const char *const colours[] = { "red", "green", "blue", NULL };

struct wheel {
	struct conf_item item;
	uint64_t spokes;
};

struct spare {
	const char *text;
};

struct engine {
	uint64_t power;
	const char *fuel;
};

struct car {
	bool fast;
	uint64_t doors;
	int64_t height;
	uint64_t boot;
	uint64_t warranty;
	const char *owner;
	const char *name;
	int colour;
	struct conf_strs tags;
	struct engine engine;
	struct conf_list wheels, extras, spares;
	const struct yaml_node *notes;
	int twice;
};

static const struct conf_key wheel_keys[] = {
	{ "spokes", CONF_UINT, offsetof(struct wheel, spokes), "8", .min = 3, .max = 100, .help = "of them" },
	{ 0 },
};
static const struct conf_schema wheel_schema = { "a wheel", sizeof(struct wheel), wheel_keys };

static const struct conf_key spare_keys[] = {
	{ "text", CONF_STR, offsetof(struct spare, text), .flags = CONF_REQUIRED },
	{ 0 },
};
static const struct conf_schema spare_schema = { "a spare", sizeof(struct spare), spare_keys, .bare = true };

static const struct conf_key engine_keys[] = {
	{ "power", CONF_UINT, offsetof(struct engine, power), "90" },
	{ "fuel", CONF_STR, offsetof(struct engine, fuel), "petrol" },
	{ 0 },
};
static const struct conf_schema engine_schema = { "an engine", sizeof(struct engine), engine_keys };

static int parse_twice(struct arena *a, const struct yaml_node *n, void *field, struct diag *d)
{
	uint64_t v;

	(void)a;
	if (n->kind != YAML_NODE_SCALAR || conf_parse_u64(n->value, &v) < 0)
		return diag_fail(d, -EINVAL, n->file, n->line, "twice: no number");
	*(int *)field = 2 * (int)v;
	return 0;
}

static void print_twice(const void *field, FILE *f)
{
	fprintf(f, "%d", *(const int *)field / 2);
}

static int check_car(struct arena *a, const struct yaml_node *n, void *obj, struct diag *d)
{
	const struct car *c = obj;

	(void)a;
	if (c->fast && c->engine.power < 50)
		return diag_fail(d, -EINVAL, n->file, n->line, "fast: not with %d", (int)c->engine.power);
	return 0;
}

static const struct conf_key car_keys[] = {
	{ "fast", CONF_BOOL, offsetof(struct car, fast), "no", .help = "whether it is" },
	{ "doors", CONF_UINT, offsetof(struct car, doors), "4", .min = 1, .max = 5 },
	{ "height", CONF_INT, offsetof(struct car, height), "-3", .min = (uint64_t)-10, .max = 10 },
	{ "boot", CONF_SIZE, offsetof(struct car, boot), "1M", .min = 4096, .max = 64 << 20,
	  .help = "largest batch handed to the broker at once, and a help text that is long enough to be broken in "
		  "two" },
	{ "warranty", CONF_TIME, offsetof(struct car, warranty), "5s", .min = NSEC_PER_MSEC },
	{ "owner", CONF_STR, offsetof(struct car, owner) },
	{ "name", CONF_NAME, offsetof(struct car, name) },
	{ "colour", CONF_ENUM, offsetof(struct car, colour), "green", .choices = colours },
	{ "tags", CONF_STRS, offsetof(struct car, tags) },
	{ "engine", CONF_STRUCT, offsetof(struct car, engine), .sub = &engine_schema },
	{ "wheels", CONF_LIST, offsetof(struct car, wheels), .sub = &wheel_schema, .max = 4 },
	{ "extras", CONF_DICT, offsetof(struct car, extras), .sub = &wheel_schema, .flags = CONF_NULL_OK },
	{ "spares", CONF_LIST, offsetof(struct car, spares), .sub = &spare_schema },
	{ "notes", CONF_NODE, offsetof(struct car, notes) },
	{ "twice", CONF_CUSTOM, offsetof(struct car, twice), .parse = parse_twice, .print = print_twice },
	{ 0 },
};
static const struct conf_schema car_schema = { "a car", sizeof(struct car), car_keys, check_car };

static int parse_car(struct doc_fixture *f, const char *text, struct car *ret)
{
	*ret = (struct car){0};
	assert_int_equal(doc_parse(f, text), 0);
	return conf_parse(f->a, &car_schema, f->root, ret, &f->d);
}

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

static void scalars_are_read_strictly(void **state)
{
	uint64_t v = 7;
	bool b = false;

	(void)state;
	assert_int_equal(conf_parse_u64("18446744073709551615", &v), 0);
	assert_true(v == UINT64_MAX);
	assert_int_equal(conf_parse_u64("0xffffffffffffffff", &v), 0);
	assert_int_equal(conf_parse_u64("0x10000000000000000", &v), -ERANGE);
	assert_int_equal(conf_parse_u64("", &v), -EINVAL);
	assert_int_equal(conf_parse_u64(" 1", &v), -EINVAL);
	assert_int_equal(conf_parse_u64("+1", &v), -EINVAL);
	assert_true(v == UINT64_MAX);	/* untouched by failures */
	assert_int_equal(conf_parse_size("16M", &v), 0);
	assert_int_equal(v, 16 << 20);
	assert_int_equal(conf_parse_size("1T", &v), 0);
	assert_int_equal(conf_parse_size("M", &v), -EINVAL);
	assert_int_equal(conf_parse_size("1m", &v), -EINVAL);
	assert_int_equal(conf_parse_time("2", &v), 0);
	assert_int_equal(v, 2 * NSEC_PER_SEC);
	assert_int_equal(conf_parse_time("1d", &v), 0);
	assert_int_equal(v, 86400 * NSEC_PER_SEC);
	assert_int_equal(conf_parse_time("250us", &v), 0);
	assert_int_equal(v, 250000);
	assert_int_equal(conf_parse_time("1.5s", &v), -EINVAL);
	assert_int_equal(conf_parse_time("999999999999d", &v), -ERANGE);
	assert_int_equal(conf_parse_bool("ON", &b), 0);
	assert_true(b);
	assert_int_equal(conf_parse_bool("1", &b), -EINVAL);
	assert_true(conf_name_valid("aZ0_-"));
	assert_false(conf_name_valid("a/b"));
	assert_false(conf_name_valid(""));
	assert_true(conf_name_valid("123456789012345678901234567890123456789012345678901234567890123"));
	assert_false(conf_name_valid("1234567890123456789012345678901234567890123456789012345678901234"));
}

static void slips_of_the_finger_are_recognised(void **state)
{
	static const char *const words[] = { "type", "path", "channels", "events", "map", NULL };

	(void)state;
	assert_string_equal(conf_did_you_mean("tpye", words), "type");
	assert_string_equal(conf_did_you_mean("chanels", words), "channels");
	assert_string_equal(conf_did_you_mean("event", words), "events");
	assert_string_equal(conf_did_you_mean("maps", words), "map");
	assert_null(conf_did_you_mean("x", words));
	assert_null(conf_did_you_mean("", words));
	assert_null(conf_did_you_mean("storage", words));
	assert_null(conf_did_you_mean("a-word-that-is-longer-than-any-key-that-there-is-or-will-be", words));
}

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

/* ---- files ------------------------------------------------------------------------------------ */

struct dirs {
	char top[32], list[200];
};

static void put_file(const struct dirs *t, const char *name, const char *text)
{
	char path[200];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", t->top, name);
	f = fopen(path, "we");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void at(const struct dirs *t, const char *name, char ret[200])
{
	snprintf(ret, 200, "%s/%s", t->top, name);
}

static void dirs_setup(struct dirs *t)
{
	static const char *const folders[] = { "usr", "run", "etc", "usr/d.d", "run/d.d", "etc/d.d" };
	char path[200];
	size_t i;

	strcpy(t->top, "/tmp/test_conf.XXXXXX");
	assert_non_null(mkdtemp(t->top));
	for (i = 0; i < ARRAY_SIZE(folders); i++) {
		at(t, folders[i], path);
		assert_int_equal(mkdir(path, 0755), 0);
	}
	snprintf(t->list, sizeof(t->list), "%s/usr:%s/run::/nonexistent:%s/etc", t->top, t->top, t->top);
}

static void dirs_teardown(struct dirs *t)
{
	char command[100];

	snprintf(command, sizeof(command), "rm -rf '%s'", t->top);
	assert_int_equal(system(command), 0);
}

static const char *merged(struct doc_fixture *f, const struct dirs *t, const char *key)
{
	doc_reset(f);
	if (conf_read_dirs(f->a, t->list, "d", &f->root, &f->d) < 0)
		fail_msg("%s", f->d.error);
	return yaml_get(f->root, key) ? yaml_get(f->root, key)->value : NULL;
}

static void no_file_at_all_is_an_empty_mapping(void **state)
{
	struct doc_fixture *f = *state;
	struct dirs t;

	dirs_setup(&t);
	assert_null(merged(f, &t, "a"));
	assert_int_equal(f->root->n, 0);
	assert_int_equal(conf_read_dirs(f->a, "", "d", &f->root, &f->d), 0);
	dirs_teardown(&t);
}

static void drop_ins_follow_the_rules_of_systemd(void **state)
{
	struct doc_fixture *f = *state;
	char path[200];
	struct dirs t;

	dirs_setup(&t);
	put_file(&t, "usr/d.yaml", "a: usr\nb: usr\n");
	assert_string_equal(merged(f, &t, "a"), "usr");

	/* the main file of the highest directory stands alone */
	put_file(&t, "etc/d.yaml", "a: etc\n");
	assert_string_equal(merged(f, &t, "a"), "etc");
	assert_null(merged(f, &t, "b"));

	/* drop-ins by name, whatever their directory */
	put_file(&t, "etc/d.d/10-x.yaml", "a: ten\nc: ten\n");
	put_file(&t, "usr/d.d/20-y.yaml", "a: twenty\n");
	assert_string_equal(merged(f, &t, "a"), "twenty");
	assert_string_equal(merged(f, &t, "c"), "ten");

	/* the same name: the highest directory's */
	put_file(&t, "run/d.d/20-y.yaml", "a: run\n");
	assert_string_equal(merged(f, &t, "a"), "run");
	put_file(&t, "etc/d.d/20-y.yaml", "b: etc\n");
	assert_string_equal(merged(f, &t, "a"), "ten");

	/* other names do not count */
	put_file(&t, "etc/d.d/30-z.yaml~", "a: backup\n");
	put_file(&t, "etc/d.d/.hidden.yaml", "a: hidden\n");
	put_file(&t, "etc/d.d/.yaml", "a: nameless\n");
	put_file(&t, "etc/d.d/40.yml", "a: yml\n");
	assert_string_equal(merged(f, &t, "a"), "ten");

	/* a link to /dev/null masks */
	at(&t, "etc/d.d/10-x.yaml", path);
	unlink(path);
	put_file(&t, "usr/d.d/10-x.yaml", "a: masked\nc: masked\n");
	assert_string_equal(merged(f, &t, "c"), "masked");
	assert_int_equal(symlink("/dev/null", path), 0);
	assert_null(merged(f, &t, "c"));
	at(&t, "etc/d.yaml", path);
	unlink(path);
	assert_int_equal(symlink("/dev/null", path), 0);
	assert_null(merged(f, &t, "a"));
	dirs_teardown(&t);
}

static void refuses(struct doc_fixture *f, const struct dirs *t, const char *error)
{
	double start = seconds();

	doc_reset(f);
	assert_true(conf_read_dirs(f->a, t->list, "d", &f->root, &f->d) < 0);
	assert_has(f->d.error, error);
	assert_has(f->d.error, t->top);
	if (seconds() - start > 2)
		fail_msg("waited for %.1f s", seconds() - start);
}

static void a_drop_in_that_is_no_text_is_refused_and_never_waited_for(void **state)
{
	struct doc_fixture *f = *state;
	char path[200];
	struct dirs t;
	int fd;

	dirs_setup(&t);
	at(&t, "run/d.d/50-odd.yaml", path);

	assert_int_equal(mkfifo(path, 0600), 0);
	refuses(f, &t, "50-odd.yaml: is a FIFO, not a file");
	unlink(path);

	assert_int_equal(mkdir(path, 0700), 0);
	refuses(f, &t, "50-odd.yaml: is a directory, not a file");
	rmdir(path);

	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_int_equal(ftruncate(fd, 1 << 30), 0);
	close(fd);
	refuses(f, &t, "50-odd.yaml: 1073741824 bytes: larger than");
	unlink(path);

	assert_int_equal(symlink("/proc/self/exe", path), 0);
	refuses(f, &t, "50-odd.yaml");
	unlink(path);

	assert_int_equal(symlink("nowhere", path), 0);
	refuses(f, &t, "50-odd.yaml: No such file");
	unlink(path);

	put_file(&t, "run/d.d/50-odd.yaml", "a: 1\nb: [\n");
	refuses(f, &t, "50-odd.yaml:3: not YAML");
	put_file(&t, "run/d.d/50-odd.yaml", "- a\n");
	refuses(f, &t, "50-odd.yaml:1: a configuration must be a mapping");
	dirs_teardown(&t);
}

static int count(const char *path, void *arg)
{
	char *seen = arg;

	strcat(seen, strrchr(path, '/') + 1);
	strcat(seen, " ");
	return strstr(path, "stop") ? -ECANCELED : 0;
}

static void each_file_is_called_in_order_until_one_says_no(void **state)
{
	struct doc_fixture *f = *state;
	char seen[200] = "";
	struct dirs t;

	dirs_setup(&t);
	put_file(&t, "etc/d.d/b.yaml", "");
	put_file(&t, "usr/d.d/c.yaml", "");
	put_file(&t, "usr/d.d/a.yaml", "");
	assert_int_equal(conf_each_file(t.list, "d.d", count, seen, &f->d), 0);
	assert_string_equal(seen, "a.yaml b.yaml c.yaml ");
	put_file(&t, "run/d.d/b-stop.yaml", "");
	seen[0] = 0;
	assert_int_equal(conf_each_file(t.list, "d.d", count, seen, &f->d), -ECANCELED);
	assert_string_equal(seen, "a.yaml b-stop.yaml ");
	assert_int_equal(conf_each_file(t.list, "absent.d", count, seen, &f->d), 0);
	dirs_teardown(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		doc_test(an_empty_mapping_gives_the_defaults),
		doc_test(every_type_is_filled),
		doc_test(null_and_single_texts_where_they_may_be),
		doc_test(what_the_table_does_not_say_is_refused_with_cause_and_place),
		doc_test(a_list_is_no_configuration),
		doc_test(scalars_are_read_strictly),
		doc_test(slips_of_the_finger_are_recognised),
		doc_test(what_is_printed_is_read_back_the_same),
		doc_test(the_table_prints_itself_even_if_it_contains_itself),
		doc_test(no_file_at_all_is_an_empty_mapping),
		doc_test(drop_ins_follow_the_rules_of_systemd),
		doc_test(a_drop_in_that_is_no_text_is_refused_and_never_waited_for),
		doc_test(each_file_is_called_in_order_until_one_says_no),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
