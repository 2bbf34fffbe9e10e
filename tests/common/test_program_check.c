/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is wrong in a program file is refused, with file, line and cause. */
#include <time.h>

#include "programtest.h"

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
	{ "programs: [{name: s, type: user_so, path: x, properties: {functions: ["
	  "{name: a, type: postload, initfile: f}]}}]\n",
	  "initfile: a is of type postload (only a function of type init is handed a file)" },
	{ "programs:\n- name: s\n  type: user_so\n  path: x\n  properties:\n    functions:\n"
	  "    - {name: a, type: init, initfile: f}\n    - {name: b, type: init, initfile: g}\n",
	  "x.yaml:8: initfile: b has another one than a in line 7 (expected one for all of s)" },
	{ "programs:\n- name: s\n  type: user_so\n  path: x\n  properties:\n    initfile: gopher://x\n    functions:\n"
	  "    - {name: a, type: init}\n",
	  "x.yaml:8: initfile: \"gopher://x\" is of no known kind" },
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
	{ OBJECT "channels: {r: {type: ring_buffer, buckets: {step: 5}}}\n", "buckets: r is a ring_buffer" },
	{ OBJECT "channels: {r: {type: pipe, pid_field: p}}\n", "pid_field: r is a pipe" },
	{ OBJECT "channels: {r: {type: ring_buffer, writers: all}}\n", "writers: r is a ring_buffer" },
	{ OBJECT "channels: {r: {type: pipe, pinpath: x}}\n", "pinpath: of r is not an absolute path" },
	{ OBJECT "channels: {r: {type: pipe, pinpath: /x, map: m}}\n", "map: r is a pipe" },
	{ OBJECT "channels: {r: {type: ring_buffer, size: 5}}\n", "size: of r goes with fields:" },
	{ OBJECT "channels: {r: {type: ring_buffer, fields: [{name: a, type: int}]}}\n",
	  "type: \"int\" is not known" },
	{ OBJECT "channels: {r: {type: ring_buffer, fields: [{name: a, type: 'char[]'}, {name: b, type: u8}]}}\n",
	  "fields: a goes up to the record's end, so it must be the last" },
	{ OBJECT "channels: {r: {type: ring_buffer, fields: [{name: a, type: u8}, {name: a, type: u8}]}}\n",
	  "fields: \"a\" is there twice" },
#define FIELDS(fields) OBJECT "channels: {r: {type: ring_buffer, fields: [" fields "]"
	{ FIELDS("{name: a, type: u64}") ", size: 4}}\n", "size: the fields of r end at byte 8" },
	{ FIELDS("{name: a, type: u8}, {name: b, type: u64}") ", size: 15}}\n",
	  "size: the fields of r end at byte 16" },
	{ FIELDS("{name: a, type: f64, values: {X: 1}}") "}}\n", "values: the type f64 of a is no integer" },
	{ FIELDS("{name: a, type: 'u64[9000]'}") "}}\n", "type: u64[9000] of a is longer than a record may be" },
	{ FIELDS("{name: a, type: u8, offset: 65536}") "}}\n",
	  "fields: a ends at byte 65537, where no record reaches" },
	{ FIELDS("{name: a, type: u8}, {name: b, type: u8, length: a}") "}}\n", "length: b has one by its type" },
	{ FIELDS("{name: b, type: 'char[]', length: b}") "}}\n",
	  "length: \"b\" is no integer that stands above b and is always there" },
	{ FIELDS("{name: a, type: f32}, {name: b, type: strv, length: a}") "}}\n", "length: \"a\" is no integer" },
	{ FIELDS("{name: b, type: u8, when: {a: 1}}, {name: a, type: u8}") "}}\n", "when: \"a\" is no integer" },
	{ FIELDS("{name: a, type: u8}, {name: b, type: u8, when: {a: 1}}, {name: c, type: u8, when: {b: 1}}") "}}\n",
	  "when: \"b\" is no integer that stands above c and is always there" },
	{ FIELDS("{name: a, type: u8}, {name: b, type: u8, when: a}") "}}\n", "when: expected one FIELD: NUMBER" },
	{ FIELDS("{name: a, type: u8}, {name: b, type: u8, when: {a: 1, b: 2}}") "}}\n", "when: expected one" },
	{ FIELDS("{name: a, type: u8}, {name: b, type: u8, when: {a: x}}") "}}\n",
	  "when: is \"x\" (expected a number)" },
	{ FIELDS("{name: a, type: u8}, {name: b, type: u8, when: {a: 1}}, {name: b, type: u8, when: {a: 1}}") "}}\n",
	  "fields: \"b\" is there twice" },
	{ FIELDS("{name: a, type: u8}, {name: b, type: u32, when: {a: 1}}") ", pid_field: b}}\n",
	  "pid_field: \"b\" is not among the fields of r" },
	{ FIELDS("{name: a, type: u64}") ", ts_field: b}}\n", "ts_field: \"b\" is not among the fields of r" },
	{ FIELDS("{name: a, type: u32}") ", ts_field: a}}\n", "or no integer of 8 bytes" },
	{ FIELDS("{name: a, type: u8}") ", pid_field: a}}\n", "or no integer of 4 or 8 bytes" },
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

/* Whatever a document says, loaderd is deaf while it reads it. */
static int read_many(struct doc_fixture *f, const char *before, const char *name, const char *after)
{
	struct timespec began, ended;
	char *text = malloc(YAML_SIZE_MAX), *end = text;
	struct program *p;
	int err;

	assert_non_null(text);
	end += sprintf(end, "%s", before);
	for (int i = 0; i < 60000; i++)
		end += sprintf(end, name, i);
	strcpy(end, after);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &began);
	err = parse_as(f, "x.yaml", text, &p);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ended);
	free(text);
	assert_true(ended.tv_sec - began.tv_sec < 3);
	return err;
}

static void many_names_are_read_in_no_time(void **state)
{
	struct doc_fixture *f = *state;

	assert_int_equal(read_many(f, "programs: [{name: o, type: ebpf_object, path: x, properties: {progs: {",
				   "p%x: true, ", "}}}]\n"), 0);
	assert_int_equal(read_many(f, OBJECT "channels: {r: {type: map, labels: [", "l%x, ", "]}}\n"), -ERANGE);
	assert_has(f->d.error, "labels: has 60000 entries (expected at most 512)");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		doc_test(what_is_wrong_is_refused_with_file_line_and_cause),
		doc_test(there_is_an_end_to_everything),
		doc_test(many_names_are_read_in_no_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
