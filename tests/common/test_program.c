/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a program file says: items, channels, events, and the routes between them. */
#include "programtest.h"
#include "../../common/layout.h"

/* ---- both shapes -------------------------------------------------------------------------- */

static void with_and_without_the_envelope_it_is_the_same(void **state)
{
	struct doc_fixture *f = *state;
	struct program *p;

	p = parse(f, "kind: ebpfprogram\nname: n\ndescription: d\nversion: 1\nauthor: a\nspec:\n"
		     "  programs: [{name: o, type: ebpf_object, path: o.bpf.o}]\n"
		     "  channels: {ring: {type: ring_buffer}}\n");
	assert_string_equal(p->name, "n");
	assert_string_equal(p->description, "d");
	assert_string_equal(p->version, "1");
	assert_int_equal(p->items.n, 1);
	assert_int_equal(p->channels.n, 1);
	assert_int_equal(f->d.n_warnings, 0);

	p = parse(f, OBJECT "channels: {ring: {type: ring_buffer}}\n");
	assert_string_equal(p->name, "file");
	assert_string_equal(p->base, "/base");
	assert_int_equal(p->channels.n, 1);
	p = parse(f, "name: mine\n" OBJECT "channels: {ring: {type: ring_buffer}}\n");
	assert_string_equal(p->name, "mine");
}

static void a_files_name_becomes_a_programs(void **state)
{
	struct doc_fixture *f = *state;
	struct program *p;

	assert_int_equal(parse_as(f, "my prog.v2.yaml", OBJECT, &p), 0);
	assert_string_equal(p->name, "my_prog_v2");
	assert_int_equal(parse_as(f, "/a/b.yml", OBJECT, &p), 0);
	assert_string_equal(p->name, "b");
	assert_int_equal(parse_as(f, "/a/", OBJECT, &p), 0);
	assert_string_equal(p->name, "_");
	assert_int_equal(
		parse_as(f, "1234567890123456789012345678901234567890123456789012345678901234567890", OBJECT, &p), 0);
	assert_int_equal(strlen(p->name), 63);
}

static void what_stands_inside_an_item_counts_as_if_it_stood_in_spec(void **state)
{
	struct doc_fixture *f = *state;
	const struct program_channel *c;
	struct program *p;

	p = parse(f, "spec:\n  programs:\n"
		     "  - {name: a, type: ebpf_object, path: a.o, channels: {ra: {type: ring_buffer, map: m}}}\n"
		     "  - {name: b, type: ebpf_object, path: b.o}\n"
		     "  - {name: so, type: user_so, path: s.so, channels: {rb: {type: ring_buffer, map: b.n}},\n"
		     "     events: [{target_processor: f}]}\n"
		     "  channels: {rc: {type: ring_buffer}}\n");
	assert_int_equal(p->channels.n, 3);
	c = p->channels.items;
	assert_string_equal(c[0].name, "rc");
	assert_null(c[0].map_item);
	assert_string_equal(c[0].map, "rc");
	assert_string_equal(c[1].map_item, "a");
	assert_string_equal(c[1].map, "m");
	assert_string_equal(c[2].map_item, "b");
	assert_string_equal(c[2].map, "n");
	assert_int_equal(p->events.n, 1);
	assert_string_equal(ITEM(p->events, program_event, 0)->processor, "so");
	assert_string_equal(ITEM(p->events, program_event, 0)->function, "f");
}

/* ---- items ----------------------------------------------------------------------------------- */

static void every_property_is_read(void **state)
{
	struct doc_fixture *f = *state;
	const struct program_prog *g;
	const struct program_map *m;
	const struct program_item *i;
	struct program *p;

	p = parse(f, "programs:\n- name: o\n  type: ebpf_object\n  path: o.o\n"
		     "  sha256: 00112233445566778899AABBCCDDEEFF00112233445566778899aabbccddeeff\n"
		     "  properties:\n    progs: {a: false, b: {attach: required, target: tp/x}, c: {}}\n"
		     "    maps: {m: {max_entries: 5, value_size: 8, pin: shared, init: [1]}, n: {}}\n"
		     "    variables: {x: 1, y: [1, 2]}\n");
	i = p->items.items;
	assert_string_equal(i->sha256, "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff");
	assert_int_equal(i->progs.n, 3);
	g = i->progs.items;
	assert_string_equal(g[0].item.key, "a");
	assert_int_equal(g[0].item.line, 7);
	assert_int_equal(g[0].attach, ATTACH_FALSE);
	assert_int_equal(g[1].attach, ATTACH_REQUIRED);
	assert_string_equal(g[1].target, "tp/x");
	assert_int_equal(g[2].attach, ATTACH_DEFAULT);
	m = i->maps.items;
	assert_int_equal(m[0].max_entries, 5);
	assert_int_equal(m[0].pin, 1);
	assert_int_equal(m[0].init->n, 1);
	assert_int_equal(m[1].max_entries, 0);
	assert_int_equal(i->n_variables, 2);
	assert_string_equal(i->variables[1].name, "y");
	assert_int_equal(i->variables[1].value->n, 2);
}

