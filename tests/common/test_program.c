/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "yamltest.h"
#include "../../common/layout.h"
#include "../../common/program.h"

static int parse_as(struct doc_fixture *f, const char *file, const char *text, struct program **ret)
{
	assert_int_equal(doc_parse(f, text), 0);
	return program_parse(f->a, file, "/base", f->root, ret, &f->d);
}

static struct program *parse(struct doc_fixture *f, const char *text)
{
	struct program *p = NULL;

	if (parse_as(f, "/dir/file.yaml", text, &p) < 0)
		fail_msg("%s", f->d.error);
	return p;
}

static bool warned(const struct doc_fixture *f, const char *part)
{
	size_t i;

	for (i = 0; i < f->d.n_warnings; i++)
		if (strstr(f->d.warnings[i], part))
			return true;
	return false;
}

#define ITEM(list, type, i) (&((struct type *)(list).items)[i])
#define OBJECT "programs: [{name: o, type: ebpf_object, path: o.bpf.o}]\n"
#define BOTH                                                                                                        \
	"programs:\n- {name: o, type: ebpf_object, path: o.bpf.o}\n- {name: so, type: user_so, path: /x.so}\n"      \
	"channels: {ring: {type: ring_buffer}}\n"

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

static void what_is_not_built_is_said(void **state)
{
	struct doc_fixture *f = *state;

	parse(f,
	      "programs:\n- {name: b, type: bpftrace, path: http://h/x.bt}\n"
	      "- {name: o, type: ebpf_object, path: o.o}\n"
	      "- {name: so, type: user_so, path: s.so, properties: {functions: [{name: p}, {name: i, type: init}]}}\n"
	      "channels: {p: {type: perf_buffer}, m: {type: map, interval: 1s, reset: true}, q: {type: pipe}}\n"
	      "events: [{name: so, target_processor: p, storage: {tsdb: true, kafka: false}}]\n");
	assert_true(warned(f, "x.yaml:2: type: bpftrace is not built in this version"));
	assert_true(warned(f, "x.yaml:2: path: fetching by http is not built in this version"));
	assert_true(warned(f, "functions: type init is not built"));
	assert_true(warned(f, "type: perf_buffer is not built"));
	assert_true(warned(f, "type: map is not built"));
	assert_true(warned(f, "type: pipe is not built"));
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
			    "    - {name: e, type: u32, values: {A: 1, B: -2}}\n    - {name: s, type: 'char[]'}\n");
	c = p->channels.items;
	assert_int_equal(c->size, 100);
	assert_string_equal(c->pid_field, "p");
	x = c->fields.items;
	assert_true(x[0].offset == UINT64_MAX);
	assert_int_equal(x[1].offset, 0);
	assert_int_equal(x[2].values.n, 2);
	assert_string_equal(ITEM(x[2].values, layout_value, 1)->name, "B");
	assert_int_equal(ITEM(x[2].values, layout_value, 1)->value, -2);
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

/* ---- storage --------------------------------------------------------------------------------------- */

static void sinks_are(struct doc_fixture *f, const char *text, const char *defaults, const char *expected)
{
	struct doc_fixture *other = NULL;
	char said[100] = "";
	struct program *p;
	struct storage *s;
	size_t n, i;

	doc_setup((void **)&other);
	p = parse(f, text);
	if (defaults)
		assert_int_equal(doc_parse(other, defaults), 0);
	assert_int_equal(program_storage(f->a, p, p->channels.items, p->events.n ? p->events.items : NULL,
					 other->root, &s, &n, &f->d),
			 0);
	for (i = 0; i < n; i++) {
		strcat(said, s[i].sink);
		strcat(said, s[i].options ? "+ " : " ");
	}
	assert_string_equal(said, expected);
	doc_teardown((void **)&other);
}

