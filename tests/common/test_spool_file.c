/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A spool's file: one writer, on a tmpfs, and what is found in its place. */
#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>

#include "../../common/crc32c.h"
#include "spooltest.h"

static void a_spool_has_one_writer(void **state)
{
	struct spool_writer second = {};

	open_writer();
	assert_int_equal(spool_writer_open(&second, path, "p", SIZE, NULL), -EBUSY);
	assert_null(second.head);
	spool_writer_close(&w);
	assert_int_equal(spool_writer_open(&second, path, "p", SIZE, NULL), 0);
	spool_writer_close(&second);
	(void)state;
}

static void a_spool_is_as_long_as_asked_for_and_readable_by_its_group(void **state)
{
	struct stat st;

	assert_int_equal(spool_writer_open(&w, path, "p", SIZE + 1, NULL), 0);
	assert_int_equal(w.data_size, 2 * SIZE);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0660);
	assert_int_equal(st.st_size, SPOOL_HEAD_SIZE + 2 * SIZE);
	assert_true(st.st_blocks * 512ull >= SPOOL_HEAD_SIZE + 2 * SIZE);
	assert_false(exists("p.spool.tmp"));
	assert_int_equal(spool_writer_open(&w, spooldir_path("q.spool"), "q", SPOOL_MAX_SIZE + 1ull, NULL), -EFBIG);
	(void)state;
}

static void what_a_killed_worker_left_half_made_is_no_obstacle(void **state)
{
	int fd = open(spooldir_path("p.spool.tmp"), O_RDWR | O_CREAT, 0600);

	assert_int_equal(write(fd, "rubbish", 7), 7);
	close(fd);
	open_both();
	add(0);
	spool_commit(&w);
	expect(0, 0);
	(void)state;
}

static void what_is_no_spool_at_all_is_set_aside(void **state)
{
	const char *kinds[] = { "file", "short", "link", "folder", "fifo", "other program's" };

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		bool set_aside = false;

		switch (i) {
		case 0:
		case 1:
			close(open(path, O_CREAT | O_RDWR, 0600));
			assert_int_equal(truncate(path, i ? 100 : SPOOL_HEAD_SIZE + SIZE), 0);
			break;
		case 2:
			assert_int_equal(symlink("/etc/passwd", path), 0);
			break;
		case 3:
			assert_int_equal(mkdir(path, 0700), 0);
			break;
		case 4:
			assert_int_equal(mkfifo(path, 0600), 0);
			break;
		case 5:
			assert_int_equal(spool_writer_open(&w, path, "other", SIZE, NULL), 0);
			spool_writer_close(&w);
		}
		if (i < 5) {
			assert_int_equal(spool_reader_open(&r, path, false), -EBADMSG);
			assert_int_equal(spool_reader_open(&r, path, true), -EBADMSG);
		}
		assert_int_equal(spool_writer_open(&w, path, "p", SIZE, &set_aside), 0);
		assert_true(set_aside);
		spool_writer_close(&w);
		spooldir_clear();
	}
	(void)state;
}

static void a_spool_of_another_boot_is_replaced(void **state)
{
	struct spool_super s;
	bool set_aside = true;

	open_both();
	add(0);
	spool_commit(&w);
	s = w.head->super;
	spool_writer_close(&w);
	s.boot_id[3] ^= 1;
	s.crc = crc32c(0, &s, offsetof(struct spool_super, crc));
	patch(0, &s, sizeof(s));
	spool_reader_close(&r);
	assert_int_equal(spool_reader_open(&r, path, false), -EBADMSG);
	assert_int_equal(spool_writer_open(&w, path, "p", SIZE, &set_aside), 0);
	assert_false(set_aside);
	assert_false(exists("p.spool.bad"));
	assert_int_equal(w.next.head, 0);
	(void)state;
}

static void a_reader_notices_that_its_spool_was_replaced(void **state)
{
	open_both();
	assert_true(spool_reader_current(&r, path));
	spool_writer_close(&w);
	assert_int_equal(unlink(path), 0);
	assert_false(spool_reader_current(&r, path));
	open_writer();
	assert_false(spool_reader_current(&r, path));
	(void)state;
}

static void only_a_tmpfs_will_do(void **state)
{
	char dir[] = "/var/tmp/ebpf-agent-test.XXXXXX", file[PATH_MAX];
	struct statfs fs;
	int err;

	if (statfs("/var/tmp", &fs) < 0 || fs.f_type == TMPFS_MAGIC || !mkdtemp(dir)) {
		print_message("# skipped: /var/tmp is a tmpfs here\n");
		skip();
	}
	snprintf(file, sizeof(file), "%s/p.spool", dir);
	err = spool_writer_open(&w, file, "p", SIZE, NULL);
	assert_int_equal(rmdir(dir), 0);	/* nothing was left in it */
	assert_int_equal(err, -EMEDIUMTYPE);
	(void)state;
}

static void a_full_tmpfs_is_an_error_not_a_signal(void **state)
{
	int status;
	pid_t child = fork();

	if (child == 0) {
		/* A mount that only this child has. */
		if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
		    mount("tmpfs", spooldir, "tmpfs", 0, "size=200k") < 0)
			_exit(77);
		if (spool_writer_open(&w, path, "p", SIZE, NULL) != -ENOSPC || w.head)
			_exit(1);
		_exit(exists("p.spool.tmp") || exists("p.spool") ? 2 : 0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77) {
		print_message("# skipped: no right to mount\n");
		skip();
	}
	assert_int_equal(status, 0);
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		spool_test(a_spool_has_one_writer),
		spool_test(a_spool_is_as_long_as_asked_for_and_readable_by_its_group),
		spool_test(what_a_killed_worker_left_half_made_is_no_obstacle),
		spool_test(what_is_no_spool_at_all_is_set_aside),
		spool_test(a_spool_of_another_boot_is_replaced),
		spool_test(a_reader_notices_that_its_spool_was_replaced),
		spool_test(only_a_tmpfs_will_do),
		spool_test(a_full_tmpfs_is_an_error_not_a_signal),
	};

	return spooldir_run(tests, NULL);
}
