/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <fcntl.h>

#include "rundir.h"
#include "yamltest.h"
#include "../../common/manifest.h"
#include "../../common/paths.h"
#include "../../common/program.h"

static struct layout_value kinds[] = { { "EXEC", 1 }, { "EXIT", 2 } };
static struct layout_field pair_fields[] = {
	{ .name = "a", .kind = LAYOUT_UINT, .bits = 32 },
	{ .name = "b", .kind = LAYOUT_ENUM, .bits = 32, .offset = 32, .values = { kinds, 2 } },
};
static struct layout_field fields[] = {
	{ .name = "ts_ns", .kind = LAYOUT_UINT, .bits = 64 },
	{ .name = "pid", .kind = LAYOUT_UINT, .bits = 32, .offset = 64 },
	{ .name = "pair", .kind = LAYOUT_STRUCT, .bits = 64, .offset = 128, .fields = { pair_fields, 2 } },
	{ .name = "args", .kind = LAYOUT_STRV, .offset = 192, .trailing = true },
};
static struct manifest_prog progs[] = {
	{ .name = "on_exec", .type = "raw_tracepoint", .section = "raw_tp/sched_process_exec", .state = "attached",
	  .prog_id = 12, .link_id = 13 },
	{ .name = "on_odd", .type = "kprobe", .state = "dropped", .cause = "no kprobes\nhere: \"x\" \x1b[31m é" },
};
static struct manifest_map maps[] = {
	{ .name = "events", .type = "ringbuf", .id = 44, .max_entries = 1 << 20 },
};
static struct manifest_function functions[] = {
	{ .name = "process" }, { .name = "start", .type = FUNCTION_INIT, .initfile = true },
	{ .name = "bye", .type = FUNCTION_UNLOAD },
};
static struct manifest_item items[] = {
	{ .name = "exec", .type = "ebpf_object", .path = "exec.bpf.o", .progs = { progs, 2 }, .maps = { maps, 1 } },
	{ .name = "so", .type = "user_so", .path = "file:///x.so", .sha256 = "00ff", .artifact = "/var/x",
	  .initfile = "/x/settings", .initfile_sha256 = "00ee", .initfile_artifact = "/var/y",
	  .functions = { functions, 3 } },
};
static struct manifest_channel channels[] = {
	{ .name = "events", .type = CHANNEL_RING_BUFFER, .item = "exec", .map = "events", .map_id = 44, .size = 1 << 20,
	  .counts = "events_counts", .has_layout = true, .ts_offset = 0, .ts_bytes = 8, .pid_offset = 8, .pid_bytes = 4,
	  .ts_field = "ts_ns", .pid_field = "pid",
	  .layout = { .name = "exec_event", .size = 24, .source = "btf",
		      .root = { .name = "", .kind = LAYOUT_STRUCT, .bits = 192, .fields = { fields, 4 } } } },
	{ .name = "other", .type = CHANNEL_RING_BUFFER, .item = "exec", .map = "o", .map_id = 45, .ts_offset = -1,
	  .pid_offset = -1 },
};
static struct manifest_sink sinks[] = { { .sink = "file" }, { .sink = "kafka" } };
static struct manifest_route routes[] = {
	{ .channel = 0, .event = 0, .event_name = "exec_event", .key_offset = 8, .key_bytes = 4, .key = "pid",
	  .sinks = { sinks, 2 } },
	{ .channel = 1, .event = 1, .event_name = "so", .processor = "so", .function = "process", .key_offset = -1,
	  .key = "process id" },
};
static const char *degraded[] = { "prog on_odd: dropped" };
static const struct manifest whole = {
	.version = MANIFEST_VERSION,
	.generation = 3,
	.program = "exec",
	.state = MANIFEST_DRAINING,
	.file = "/x/exec.yaml",
	.description = "what starts",
	.loaded_at = "2026-01-02T03:04:05Z",
	.boot_id = "abc",
	.degraded = { degraded, 1 },
	.spool_size = 1 << 24,
	.spool_full = SPOOL_FULL_DROP_NEWEST,
	.items = { items, 2 },
	.channels = { channels, 2 },
	.routes = { routes, 2 },
};