static void the_nearest_storage_wins_sink_by_sink(void **state)
{
	struct doc_fixture *f = *state;

	sinks_are(f, BOTH, NULL, "file ");
	sinks_are(f, BOTH, "kafka: {a: b}", "kafka+ ");
	sinks_are(f, BOTH "storage: {kafka: true}\n", NULL, "file kafka ");
	sinks_are(f, BOTH "storage: {kafka: true, file: false}\n", "file: true", "kafka ");
	sinks_are(f, BOTH "storage: {kafka: true}\nevents: [{name: so, storage: {kafka: false}}]\n", NULL, "file ");
	sinks_are(f, BOTH "storage: {file: false}\nevents: [{name: so, storage: {file: {path: /x}}}]\n", NULL,
		  "file+ ");
	sinks_are(f, OBJECT "channels: {r: {type: ring_buffer, storage: {tmpfs: true}}}\nevents: [{name: x}]\n", NULL,
		  "file tmpfs ");
	/* inside an item */
	sinks_are(f, "programs:\n- {name: o, type: ebpf_object, path: o.o, storage: {kafka: true},\n"
		     "   channels: {r: {type: ring_buffer}}}\n", NULL, "file kafka ");
	sinks_are(f, "programs:\n- {name: o, type: ebpf_object, path: o.o, storage: {kafka: true}}\n"
		     "channels: {r: {type: ring_buffer}}\n", NULL, "file kafka ");
	sinks_are(f, "programs:\n- {name: o, type: ebpf_object, path: o.o}\n"
		     "- {name: so, type: user_so, path: s.so, storage: {tmpfs: yes}}\n"
		     "channels: {r: {type: ring_buffer}}\nevents: [{name: so}]\n", NULL, "file tmpfs ");
}

/* ---- what is wrong --------------------------------------------------------------------------------- */

