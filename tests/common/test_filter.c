/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base.h"
#include "common/filter.h"

static int allow_nothing_more(scmp_filter_ctx ctx, pid_t self, void *arg)
{
	(void)ctx, (void)self, (void)arg;
	return 0;
}

static int refuse(scmp_filter_ctx ctx, pid_t self, void *arg)
{
	(void)ctx, (void)self, (void)arg;
	return -EDOM;
}

static int hang(scmp_filter_ctx ctx, pid_t self, void *arg)
{
	(void)ctx, (void)self;
	if (write(*(int *)arg, "h", 1) == 1)
		pause();
	return -EIO;
}

static void a_filter_is_made_or_it_is_said_why_not(void **state)
{
	static struct filter f;

	(void)state;
	assert_int_equal(filter_make(SCMP_ACT_ALLOW, allow_nothing_more, NULL, &f), 0);
	assert_true(f.n > 0);
	assert_int_equal(filter_make(SCMP_ACT_ALLOW, refuse, NULL, &f), -EDOM);
}

/* It has its parent's locks: whoever shall start in the parent's place would wait for it, for ever. */
static void a_child_that_hangs_ends_with_its_parent(void **state)
{
	static struct filter f;
	struct pollfd p;
	int pair[2];
	pid_t pid;
	char c;

	(void)state;
	assert_int_equal(pipe(pair), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		close(pair[0]);
		_exit(filter_make(SCMP_ACT_ALLOW, hang, &pair[1], &f) < 0);
	}
	close(pair[1]);
	assert_int_equal(read(pair[0], &c, 1), 1);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	p = (struct pollfd){ .fd = pair[0], .events = POLLIN };
	assert_int_equal(poll(&p, 1, 10000), 1);
	assert_int_equal(read(pair[0], &c, 1), 0);
	close(pair[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_filter_is_made_or_it_is_said_why_not),
		cmocka_unit_test(a_child_that_hangs_ends_with_its_parent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