static void properties_of_a_processor_speak_of_the_only_object(void **state)
{
	struct doc_fixture *f = *state;
	const struct program_item *i;
	struct program *p;

	p = parse(f, "programs:\n- {name: o, type: ebpf_object, path: o.o, properties: {progs: {a: true}}}\n"
		     "- {name: so, type: user_so, path: s.so, properties: {progs: {b: false}, maps: {m: {}}, "
		     "variables: {v: 1}}}\nevents: [{name: so}]\n");
	i = p->items.items;
	assert_int_equal(i[0].progs.n, 2);
	assert_string_equal(ITEM(i[0].progs, program_prog, 1)->item.key, "b");
	assert_int_equal(i[0].maps.n, 1);
	assert_int_equal(i[0].n_variables, 1);
	assert_int_equal(i[1].progs.n, 0);
	assert_int_equal(i[1].n_variables, 0);
}

static void placeholders_are_warned_about(void **state)
{
	struct doc_fixture *f = *state;

	parse(f, "programs:\n- {name: o, type: ebpf_object, path: o.o}\n- name: so\n  type: user_so\n  path: s.so\n"
		 "  properties:\n    progs: xxxx\n    maps: xxx\n    variables:\n    initfile:\nevents: [{name: so}]\n"
		 "channels: {r: {type: ring_buffer}}\n");
	assert_int_equal(f->d.n_warnings, 4);
	assert_string_equal(f->d.warnings[0],
			    "x.yaml:7: progs: \"xxxx\" is a placeholder and is passed over (expected a "
			    "mapping of names)");
	assert_true(warned(f, "x.yaml:8: maps: \"xxx\""));
	assert_true(warned(f, "x.yaml:9: variables: is empty"));
	assert_true(warned(f, "x.yaml:10: initfile: is empty"));
}

static void an_initfile_is_for_the_init_functions(void **state)
{
	struct doc_fixture *f = *state;
	struct program *p = parse(f, "programs:\n- {name: o, type: ebpf_object, path: o.o}\n"
				     "- name: so\n  type: user_so\n  path: s.so\n"
				     "  properties:\n    initfile: d/settings\n"
				     "    functions: [{name: a, type: preload}, {name: b, type: init}, "
				     "{name: c, type: init}]\n"
				     "- {name: none, type: user_so, path: s.so, properties: {functions: ["
				     "{name: a, type: init}]}}\n"
				     "channels: {r: {type: ring_buffer}}\n");
	const struct program_item *so = ITEM(p->items, program_item, 1);
	const char *path = NULL;

	assert_int_equal(f->d.n_warnings, 0);	/* nor that no event names them: they have something to do */
	assert_null(ITEM(so->functions, program_function, 0)->initfile);
	assert_string_equal(ITEM(so->functions, program_function, 2)->initfile, "d/settings");
	assert_ptr_equal(program_initfile(so), ITEM(so->functions, program_function, 1));
	assert_int_equal(program_initfile_path(f->a, p, so, &path, &f->d), 0);
	assert_string_equal(path, "/base/d/settings");
	assert_int_equal(program_initfile_path(f->a, p, so + 1, &path, &f->d), -ENOENT);
	assert_string_equal(f->d.error, "");
}