#define RING "channels: {ring: {type: ring_buffer}}\n"
static const struct {
	const char *text, *error;
} bad[] = {
	{ "", "x.yaml:1: programs: is missing in a program file" },
	{ "programs: []\n", "programs: is empty" },
	{ "programs:\n", "x.yaml:1: programs: has no value (expected a list" },
	{ "kind: ebpfprogram\n", "spec: is missing in a program file" },
	{ "kind: deployment\nspec: {}\n", "kind: is \"deployment\" (expected one of ebpfprogram)" },
	{ "spec: {}\n", "programs: is missing in spec" },
	{ "spec: {programs: []}\nprograms: []\n", "x.yaml:2: programs: unknown key in a program file" },
	{ "nmae: x\n" OBJECT, "x.yaml:1: nmae: unknown key in a program file; did you mean \"name\"?" },
	{ "name: a/b\n" OBJECT, "name: is \"a/b\" (expected a name of 1 to 63" },
	{ "chanels: {}\n" OBJECT, "chanels: unknown key in a program file; did you mean \"channels\"?" },
	{ "- a: b\n", "a list is no program" },
	{ "programs: [{type: ebpf_object, path: x}]\n", "name: is missing in an entry of programs" },
	{ "programs: [{name: o, path: x}]\n",
	  "type: is missing in an entry of programs (expected one of ebpf_object" },
	{ "programs: [{name: o, type: ebpf_objekt, path: x}]\n", "did you mean \"ebpf_object\"?" },
	{ "programs: [{name: o, type: ebpf_object}]\n", "x.yaml:1: path: is missing in o" },
	{ "programs: [{name: o.x, type: ebpf_object, path: x}]\n", "name: is \"o.x\"" },
	{ "programs: [{name: o, type: ebpf_object, path: 'gopher://x'}]\n", "is of no known kind" },
	{ "programs: [{name: o, type: ebpf_object, path: 'file://x'}]\n", "is not absolute (expected file:///" },
	{ "programs: [{name: o, type: ebpf_object, path: x, sha256: abc}]\n", "sha256: abc is out of bounds" },
	{ "programs: [{name: o, type: ebpf_object, path: x, properties: {src: y}}]\n", "src: o is an ebpf_object" },
	{ "programs: [{name: o, type: ebpf_object, path: x, properties: {functions: [{name: f}]}}]\n",
	  "functions: o is an ebpf_object" },
	{ "programs: [{name: o, type: ebpf_object, path: x, properties: {progs: [a]}}]\n", "progs: is a list" },
	{ "programs: [{name: o, type: ebpf_object, path: x, properties: {progs: {a: maybe}}}]\n",
	  "attach: is \"maybe\" (expected one of default, true, false, required, optional)" },
	{ "programs: [{name: o, type: ebpf_object, path: x, properties: {maps: {m: {max_entrys: 1}}}}]\n",
	  "max_entrys: unknown key in a map; did you mean \"max_entries\"?" },
	{ "programs:\n- {name: o, type: ebpf_object, path: x}\n- {name: o, type: user_so, path: x}\n",
	  "x.yaml:3: name: \"o\" is the name of two programs (first in line 2)" },
	{ "programs: [{name: b, type: bpftrace}]\n",
	  "path: b has neither path nor src; bpftrace is not built in this version" },
	{ "programs: [{name: b, type: bpftrace, path: x, properties: {src: y}}]\n", "src: b has a path as well" },
	{ "programs:\n- name: b\n  type: bpftrace\n  src: x\n  properties: {src: y}\n",
	  "x.yaml:4: src: stands in properties as well" },
	{ "programs:\n- name: o\n  type: ebpf_object\n  path: gopher://x\n", "x.yaml:4: path: \"gopher://x\"" },
	{ "programs:\n- name: o\n  path: file://x\n  type: ebpf_object\n", "x.yaml:3: path: \"file://x\"" },
	{ "programs: [{name: s, type: user_so, path: x, properties: {functions: [{name: 'a b'}]}}]\n",
	  "name: \"a b\" cannot be a function's name" },
	{ "programs: [{name: s, type: user_so, path: x, properties: {functions: [{name: a}, {name: a}]}}]\n",
	  "functions: \"a\" is there twice" },
	{ "programs: [{name: s, type: user_so, path: x, properties: {progs: {a: true}}}]\n",
	  "speak of the file's only ebpf_object; it has 0" },
	{ "programs:\n- {name: o, type: ebpf_object, path: x, properties: {maps: {m: {}}}}\n"
	  "- {name: s, type: user_so, path: x, properties: {maps: {m: {}}}}\nevents: [{name: s}]\n",
	  "x.yaml:3: maps: m is there twice (first in line 2)" },
	{ OBJECT "channels: {r: {}}\n", "type: is missing in a channel" },
	{ OBJECT "channels: {a.b: {type: ring_buffer}}\n", "x.yaml:2: channels: \"a.b\" is no name" },
	{ OBJECT "channels: [r]\n", "channels: is a list (expected a mapping of names)" },
	{ OBJECT "channels: {r: {type: ring_bufer}}\n", "did you mean \"ring_buffer\"?" },
	{ OBJECT "channels: {r: {type: ring_buffer, map: x.m}}\n", "map: \"x\" names no ebpf_object" },
	{ OBJECT "channels: {r: {type: ring_buffer, map: 'o.'}}\n", "cannot be a map's name" },
	{ OBJECT "channels: {r: {type: ring_buffer, pinpath: /x}}\n",
	  "pinpath: r is a ring_buffer (pinpath belongs to" },
	{ OBJECT "channels: {r: {type: ring_buffer, interval: 5s}}\n", "interval: r is a ring_buffer" },
	{ OBJECT "channels: {r: {type: pipe}}\n", "pinpath: is missing in r" },
	{ OBJECT "channels: {r: {type: pipe, pinpath: x}}\n", "pinpath: of r is not an absolute path" },
	{ OBJECT "channels: {r: {type: pipe, pinpath: /x, map: m}}\n", "map: r is a pipe" },
	{ OBJECT "channels: {r: {type: ring_buffer, size: 5}}\n", "size: of r goes with fields:" },
	{ OBJECT "channels: {r: {type: ring_buffer, fields: [{name: a, type: int}]}}\n",
	  "type: \"int\" is not known" },
	{ OBJECT "channels: {r: {type: ring_buffer, fields: [{name: a, type: 'char[]'}, {name: b, type: u8}]}}\n",
	  "fields: a goes up to the record's end, so it must be the last" },
	{ OBJECT "channels: {r: {type: ring_buffer, fields: [{name: a, type: u8}, {name: a, type: u8}]}}\n",
	  "fields: \"a\" is there twice" },
	{ "programs: [{name: o, type: ebpf_object, path: x, "
	  "channels: {r: {type: ring_buffer}}}]\n"
	  "channels: {r: {type: ring_buffer}}\n",
	  "x.yaml:1: channels: \"r\" is the name of two channels (first in line 2)" },
	{ "programs: [{name: s, type: user_so, path: x}]\n" RING, "has no ebpf_object that could have the map ring" },
	{ OBJECT RING "events: [{name: x, channels: [rong]}]\n",
	  "x.yaml:3: channels: \"rong\" is no channel of this file; did you mean \"ring\"?" },
	{ OBJECT RING "events: [{name: x, channels: [ring, ring]}]\n", "channels: \"ring\" is there twice" },
	{ BOTH "events: [{name: zzz, target_processor: f}]\n",
	  "\"zzz\" names no user_so of this file, whose function f" },
	{ BOTH "events: [{name: o, target_processor: f}]\n", "\"o\" names no user_so of this file" },
	{ BOTH "events: [{target_processor: f}]\n", "it is missing, and so names no user_so" },
	{ BOTH "events: [{name: so}, {name: so, channels: ring}]\n",
	  "events: channel ring goes to so twice (first in" },
	{ "programs:\n- {name: o, type: ebpf_object, path: o.o}\n"
	  "- {name: s, type: user_so, path: x, properties: {functions: [{name: process}]}}\n" RING
	  "events: [{name: s, target_processor: proces}]\n",
	  "\"proces\" is not among the functions of s that take events; did you mean \"process\"?" },
	{ OBJECT RING "storage: true\n", "storage: expected a mapping" },
	{ OBJECT RING "storage: {kafak: true}\n", "storage: \"kafak\" is not known; did you mean \"kafka\"?" },
	{ OBJECT RING "storage: {s3: true}\n", "storage: \"s3\" is not known (expected file, kafka, tmpfs or tsdb)" },
	{ OBJECT RING "storage: {file: maybe}\n", "storage: file is neither true nor false nor a mapping" },
	{ OBJECT RING "storage: {file: }\n", "storage: file is neither true nor false" },
	{ OBJECT RING "storage: {file: {'a b': 1}}\n", "storage: \"a b\" cannot be the name of an option" },
	{ OBJECT RING "spool: {size: 1K}\n",
	  "size: 1K is out of bounds (expected a size such as 64K or 16M, from 256K" },
	{ OBJECT "programs: []\n", "programs: this key is there twice" },
};

