/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `ebpfctl check` and `schema`, as they are seen from outside. Run from the project's folder. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "../../common/json.h"
#include "../../common/program.h"
#include "../../ebpfctl/check.h"
#include "../../ebpfctl/ctl.h"

static char out[100000], err[100000];
static char dir[32];

static int read_memfd(int fd, char *text, size_t size)
{
	ssize_t n = pread(fd, text, size - 1, 0);

	text[n > 0 ? n : 0] = 0;
	close(fd);
	return 0;
}

/* @path NULL: verb_schema(). */
static int run(const char *path, bool artifacts, bool json)
{
	int saved_out = dup(1), saved_err = dup(2), to_out = memfd_create("out", 0), to_err = memfd_create("err", 0);
	int status;

	fflush(NULL);
	dup2(to_out, 1);
	dup2(to_err, 2);
	status = path ? check_file(path, artifacts, json) : verb_schema(NULL, 0, NULL);
	fflush(NULL);
	dup2(saved_out, 1);
	dup2(saved_err, 2);
	close(saved_out);
	close(saved_err);
	read_memfd(to_out, out, sizeof(out));
	read_memfd(to_err, err, sizeof(err));
	return status;
}

static void has(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("\"%s\" is not in \"%s\"", part, text);
}

static size_t lines(const char *text)
{
	size_t n = 0;

	for (; *text; text++)
		n += *text == '\n';
	return n;
}

static const char *put_file(const char *name, const char *text, size_t len)
{
	static char path[100];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_int_equal(write(fd, text, len), len);
	close(fd);
	return path;
}

static int make_dir(void **state)
{
	(void)state;
	strcpy(dir, "/tmp/test_check.XXXXXX");
	return mkdtemp(dir) ? 0 : -1;
}

static int remove_dir(void **state)
{
	char command[64];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf '%s'", dir);
	return system(command);
}

static const struct {
	const char *file, *out;
	const char *warnings[8];
	size_t n;
} seed[] = {
	{ "oom", "ok (program oom, 2 items, 1 channel)\n",
	  { ":9: warning: path: /root/ebpf-agent/output/oom.bpf.o: ",
	    ":12: warning: path: /root/ebpf-agent/output/oom.so: " }, 2 },
	{ "openfile", "ok (program openfile, 2 items, 1 channel)\n",
	  { ":3: warning: type: bpftrace is not built in this version", ":10: warning: initfile: is empty",
	    ":7: warning: path: fetching by http is not built in this version",
	    ":6: warning: events: no event names the user_so tcp_connlat_user",
	    ":4: warning: path: /xxx/openfile.bt: " }, 5 },
	{ "tcp_tracer", "ok (program tcp_tracer, 2 items, 1 channel)\n",
	  { ":10: warning: progs: \"xxxx\" is a placeholder", ":11: warning: maps: \"xxx\" is a placeholder",
	    ":12: warning: variables: \"xxx\" is a placeholder", ":7: warning: path: fetching by http is not built",
	    ":22: warning: storage: tmpfs is not built in this version",
	    ":4: warning: path: /xxx/tcp_tracer.bpf.o: " }, 6 },
	{ "test_bpftrace", "ok (program test_bpftrace, 2 items, 1 channel)\n",
	  { ":8: warning: src: \"bpftrace_code\" is a placeholder", ":8: warning: type: bpftrace is not built",
	    ":13: warning: path: /root/ebpf-agent/output/bpftrace_default.so: " }, 3 },
	{ "xdp", "ok (list for xdpd, 1 entry)\n",
	  { ":1: warning: this is a list for xdpd, which does not use it yet in this version" }, 1 },
};

static void the_seed_passes_byte_for_byte_and_its_doubts_are_told(void **state)
{
	size_t i, w;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(seed); i++) {
		char path[100], expected[200];

		snprintf(path, sizeof(path), "tests/common/seed/%s.yaml", seed[i].file);
		assert_int_equal(run(path, false, false), 0);
		snprintf(expected, sizeof(expected), "%s: %s", path, seed[i].out);
		assert_string_equal(out, expected);
		for (w = 0; w < seed[i].n; w++) {
			snprintf(expected, sizeof(expected), "%s%s", path, seed[i].warnings[w]);
			has(err, expected);
		}
		assert_int_equal(lines(err), seed[i].n);
	}
}

static void with_artifacts_what_is_absent_is_an_error(void **state)
{
	(void)state;
	assert_int_equal(run("tests/common/seed/oom.yaml", true, false), 1);
	assert_string_equal(out, "");
	has(err, "tests/common/seed/oom.yaml:9: path: /root/ebpf-agent/output/oom.bpf.o: ");
	assert_int_equal(run("tests/common/seed/tcp_tracer.yaml", true, false), 1);
	has(err, "tcp_tracer.yaml:4: path: /xxx/tcp_tracer.bpf.o: ");
}

static void artifacts_are_looked_for_beside_their_file(void **state)
{
	static const char text[] = "programs: [{name: o, type: ebpf_object, path: o.bpf.o}]\n"
				   "channels: {r: {type: ring_buffer}}\n";
	const char *path;

	(void)state;
	put_file("o.bpf.o", "\177ELF and more", 13);
	path = put_file("p.yaml", text, strlen(text));
	assert_int_equal(run(path, true, false), 0);
	has(out, "p.yaml: ok (program p, 1 item, 1 channel; its files exist and are ELF, "
		 "what is in them only a load checks)\n");
	assert_string_equal(err, "");
	put_file("o.bpf.o", "#!/bin/sh\n", 10);
	path = put_file("p.yaml", text, strlen(text));
	assert_int_equal(run(path, true, false), 1);
	has(err, "p.yaml:1: path: ");
	has(err, "/o.bpf.o: not an ELF file\n");
	assert_int_equal(run(path, false, false), 0);
	has(err, "not an ELF file");
}

