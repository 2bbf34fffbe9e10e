/* SPDX-License-Identifier: GPL-2.0-or-later */
/* On a bpffs of its own, mounted in a mount namespace of its own: nothing of it outlives the process. */
#include "rundir.h"

#include <bpf/bpf.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <sched.h>
#include <sys/mount.h>

#include "common/pins.h"

static bool mounted;

static int setup(void **state)
{
	char path[PATH_MAX];

	if (rundir_make(state) < 0)
		return -1;
	snprintf(path, sizeof(path), "%s/bpf", rundir);
	if (mkdir(path, 0755) < 0)
		return -1;
	mounted = unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
		  mount("bpf", path, "bpf", 0, "mode=0750") == 0;
	return 0;
}

static int teardown(void **state)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/bpf", rundir);
	if (mounted)
		umount2(path, MNT_DETACH);
	return rundir_drop(state);
}

static void need_bpffs(void)
{
	if (mounted)
		return;
	print_message("# skipped: mounting a bpffs needs root\n");
	skip();
}

static int make_map(void)
{
	int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "pins_test", 4, 8, 1, NULL);

	assert_true(fd >= 0);
	return fd;
}

static uint32_t id_of(int fd)
{
	struct bpf_map_info info = { 0 };
	uint32_t len = sizeof(info);

	assert_int_equal(bpf_obj_get_info_by_fd(fd, &info, &len), 0);
	return info.id;
}

/* A link that needs nothing that a kernel may lack: a raw tracepoint program that does nothing. */
static int make_link(void)
{
	const struct bpf_insn nothing[] = { { .code = BPF_ALU64 | BPF_MOV | BPF_K }, { .code = BPF_JMP | BPF_EXIT } };
	int prog = bpf_prog_load(BPF_PROG_TYPE_RAW_TRACEPOINT, "pins_test", "GPL", nothing, 2, NULL), link;

	if (prog < 0)
		return -errno;
	link = bpf_raw_tracepoint_open("sched_process_exit", prog);
	close(prog);
	return link < 0 ? -errno : link;
}

static void paths_follow_the_scheme_and_dots_become_underscores(void **state)
{
	char path[PATH_MAX], want[PATH_MAX];

	(void)state;
	assert_int_equal(pin_path("exec", "obj", PIN_MAP, ".rodata", path), 0);
	snprintf(want, sizeof(want), "%s/bpf/v1/program/exec/obj/map/_rodata", rundir);
	assert_string_equal(path, want);
	assert_int_equal(pin_path("exec", "obj", PIN_LINK, NULL, path), 0);
	snprintf(want, sizeof(want), "%s/bpf/v1/program/exec/obj/link", rundir);
	assert_string_equal(path, want);
	strcpy(path, "untouched");
	assert_int_equal(pin_path("exec", "obj", PIN_MAP, "a/b", path), -EINVAL);
	assert_int_equal(pin_path("exec", "", PIN_MAP, "a", path), -EINVAL);
	assert_int_equal(pin_program_dir("a/../../b", path), -EINVAL);
	assert_string_equal(path, "untouched");
	assert_int_equal(pin_program_dir("..", path), 0);	/* no way up: "__" */
	assert_non_null(strstr(path, "/program/__"));
}

static void a_map_is_put_and_got_with_its_group(void **state)
{
	cleanup(closep) int map = -1, again = -1;
	char path[PATH_MAX];
	struct stat st;

	(void)state;
	need_bpffs();
	assert_int_equal(pin_check_mount(), 0);
	map = make_map();
	assert_int_equal(pin_put(map, "exec", "obj", PIN_MAP, ".bss"), 0);
	assert_int_equal(pin_put(map, "exec", "obj", PIN_MAP, ".bss"), -EEXIST);
	again = pin_get("exec", "obj", PIN_MAP, ".bss");
	assert_true(again >= 0);
	assert_int_equal(id_of(again), id_of(map));
	assert_true(fcntl(again, F_GETFD) & FD_CLOEXEC);
	pin_path("exec", "obj", PIN_MAP, ".bss", path);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0660);
	pin_path("exec", "obj", PIN_MAP, NULL, path);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0750);
	assert_int_equal(pin_get("exec", "obj", PIN_MAP, "absent"), -ENOENT);
	assert_int_equal(pin_put(map, "exec", "obj", PIN_MAP, NULL), -EINVAL);
	assert_int_equal(pin_remove("exec"), 0);
	assert_int_equal(pin_get("exec", "obj", PIN_MAP, ".bss"), -ENOENT);
	assert_int_equal(pin_remove("exec"), 0);	/* absent: fine */
}

