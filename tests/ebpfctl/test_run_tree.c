/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>
#include <cmocka.h>

#include "ebpfctl/run.h"

static char dir[PATH_MAX];

static int set_up(void **state)
{
	(void)state;
	strcpy(dir, "/tmp/test-tree.XXXXXX");
	return mkdtemp(dir) ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	return tree_remove(AT_FDCWD, dir) == -ENOENT || access(dir, F_OK) != 0 ? 0 : -1;
}

static const char *in_dir(const char *name)
{
	static char path[4][PATH_MAX + 64];
	static int i;

	i = (i + 1) % 4;
	snprintf(path[i], sizeof(path[i]), "%s/%s", dir, name);
	return path[i];
}

static void make_file(const char *name)
{
	int fd = open(in_dir(name), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	close(fd);
}

static void a_tree_goes_and_what_its_links_point_to_stays(void **state)
{
	(void)state;
	make_file("outside");
	assert_int_equal(mkdir(in_dir("tree"), 0700), 0);
	assert_int_equal(mkdir(in_dir("tree/a"), 0700), 0);
	make_file("tree/a/file");
	assert_int_equal(symlink(in_dir("outside"), in_dir("tree/link")), 0);
	assert_int_equal(symlink(dir, in_dir("tree/a/up")), 0);
	assert_int_equal(tree_remove(AT_FDCWD, in_dir("tree")), 0);
	assert_int_not_equal(access(in_dir("tree"), F_OK), 0);
	assert_int_equal(access(in_dir("outside"), F_OK), 0);
}

static void an_absent_tree_is_said_so(void **state)
{
	(void)state;
	assert_int_equal(tree_remove(AT_FDCWD, in_dir("nothing")), -ENOENT);
}

static void a_file_with_a_second_link_keeps_its_owner(void **state)
{
	struct stat st;

	(void)state;
	if (geteuid() != 0) {
		print_message("only root can give files away\n");
		skip();
	}
	assert_int_equal(mkdir(in_dir("tree"), 0700), 0);
	make_file("secret");
	make_file("tree/plain");
	assert_int_equal(link(in_dir("secret"), in_dir("tree/second")), 0);
	assert_int_equal(symlink(in_dir("secret"), in_dir("tree/link")), 0);
	assert_int_equal(tree_chown(in_dir("tree"), 61000, 61001), 0);
	assert_int_equal(stat(in_dir("secret"), &st), 0);
	assert_int_equal(st.st_uid, 0);
	assert_int_equal(stat(in_dir("tree/plain"), &st), 0);
	assert_int_equal(st.st_uid, 61000);
	assert_int_equal(st.st_gid, 61001);
}

static void two_leases_do_not_overlap_and_one_given_back_can_be_had_again(void **state)
{
	struct run_ids a = {}, b = {}, c = {};
	char why[256];

	(void)state;
	assert_int_equal(run_ids_lease(&a, why), 0);
	assert_int_equal(run_ids_lease(&b, why), 0);
	assert_true(b.base >= a.base + RUN_IDS_BLOCK || a.base >= b.base + RUN_IDS_BLOCK);
	run_ids_release(&a);
	assert_int_equal(run_ids_lease(&c, why), 0);
	assert_int_not_equal(c.base, b.base);
	run_ids_release(&b);
	run_ids_release(&c);
}

static void a_second_instance_on_the_same_state_is_refused(void **state)
{
	struct run_dir a, b;
	char why[256] = "";

	(void)state;
	assert_int_equal(run_dir_make(&a, in_dir("state"), why), 0);
	assert_int_equal(run_dir_make(&b, in_dir("state"), why), -EBUSY);
	assert_non_null(strstr(why, "another instance works there (process "));
	run_dir_remove(&b);
	assert_int_equal(access(a.base, F_OK), 0);
	run_dir_remove(&a);
	assert_int_not_equal(access(a.base, F_OK), 0);
	assert_int_equal(run_dir_make(&b, in_dir("state"), why), 0);
	run_dir_remove(&b);
}

/* As kill -9 does it: the lock is let go, the folder stays. */
static void the_folder_of_a_dead_instance_is_swept_and_that_of_a_living_one_stays(void **state)
{
	struct run_dir dead, alive;
	char why[256] = "";

	(void)state;
	assert_int_equal(run_dir_make(&dead, NULL, why), 0);
	assert_int_equal(run_dir_make(&alive, NULL, why), 0);
	close(dead.base_lock);
	run_dir_sweep();
	assert_int_not_equal(access(dead.base, F_OK), 0);
	assert_int_equal(access(alive.base, F_OK), 0);
	run_dir_remove(&alive);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_tree_goes_and_what_its_links_point_to_stays, set_up, tear_down),
		cmocka_unit_test_setup_teardown(an_absent_tree_is_said_so, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_file_with_a_second_link_keeps_its_owner, set_up, tear_down),
		cmocka_unit_test(two_leases_do_not_overlap_and_one_given_back_can_be_had_again),
		cmocka_unit_test_setup_teardown(a_second_instance_on_the_same_state_is_refused, set_up, tear_down),
		cmocka_unit_test(the_folder_of_a_dead_instance_is_swept_and_that_of_a_living_one_stays),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