static void what_is_not_built_is_said(void **state)
{
	struct doc_fixture *f = *state;

	parse(f,
	      "programs:\n- {name: b, type: bpftrace, path: http://h/x.bt}\n"
	      "- {name: o, type: ebpf_object, path: o.o}\n"
	      "- {name: so, type: user_so, path: s.so, properties: {functions: [{name: p}, {name: h, type: hash},\n"
	      "   {name: i, type: init, initfile: ftp://h/f}]}}\n"
	      "channels: {p: {type: perf_buffer}, m: {type: map, interval: 1s, reset: true}, q: {type: pipe}}\n"
	      "events: [{name: so, target_processor: p, storage: {tsdb: true, kafka: false}}]\n");
	assert_true(warned(f, "x.yaml:2: type: bpftrace is not built in this version"));
	assert_true(warned(f, "x.yaml:2: path: fetching by http is not built in this version"));
	assert_false(warned(f, "functions:"));
	assert_true(warned(f, "x.yaml:5: initfile: fetching by ftp is not built"));
	assert_false(warned(f, "type: perf_buffer"));
	assert_false(warned(f, "type: map"));
	assert_false(warned(f, "type: pipe"));
	assert_true(warned(f, "storage: tsdb is not built"));
	assert_false(warned(f, "kafka"));
}

static void a_script_may_stand_at_its_item(void **state)
{
	struct doc_fixture *f = *state;
	struct program *p = parse(f, "name: t\nprograms: [{name: b, type: bpftrace, src: 'BEGIN {}'}]\n");

	assert_string_equal(ITEM(p->items, program_item, 0)->src, "BEGIN {}");
	assert_true(warned(f, "type: bpftrace is not built in this version"));
}

static void a_script_gets_a_pipe_at_its_place(void **state)
{
	struct doc_fixture *f = *state;
	const struct program_channel *c;
	struct program *p;

	setenv("EBPF_AGENT_STATE_DIR", "/state", 1);
	p = parse(f, "name: t\nprograms: [{name: b, type: bpftrace, properties: {src: 'BEGIN {}'}}]\n");
	assert_int_equal(p->channels.n, 1);
	c = p->channels.items;
	assert_string_equal(c->name, "b");
	assert_int_equal(c->type, CHANNEL_PIPE);
	assert_string_equal(c->pinpath, "/state/bpftrace/t.b/output");
	assert_null(c->map);

	p = parse(f, "name: t\nprograms: [{name: b, type: bpftrace, path: x.bt}]\nchannels: {c: {type: pipe}}\n");
	assert_int_equal(p->channels.n, 1);
	assert_string_equal(ITEM(p->channels, program_channel, 0)->pinpath, "/state/bpftrace/t.b/output");
	unsetenv("EBPF_AGENT_STATE_DIR");
}

static void artifacts_have_absolute_paths(void **state)
{
	static const struct {
		const char *path, *expected;
		int err;
	} rows[] = {
		{ "file:///a/b.o", "/a/b.o", 0 }, { "/a/b.o", "/a/b.o", 0 }, { "b.o", "/base/b.o", 0 },
		{ "../b.o", "/base/../b.o", 0 }, { "http://h/b.o", NULL, -EPROTONOSUPPORT },
		{ "https://h/b.o", NULL, -EPROTONOSUPPORT }, { "ftp://h/b.o", NULL, -EPROTONOSUPPORT },
		{ "file://b.o", NULL, -EINVAL }, { "gopher://b", NULL, -EINVAL },
	};
	struct doc_fixture *f = *state;
	struct program *p = parse(f, OBJECT);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct program_item item = { .name = "i", .path = rows[i].path };
		const char *path = NULL;
		struct diag d = {0};

		assert_int_equal(program_artifact_path(f->a, p, &item, &path, &d), rows[i].err);
		if (rows[i].expected)
			assert_string_equal(path, rows[i].expected);
		else
			assert_null(path);
		assert_int_equal(!rows[i].err, !d.error[0]);
	}
}

/* ---- channels and events ----------------------------------------------------------------------- */

