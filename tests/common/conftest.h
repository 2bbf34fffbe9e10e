/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A table with a row of every type: a car. */
#ifndef TESTS_COMMON_CONFTEST_H
#define TESTS_COMMON_CONFTEST_H

#include "yamltest.h"
#include "../../common/conf.h"

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
static const struct conf_schema wheel_schema = { "a wheel", sizeof(struct wheel), .keys = wheel_keys };

static const struct conf_key spare_keys[] = {
	{ "text", CONF_STR, offsetof(struct spare, text), .flags = CONF_REQUIRED },
	{ 0 },
};
static const struct conf_schema spare_schema = { "a spare", sizeof(struct spare), spare_keys, .bare = true };

static const struct conf_key engine_keys[] = {
	{ "power", CONF_UINT, offsetof(struct engine, power), .def = "90" },
	{ "fuel", CONF_STR, offsetof(struct engine, fuel), .def = "petrol" },
	{ 0 },
};
static const struct conf_schema engine_schema = { "an engine", sizeof(struct engine), .keys = engine_keys };

static inline int parse_twice(struct arena *a, const struct yaml_node *n, void *field, struct diag *d)
{
	uint64_t v;

	(void)a;
	if (n->kind != YAML_NODE_SCALAR || conf_parse_u64(n->value, &v) < 0)
		return diag_fail(d, -EINVAL, n->file, n->line, "twice: no number");
	*(int *)field = 2 * (int)v;
	return 0;
}

static inline void print_twice(const void *field, FILE *f)
{
	fprintf(f, "%d", *(const int *)field / 2);
}

static inline int check_car(struct arena *a, const struct yaml_node *n, void *obj, struct diag *d)
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
	{ "owner", CONF_STR, .offset = offsetof(struct car, owner) },
	{ "name", CONF_NAME, .offset = offsetof(struct car, name) },
	{ "colour", CONF_ENUM, offsetof(struct car, colour), "green", .choices = colours },
	{ "tags", CONF_STRS, .offset = offsetof(struct car, tags) },
	{ "engine", CONF_STRUCT, offsetof(struct car, engine), .sub = &engine_schema },
	{ "wheels", CONF_LIST, offsetof(struct car, wheels), .sub = &wheel_schema, .max = 4 },
	{ "extras", CONF_DICT, offsetof(struct car, extras), .sub = &wheel_schema, .flags = CONF_NULL_OK },
	{ "spares", CONF_LIST, offsetof(struct car, spares), .sub = &spare_schema },
	{ "notes", CONF_NODE, .offset = offsetof(struct car, notes) },
	{ "twice", CONF_CUSTOM, offsetof(struct car, twice), .parse = parse_twice, .print = print_twice },
	{ 0 },
};
static const struct conf_schema car_schema = { "a car", sizeof(struct car), car_keys, .check = check_car };

static inline int parse_car(struct doc_fixture *f, const char *text, struct car *ret)
{
	*ret = (struct car){0};
	assert_int_equal(doc_parse(f, text), 0);
	return conf_parse(f->a, &car_schema, f->root, ret, &f->d);
}

#endif