/* Into an arena of its own in @f. */
static int read_back(struct doc_fixture *f, const char *text, struct manifest **ret)
{
	doc_reset(f);
	return manifest_parse(f->a, text, strlen(text), ret, &f->d);
}

static void a_manifest_is_read_back_as_it_was_written(void **state)
{
	struct doc_fixture *options = NULL, *f = *state;
	const struct manifest_channel *c;
	const struct manifest_route *r;
	char *text, *again;
	struct manifest *m;

	doc_setup((void **)&options);
	assert_int_equal(doc_parse(options, "brokers: [a, b]\nacks: all\nretries: 5\non: true\nq: \"5\"\nnone: ~\n"
					    "size: 1M\nnested: {x.y: z}\n"), 0);
	sinks[1].options = options->root;
	text = manifest_format(&whole);
	assert_non_null(text);
	assert_null(strchr(text, '\n'));
	if (read_back(f, text, &m) < 0)
		fail_msg("%s", f->d.error);
	again = manifest_format(m);
	assert_string_equal(text, again);

	assert_int_equal(m->generation, 3);
	assert_int_equal(m->state, MANIFEST_DRAINING);
	assert_string_equal(m->degraded.s[0], degraded[0]);
	assert_string_equal(((struct manifest_prog *)((struct manifest_item *)m->items.items)->progs.items)[1].cause,
			    progs[1].cause);
	c = m->channels.items;
	assert_true(c->has_layout);
	assert_int_equal(c->layout.root.fields.n, 4);
	assert_false(c[1].has_layout);
	assert_int_equal(c[1].ts_offset, -1);
	r = m->routes.items;
	assert_null(r->processor);
	assert_string_equal(r[1].function, "process");
	assert_null(((struct manifest_sink *)r->sinks.items)[0].options);
	assert_string_equal(yaml_get(((struct manifest_sink *)r->sinks.items)[1].options, "size")->value, "1M");
	assert_has(text,
		   "\"options\":{\"brokers\":[\"a\",\"b\"],\"acks\":\"all\",\"retries\":5,\"on\":true,\"q\":\"5\","
		   "\"none\":null,\"size\":\"1M\",\"nested\":{\"x.y\":\"z\"}}");
	sinks[1].options = NULL;
	free(text);
	free(again);
	doc_teardown((void **)&options);
}

static void refuses(struct doc_fixture *f, const char *part, const char *instead, const char *error)
{
	char *text = manifest_format(&whole), changed[8192], *at = strstr(text, part);
	struct manifest *m;

	assert_non_null(at);
	snprintf(changed, sizeof(changed), "%.*s%s%s", (int)(at - text), text, instead, at + strlen(part));
	free(text);
	if (read_back(f, changed, &m) >= 0)
		fail_msg("accepted with %s", instead);
	assert_has(f->d.error, error);
}

static void what_would_lead_a_reader_astray_is_refused(void **state)
{
	struct doc_fixture *f = *state;

	refuses(f, "\"channel\":1", "\"channel\":2", "names a channel that is not there");
	refuses(f, "\"processor\":\"so\",", "", "neither a processor nor a layout");
	refuses(f, "\"key_offset\":8", "\"key_offset\":21", "the key of route 0 is not within the record");
	refuses(f, "\"key_offset\":8", "\"key_offset\":-2", "the key of route 0");
	refuses(f, "\"ts_offset\":0", "\"ts_offset\":17", "ts_offset: is not within the record");
	refuses(f, "\"ts_bytes\":8", "\"ts_bytes\":4", "ts_offset: is not within");
	refuses(f, "\"pid_offset\":8", "\"pid_offset\":22", "pid_offset: is not within");
	refuses(f, "\"version\":1", "\"version\":2", "written by another version");
	refuses(f, "\"program\":\"exec\"", "\"program\":\"../x\"", "program: is \"../x\"");
	refuses(f, "\"size\":24", "\"size\":23", "does not lie within the record");
	refuses(f, "\"state\":\"draining\"", "\"state\":\"gone\"", "state: is \"gone\"");
	refuses(f, "\"type\":\"ring_buffer\"", "\"type\":\"rong_buffer\"", "did you mean \"ring_buffer\"");
}

