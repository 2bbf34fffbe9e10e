/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which fields of a polled map's key become labels, and that no label comes twice. */
#include "objects.h"

#include <errno.h>

#define U32(name_, at) { .name = name_, .kind = LAYOUT_UINT, .offset = (at) * 8, .bits = 32 }
static struct layout_field of_key[] = {
	U32("cpu", 0), U32("pid", 4),
	{ .name = "rest", .kind = LAYOUT_TEXT, .offset = 64, .trailing = true },	/* as of `char rest[]` */
};
static struct layout_field of_value[] = { U32("calls", 0) };
static struct layout_field parts[] = {
	{ .name = "key", .kind = LAYOUT_STRUCT, .bits = 64, .fields = { of_key, ARRAY_SIZE(of_key) } },
	{ .name = "value", .kind = LAYOUT_STRUCT, .offset = 64, .bits = 32, .fields = { of_value, 1 } },
};

static struct load l;
static struct manifest_channel m;

static int setup(void **state)
{
	(void)state;
	l = (struct load){ .sock = -1, .arena = arena_new(0) };
	m = (struct manifest_channel){
		.layout = { .name = "calls", .size = 12, .source = "btf",
			    .root = { .name = "", .kind = LAYOUT_STRUCT, .bits = 96, .fields = { parts, 2 } } },
	};
	return l.arena ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	diag_fini(&l.diag);
	arena_free(l.arena);
	return 0;
}

static int labels(const char *keys)
{
	char document[512];
	struct diag d = { 0 };
	struct program *p;

	snprintf(document, sizeof(document),
		 "programs:\n- { name: x, type: ebpf_object, path: /x.o }\n"
		 "channels:\n  calls: { type: map%s }\n", keys);
	if (program_parse(l.arena, "test.yaml", "/", yaml(l.arena, document), &p, &d))
		fail_msg("%s", d.error);
	diag_fini(&d);
	l.program = p;
	m.poll.per_cpu = ((const struct program_channel *)p->channels.items)->poll.per_cpu;
	return load_map_labels(&l, p->channels.items, false, &m);
}

static void assert_labels(const char *first, const char *second)
{
	const struct layout_field *f = m.poll.labels.root.fields.items;

	assert_int_equal(m.poll.labels.root.fields.n, 1 + !!second);
	assert_string_equal(f[0].name, first);
	if (second)
		assert_string_equal(f[1].name, second);
}

static void all_of_the_key_are_labels_unless_some_are_named(void **state)
{
	(void)state;
	assert_int_equal(labels(""), 0);
	assert_labels("cpu", "pid");
	assert_int_equal(labels(", labels: [pid]"), 0);
	assert_labels("pid", NULL);
	assert_int_equal(labels(", labels: { who: pid, cpu: cpu }"), 0);
	assert_labels("who", "cpu");
}

/* Which its samples would have twice: that of the key, and that which `per_cpu` gives. */
static void assert_refused(const char *keys)
{
	assert_int_equal(labels(keys), -EINVAL);
	assert_non_null(strstr(l.diag.error, "test.yaml:4"));
	assert_non_null(strstr(l.diag.error, "channel 'calls': per_cpu"));
	diag_fini(&l.diag);
	l.diag = (struct diag){ 0 };
}

static void a_label_cpu_beside_per_cpu_is_refused(void **state)
{
	(void)state;
	assert_refused(", per_cpu: true");
	assert_refused(", per_cpu: true, labels: [pid, cpu]");
	assert_refused(", per_cpu: true, labels: { cpu: pid }");
}

static void one_that_is_called_otherwise_is_not(void **state)
{
	(void)state;
	assert_int_equal(labels(", per_cpu: true, labels: { made_for: cpu, pid: pid }"), 0);
	assert_labels("made_for", "pid");
	assert_int_equal(labels(", per_cpu: true, labels: [pid]"), 0);
	assert_labels("pid", NULL);
}

/* In the record its value follows, which is none of it. */
static void what_has_no_size_is_none(void **state)
{
	(void)state;
	assert_int_equal(labels(", labels: [rest]"), -EINVAL);
	assert_non_null(strstr(l.diag.error, "test.yaml:4: channel 'calls': labels: 'rest' is no field of its map's "
			       "key or value that has a size"));
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(all_of_the_key_are_labels_unless_some_are_named),
		T(what_has_no_size_is_none),
		T(a_label_cpu_beside_per_cpu_is_refused),
		T(one_that_is_called_otherwise_is_not),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("loaderd/map_labels", tests, NULL, NULL);
}