static void initfiles_are_looked_for_as_well(void **state)
{
	static const char text[] = "programs:\n- {name: s, type: user_so, path: s.so, properties: {functions: [\n"
				   "  {name: f, type: init, initfile: f.txt}]}}\nchannels: {p: {type: pipe}}\n";
	const char *path;

	(void)state;
	put_file("s.so", "\177ELF and more", 13);
	path = put_file("p.yaml", text, strlen(text));
	assert_int_equal(run(path, true, false), 1);
	has(err, "p.yaml:3: initfile: ");
	has(err, "/f.txt: No such file or directory\n");
	put_file("f.txt", "", 0);
	path = put_file("p.yaml", text, strlen(text));
	assert_int_equal(run(path, false, false), 0);
	has(err, "p.yaml:3: warning: initfile: ");
	has(err, "/f.txt: empty\n");
	put_file("f.txt", "x", 1);
	path = put_file("p.yaml", text, strlen(text));
	assert_int_equal(run(path, true, false), 0);
	assert_string_equal(err, "");
	assert_int_equal(truncate(put_file("f.txt", "x", 1), PROGRAM_INITFILE_MAX + 1), 0);
	path = put_file("p.yaml", text, strlen(text));
	assert_int_equal(run(path, true, false), 1);
	has(err, "/f.txt: too large for an initfile\n");
}

static void what_cannot_be_fetched_is_said_once(void **state)
{
	static const char text[] = "programs:\n- name: o\n  type: ebpf_object\n  path: http://h/o.bpf.o\n"
				   "channels: {r: {type: ring_buffer}}\n";
	const char *path = put_file("p.yaml", text, strlen(text));

	(void)state;
	assert_int_equal(run(path, true, false), 1);
	assert_int_equal(lines(err), 1);
	has(err, "p.yaml:4: path: fetching by http is not built in this version");
	assert_int_equal(run(path, false, false), 0);
	assert_int_equal(lines(err), 1);
}

static void what_is_refused_says_one_line_and_status_1(void **state)
{
	static const char text[] = "programs:\n- name: o\n  tpye: ebpf_object\n";
	const char *path;
	char fifo[64];

	(void)state;
	path = put_file("p.yaml", text, strlen(text));
	assert_int_equal(run(path, false, false), 1);
	assert_string_equal(out, "");
	assert_int_equal(lines(err), 1);
	has(err, "p.yaml:3: tpye: unknown key in an entry of programs; did you mean \"type\"?\n");

	path = put_file("p.yaml", "\177ELF\0\0\0", 7);
	assert_int_equal(run(path, false, false), 1);
	has(err, "p.yaml:1: contains a NUL byte: not a text file\n");

	assert_int_equal(run("/nonexistent.yaml", false, false), 1);
	assert_string_equal(err, "/nonexistent.yaml: No such file or directory\n");
	assert_int_equal(run(dir, false, false), 1);
	has(err, ": is a directory, not a file\n");
	snprintf(fifo, sizeof(fifo), "%s/fifo", dir);
	assert_int_equal(mkfifo(fifo, 0600), 0);
	assert_int_equal(run(fifo, false, false), 1);
	has(err, "/fifo: is a FIFO, not a file\n");
}

static void json_is_one_object_on_stdout(void **state)
{
	(void)state;
	assert_int_equal(run("tests/common/seed/oom.yaml", false, true), 0);
	assert_string_equal(err, "");
	assert_int_equal(json_check(out, strlen(out) - 1), 0);
	has(out, "{\"file\":\"tests/common/seed/oom.yaml\",\"ok\":true,\"kind\":\"program\","
		 "\"program\":\"oom\",\"items\":2,"
		 "\"channels\":1,\"warnings\":[\"tests/common/seed/oom.yaml:9: path: ");
	assert_int_equal(run("/nonexistent", false, true), 1);
	assert_string_equal(
		out, "{\"file\":\"/nonexistent\",\"ok\":false,\"error\":\"/nonexistent: No such file or directory\","
		     "\"warnings\":[]}\n");
	assert_int_equal(run("tests/common/seed/xdp.yaml", false, true), 0);
	has(out, "\"kind\":\"xdp\",\"items\":1,");
}

static void the_schema_shows_every_key(void **state)
{
	static const char *const keys[] = {
		"\nspec:", "\n  programs:", "type: ebpf_object|bpftrace|user_so", "sha256:", "progs:", "maps:",
		"variables:", "functions:", "initfile:", "src:", "\n  channels:",
		"type: ring_buffer|perf_buffer|map|pipe", "fields:", "pinpath:", "\n  events:", "target_processor:",
		"hash:", "\n  storage:", "\n  spool:", "\noriginalTo:", "attachMode: native|generic",
	};
	size_t i;

	(void)state;
	assert_int_equal(run(NULL, false, false), 0);
	for (i = 0; i < ARRAY_SIZE(keys); i++)
		has(out, keys[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_seed_passes_byte_for_byte_and_its_doubts_are_told),
		cmocka_unit_test(with_artifacts_what_is_absent_is_an_error),
		cmocka_unit_test_setup_teardown(artifacts_are_looked_for_beside_their_file, make_dir, remove_dir),
		cmocka_unit_test_setup_teardown(initfiles_are_looked_for_as_well, make_dir, remove_dir),
		cmocka_unit_test_setup_teardown(what_cannot_be_fetched_is_said_once, make_dir, remove_dir),
		cmocka_unit_test_setup_teardown(what_is_refused_says_one_line_and_status_1, make_dir, remove_dir),
		cmocka_unit_test(json_is_one_object_on_stdout),
		cmocka_unit_test(the_schema_shows_every_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