static void one_larger_than_a_users_document_is_read(void **state)
{
	struct doc_fixture *f = *state;
	struct manifest_map *many = calloc(20000, sizeof(*many));
	struct manifest m = whole, *back;
	struct manifest_item item = items[0];
	char *text;
	size_t i;

	for (i = 0; i < 20000; i++)
		many[i] = (struct manifest_map){ .name = "a_map_that_is_here", .type = "hash" };
	item.maps = (struct conf_list){ many, 20000 };
	m.items = (struct conf_list){ &item, 1 };
	text = manifest_format(&m);
	assert_true(strlen(text) > YAML_SIZE_MAX);
	if (read_back(f, text, &back) < 0)
		fail_msg("%s", f->d.error);
	assert_int_equal(((struct manifest_item *)back->items.items)->maps.n, 20000);
	free(text);
	free(many);
}

static int collect(const char *program, void *arg)
{
	strcat(arg, program);
	strcat(arg, " ");
	return 0;
}

static void files_appear_whole_and_go(void **state)
{
	struct manifest m = whole, *back;
	struct arena *a = arena_new(0);
	char path[PATH_MAX], seen[100] = "";
	struct diag d = {0};
	struct stat st;
	int fd;

	(void)state;
	assert_int_equal(manifest_each(collect, seen), 0);	/* no folder yet */
	assert_int_equal(manifest_read(a, "exec", &back, &d), -ENOENT);
	assert_has(d.error, "exec.json: No such file");
	diag_fini(&d);
	assert_int_equal(manifest_write(&m), -ENOENT);

	path_manifest("exec", path);
	*strrchr(path, '/') = 0;
	assert_int_equal(mkdir(path, 0750), 0);
	assert_int_equal(manifest_write(&m), 0);
	m.program = "another";
	assert_int_equal(manifest_write(&m), 0);
	path_manifest("exec", path);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	assert_int_equal(manifest_read(a, "exec", &back, &d), 0);
	assert_string_equal(back->program, "exec");

	/* what a crash left behind, and what is no manifest, is nobody's program */
	strcat(path, ".new");
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(manifest_each(collect, seen), 0);
	assert_string_equal(seen, "another exec ");
	m.program = "exec";
	assert_int_equal(manifest_write(&m), 0);
	assert_int_equal(stat(path, &st), -1);

	assert_int_equal(manifest_remove("exec"), 0);
	assert_int_equal(manifest_remove("exec"), 0);
	seen[0] = 0;
	assert_int_equal(manifest_each(collect, seen), 0);
	assert_string_equal(seen, "another ");
	arena_free(a);
}

static void routes_that_ask_one_user_so_have_the_row_of_the_first(void **state)
{
	struct manifest_route some[] = {
		{ .processor = "a" }, {}, { .hash_item = "b" }, { .processor = "b" }, { .hash_item = "a" }, {},
	};
	static const size_t rows[] = { 0, 1, 2, 2, 0, 5 };
	const struct manifest m = { .routes = { some, ARRAY_SIZE(some) } };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(some); i++)
		assert_int_equal(manifest_sandbox_row(&m, i), rows[i]);
}

static void a_manifest_that_is_no_file_is_refused(void **state)
{
	struct arena *a = arena_new(0);
	struct diag d = {0};
	struct manifest *m;
	char path[PATH_MAX];

	(void)state;
	path_manifest("x", path);
	*strrchr(path, '/') = 0;
	assert_int_equal(mkdir(path, 0750), 0);
	path_manifest("fifo", path);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(manifest_read(a, "fifo", &m, &d), -EINVAL);
	assert_true(manifest_read(a, "../x", &m, &d) < 0);
	arena_free(a);
	diag_fini(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		doc_test(a_manifest_is_read_back_as_it_was_written),
		doc_test(what_would_lead_a_reader_astray_is_refused),
		doc_test(one_larger_than_a_users_document_is_read),
		cmocka_unit_test_setup_teardown(files_appear_whole_and_go, rundir_make, rundir_drop),
		cmocka_unit_test(routes_that_ask_one_user_so_have_the_row_of_the_first),
		cmocka_unit_test_setup_teardown(a_manifest_that_is_no_file_is_refused, rundir_make, rundir_drop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