static void what_is_wrong_is_refused_with_file_line_and_cause(void **state)
{
	struct doc_fixture *f = *state;
	struct program *p;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		p = NULL;
		if (!doc_parse(f, bad[i].text) && !program_parse(f->a, "x.yaml", "/base", f->root, &p, &f->d))
			fail_msg("accepted: %s", bad[i].text);
		assert_null(p);
		assert_has(f->d.error, "x.yaml:");
		assert_has(f->d.error, bad[i].error);
		assert_null(strchr(f->d.error, '\n'));
	}
}

static void there_is_an_end_to_everything(void **state)
{
	struct doc_fixture *f = *state;
	char text[20000], *end = text;
	struct program *p;
	int i;

	end += sprintf(end, OBJECT "channels:\n");
	for (i = 0; i < PROGRAM_MAX_CHANNELS; i++)
		end += sprintf(end, "  c%d: {type: ring_buffer}\n", i);
	parse(f, text);
	sprintf(end, "events: [{name: a}, {name: b}, {name: c}, {name: d}, {name: e}]\n");
	assert_int_equal(parse_as(f, "x.yaml", text, &p), -EINVAL);
	assert_has(f->d.error, "events: 80 pairs of channel and event (expected at most 64)");
	sprintf(end, "  one_more: {type: ring_buffer}\n");
	assert_int_equal(parse_as(f, "x.yaml", text, &p), -ERANGE);
	assert_has(f->d.error, "channels: has 17 entries (expected at most 16)");

	end = text + sprintf(text, "programs:\n- name: o\n  type: ebpf_object\n  path: x\n  channels:\n");
	for (i = 0; i < PROGRAM_MAX_CHANNELS; i++)
		end += sprintf(end, "    c%d: {type: ring_buffer}\n", i);
	strcpy(end, "channels: {more: {type: ring_buffer}}\n");
	assert_int_equal(parse_as(f, "x.yaml", text, &p), -EINVAL);
	assert_has(f->d.error, "channels: more than 16");
}