static void detaching_removes_the_links_of_all_items_and_nothing_else(void **state)
{
	int link = -1, map = -1, got;
	char path[PATH_MAX];
	struct stat st;

	(void)state;
	need_bpffs();
	link = make_link();
	if (link < 0) {
		print_message("# skipped: no raw tracepoints here: %s\n", strerror(-link));
		skip();
	}
	map = make_map();
	assert_int_equal(pin_put(link, "p", "one", PIN_LINK, "a"), 0);
	assert_int_equal(pin_put(link, "p", "two", PIN_LINK, "b"), 0);
	assert_int_equal(pin_put(link, "p", "two", PIN_LINK, "c"), 0);
	assert_int_equal(pin_put(map, "p", "two", PIN_MAP, "m"), 0);
	assert_int_equal(pin_put(link, "other", "one", PIN_LINK, "a"), 0);
	pin_path("p", "one", PIN_LINK, "a", path);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);

	assert_int_equal(pin_detach("p"), 0);
	assert_int_equal(pin_get("p", "one", PIN_LINK, "a"), -ENOENT);
	assert_int_equal(pin_get("p", "two", PIN_LINK, "b"), -ENOENT);
	assert_int_equal(pin_get("p", "two", PIN_LINK, "c"), -ENOENT);
	got = pin_get("p", "two", PIN_MAP, "m");
	assert_true(got >= 0);
	close(got);
	got = pin_get("other", "one", PIN_LINK, "a");
	assert_true(got >= 0);
	close(got);
	assert_int_equal(pin_detach("p"), 0);
	assert_int_equal(pin_detach("absent"), 0);
	close(link);
	close(map);
	assert_int_equal(pin_remove("p"), 0);
	assert_int_equal(pin_remove("other"), 0);
}

static int collect(const char *program, void *arg)
{
	strcat(arg, program);
	strcat(arg, " ");
	return strcmp(program, "stop") == 0 ? -ECANCELED : 0;
}

static int remove_each(const char *program, void *arg)
{
	(void)arg;
	return pin_remove(program);
}

static void every_program_is_visited_and_may_be_removed_meanwhile(void **state)
{
	static const char *const names[] = { "c", "a", "b", "stop" };
	cleanup(closep) int map = -1;
	char seen[64] = "";

	(void)state;
	assert_int_equal(pin_each_program(collect, seen), 0);	/* no folder yet, or an empty one */
	assert_string_equal(seen, "");
	need_bpffs();
	map = make_map();
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		assert_int_equal(pin_put(map, names[i], "x", PIN_MAP, "m"), 0);
	assert_int_equal(pin_each_program(collect, seen), -ECANCELED);
	assert_string_equal(seen, "a b c stop ");
	assert_int_equal(pin_each_program(remove_each, NULL), 0);
	seen[0] = '\0';
	assert_int_equal(pin_each_program(collect, seen), 0);
	assert_string_equal(seen, "");
}

static void a_folder_that_is_no_bpffs_is_noticed(void **state)
{
	(void)state;
	setenv(AGENT_ENV_RUNTIME, "/nowhere", 1);
	assert_int_equal(pin_check_mount(), -ENOENT);
	char dir[] = "/tmp/ebpf-agent-nobpf.XXXXXX", sub[64];

	assert_non_null(mkdtemp(dir));
	snprintf(sub, sizeof(sub), "%s/bpf", dir);
	mkdir(sub, 0700);
	setenv(AGENT_ENV_RUNTIME, dir, 1);
	assert_int_equal(pin_check_mount(), -ENOTTY);
	setenv(AGENT_ENV_RUNTIME, rundir, 1);
	rmdir(sub);
	rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(paths_follow_the_scheme_and_dots_become_underscores),
		cmocka_unit_test(a_map_is_put_and_got_with_its_group),
		cmocka_unit_test(detaching_removes_the_links_of_all_items_and_nothing_else),
		cmocka_unit_test(every_program_is_visited_and_may_be_removed_meanwhile),
		cmocka_unit_test(a_folder_that_is_no_bpffs_is_noticed),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