static void fields_are_read(void **state)
{
	struct doc_fixture *f = *state;
	const struct program_channel *c;
	const struct program_field *x;
	struct program *p;

	p = parse(f, OBJECT "channels:\n  r:\n    type: ring_buffer\n    size: 100\n    ts_field: t\n    pid_field: p\n"
			    "    fields:\n    - {name: t, type: u64}\n    - {name: p, type: u32, offset: 0}\n"
			    "    - {name: e, type: u32, values: {A: 1, B: -2}}\n"
			    "    - {name: a, type: ip4, when: {e: -2}}\n    - {name: a, type: ip, when: {e: 1}}\n"
			    "    - {name: s, type: 'char[]', length: p}\n");
	c = p->channels.items;
	assert_int_equal(c->size, 100);
	assert_string_equal(c->pid_field, "p");
	x = c->fields.items;
	assert_true(x[0].offset == UINT64_MAX);
	assert_int_equal(x[1].offset, 0);
	assert_int_equal(x[2].values.n, 2);
	assert_string_equal(ITEM(x[2].values, layout_value, 1)->name, "B");
	assert_int_equal(ITEM(x[2].values, layout_value, 1)->value, -2);
	assert_null(x[2].when.field);
	assert_string_equal(x[3].when.field, "e");
	assert_int_equal(x[3].when.value, -2);
	assert_int_equal(x[4].when.value, 1);
	assert_string_equal(x[5].length, "p");
	assert_true(program_field_type_known("u32[4][2]"));
	assert_true(program_field_type_known("char[][16]"));
	assert_true(program_field_type_known("s128"));
	assert_false(program_field_type_known("u32[]x"));
	assert_false(program_field_type_known("u32[0]"));
	assert_false(program_field_type_known("u32[4][]"));
	assert_false(program_field_type_known("u32[99999999]"));
	assert_false(program_field_type_known("u32["));
	assert_false(program_field_type_known("u32[-1]"));
	assert_false(program_field_type_known("int"));
	assert_false(program_field_type_known("strv[]"));
	assert_false(program_field_type_known(""));
}

static void a_processor_is_found_and_its_function_too(void **state)
{
	struct doc_fixture *f = *state;
	const struct program_event *e;
	struct program *p;

	p = parse(f, BOTH "events: [{name: so, hash: hash}]\n");
	e = p->events.items;
	assert_string_equal(e->processor, "so");
	assert_string_equal(e->function, "process");
	assert_string_equal(e->hash, "hash");

	p = parse(f, "programs:\n- {name: o, type: ebpf_object, path: o.o}\n"
		     "- {name: so, type: user_so, path: s.so, properties: {functions: [{name: mine}]}}\n"
		     "channels: {ring: {type: ring_buffer}}\nevents: [{name: so}]\n");
	assert_string_equal(ITEM(p->events, program_event, 0)->function, "mine");

	p = parse(f, BOTH "events: [{name: so}, {name: decoded}]\n");
	e = p->events.items;
	assert_null(e[1].processor);
	assert_null(e[1].function);
	assert_string_equal(e[1].name, "decoded");
	assert_int_equal(f->d.n_warnings, 0);

	p = parse(f, BOTH "events: [{name: so2}, {name: so}]\n");
	assert_null(ITEM(p->events, program_event, 0)->processor);
	assert_true(warned(f,
			   "\"so2\" names no user_so of this file, so it is only what the events are called; did you "
			   "mean \"so\"?"));
}

static void routes_are_many_to_many(void **state)
{
	struct doc_fixture *f = *state;
	struct program_route *r;
	struct program *p;
	size_t n;

	p = parse(f, "programs:\n- {name: o, type: ebpf_object, path: o.o}\n- {name: so, type: user_so, path: s.so}\n"
		     "channels: {a: {type: ring_buffer}, b: {type: ring_buffer}, c: {type: ring_buffer}}\n"
		     "events: [{name: so, channels: [a, b]}, {name: x, channels: a}]\n");
	assert_int_equal(program_routes(f->a, p, &r, &n), 0);
	assert_int_equal(n, 4);
	assert_int_equal(r[0].channel, 0);
	assert_string_equal(r[0].event->name, "so");
	assert_string_equal(r[1].event->name, "x");
	assert_int_equal(r[2].channel, 1);
	assert_int_equal(r[3].channel, 2);
	assert_null(r[3].event);

	p = parse(f, OBJECT);
	assert_int_equal(program_routes(f->a, p, &r, &n), 0);
	assert_int_equal(n, 0);
	assert_true(warned(f, "channels: there is none"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		doc_test(with_and_without_the_envelope_it_is_the_same),
		doc_test(a_files_name_becomes_a_programs),
		doc_test(what_stands_inside_an_item_counts_as_if_it_stood_in_spec),
		doc_test(every_property_is_read),
		doc_test(properties_of_a_processor_speak_of_the_only_object),
		doc_test(placeholders_are_warned_about),
		doc_test(an_initfile_is_for_the_init_functions),
		doc_test(what_is_not_built_is_said),
		doc_test(a_script_may_stand_at_its_item),
		doc_test(a_script_gets_a_pipe_at_its_place),
		doc_test(artifacts_have_absolute_paths),
		doc_test(fields_are_read),
		doc_test(a_processor_is_found_and_its_function_too),
		doc_test(routes_are_many_to_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