/* ---- xdpd's list -------------------------------------------------------------------------------------- */

static void xdpds_list_has_its_own_table(void **state)
{
	static const struct {
		const char *text, *error;
	} wrong[] = {
		{ "- orignalTo: {}\n",
		  "orignalTo: unknown key in an entry of xdpd's list; did you mean \"originalTo\"?" },
		{ "- originalTo: {ip: 1.2.3, ifName: eth0}\n", "ip: \"1.2.3\" is no IPv4 or IPv6 address" },
		{ "- originalTo: {ip: 1.2.3.4, ifName: a/b}\n", "ifName: \"a/b\" cannot be an interface's name" },
		{ "- originalTo: {ip: 1.2.3.4, ifName: 1234567890123456}\n",
		  "ifName: 1234567890123456 is out of bounds" },
		{ "- originalTo: {ip: 1.2.3.4}\n", "ifName: is missing in originalTo" },
		{ "- originalTo: {ip: 1.2.3.4, ifName: x, attachMode: natve}\n", "did you mean \"native\"?" },
		{ "- {}\n", "originalTo: is missing" },
		{ "- originalTo: {ip: 1.2.3.4, ifName: x}\n- originalTo: {ip: 1.2.3.4, ifName: x}\n",
		  "x.yaml:2: originalTo: 1.2.3.4 on x is there twice (first in line 1)" },
	};
	struct doc_fixture *f = *state;
	size_t i;

	assert_int_equal(doc_parse(f, "- originalTo: {ip: 'fe80::1', ifName: bond0.1}\n"), 0);
	assert_true(program_is_xdp_list(f->root));
	assert_int_equal(program_check_xdp_list(f->a, f->root, &f->d), 0);
	assert_true(warned(f, "xdpd, which does not use it yet in this version"));
	for (i = 0; i < ARRAY_SIZE(wrong); i++) {
		assert_int_equal(doc_parse(f, wrong[i].text), 0);
		assert_true(program_check_xdp_list(f->a, f->root, &f->d) < 0);
		assert_has(f->d.error, wrong[i].error);
	}
	assert_int_equal(doc_parse(f, OBJECT), 0);
	assert_false(program_is_xdp_list(f->root));
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
		doc_test(what_is_not_built_is_said),
		doc_test(a_script_may_stand_at_its_item),
		doc_test(a_script_gets_a_pipe_at_its_place),
		doc_test(artifacts_have_absolute_paths),
		doc_test(fields_are_read),
		doc_test(a_processor_is_found_and_its_function_too),
		doc_test(routes_are_many_to_many),
		doc_test(the_nearest_storage_wins_sink_by_sink),
		doc_test(what_is_wrong_is_refused_with_file_line_and_cause),
		doc_test(there_is_an_end_to_everything),
		doc_test(xdpds_list_has_its_own_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
