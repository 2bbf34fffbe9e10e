/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A child whose filter asks, and a parent that answers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/filter.h"
#include "common/listener.h"
#include "common/refusals.h"
#include "common/spawn.h"

static struct filter filter;
static struct refusals refusals;

/* Asks about a few, and lets all others pass. */
static int ask(scmp_filter_ctx ctx, pid_t self, void *arg)
{
	int r = seccomp_rule_add(ctx, SCMP_ACT_NOTIFY, SCMP_SYS(getsid), 0);

	(void)self, (void)arg;
	if (r == 0)
		r = seccomp_rule_add(ctx, SCMP_ACT_NOTIFY, SCMP_SYS(openat), 0);
	return r ?: seccomp_rule_add(ctx, SCMP_ACT_NOTIFY, SCMP_SYS(seccomp), 0);
}

static int make(void **state)
{
	(void)state;
	return filter_make(SCMP_ACT_ALLOW, ask, NULL, &filter);
}

static void in_child(int theirs, int (*deed)(void))
{
	int fd;

	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	fd = filter_install_listening(&filter);
	if (fd < 0 || fdpass_send(theirs, "", 1, &fd, 1) < 0)
		_exit(100);
	close(theirs);
	close(fd);
	_exit(deed());
}

static pid_t start(struct listener *l, int (*deed)(void))
{
	int theirs;
	pid_t pid;

	refusals = (struct refusals){ 0 };
	*l = (struct listener){ .sock = -1, .fd = -1 };
	assert_int_equal(listener_new(l, &theirs), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		in_child(theirs, deed);
	close(theirs);
	return pid;
}

static void on_refused(void *arg, int nr)
{
	(void)arg;
	(void)refusals_add(&refusals, nr);
}

/* Until nothing more comes. */
static void answer_all(struct listener *l)
{
	struct pollfd p = { .events = POLLIN };

	while ((p.fd = listener_poll_fd(l)) >= 0) {
		assert_int_equal(poll(&p, 1, 20000), 1);
		listener_answer(l, on_refused, NULL);
	}
}

static int status_of(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void expect_text(const char *wanted)
{
	char text[REFUSALS_TEXT_MAX];

	refusals_text(&refusals, text);
	assert_string_equal(text, wanted);
}

/* 0, or which of them was not answered as it should be. */
static int try_some(void)
{
	if (getsid(0) >= 0 || errno != EPERM)
		return 1;
	if (syscall(SYS_openat, AT_FDCWD, "/", O_RDONLY) >= 0 || errno != EPERM)
		return 2;
	if (syscall(SYS_seccomp, LISTENER_TELLS, SYS_bpf) >= 0 || errno != EPERM)
		return 3;
	if (syscall(SYS_seccomp, 0, SYS_bpf) >= 0 || errno != EPERM)
		return 4;
	return getsid(0) >= 0 || errno != EPERM ? 5 : 0;
}

static void a_call_is_refused_and_told(void **state)
{
	struct listener l;
	pid_t pid = start(&l, try_some);

	(void)state;
	l.loading = false;
	answer_all(&l);
	assert_int_equal(status_of(pid), 0);
	expect_text("getsid 2, openat 1, bpf 1, seccomp 1");
}

static int open_and_more(void)
{
	if (syscall(SYS_openat, AT_FDCWD, "/", O_RDONLY) < 0)
		return 1;
	if (getsid(0) >= 0 || errno != EPERM)
		return 2;
	return syscall(SYS_openat, AT_FDCWD, "/", O_RDONLY) >= 0 || errno != EPERM ? 3 : 0;
}

static void end_loading(void *arg, int nr)
{
	struct listener *l = arg;

	on_refused(NULL, nr);
	l->loading = false;
}

static void what_loading_needs_goes_on_till_it_is_loaded(void **state)
{
	struct listener l;
	pid_t pid = start(&l, open_and_more);
	struct pollfd p = { .events = POLLIN };

	(void)state;
	while ((p.fd = listener_poll_fd(&l)) >= 0 && poll(&p, 1, 20000) == 1)
		listener_answer(&l, end_loading, &l);
	assert_int_equal(status_of(pid), 0);
	expect_text("getsid 1, openat 1");
}

static int ask_once(void)
{
	return getsid(0) >= 0;
}

/* What it asked nobody answers any more; nor does anybody wait for it. */
static void one_that_dies_while_it_waits_is_over(void **state)
{
	struct listener l;
	pid_t pid = start(&l, ask_once);
	struct pollfd p = { .fd = listener_poll_fd(&l), .events = POLLIN };

	(void)state;
	assert_int_equal(poll(&p, 1, 20000), 1);
	listener_answer(&l, on_refused, NULL);		/* takes the listener, and perhaps the question */
	kill(pid, SIGKILL);
	assert_int_equal(status_of(pid), SIGKILL);
	answer_all(&l);
	assert_true(refusals.n <= 1);
}

static int say_nothing(void)
{
	return 0;
}

static void one_that_ends_before_it_asks_is_over(void **state)
{
	struct listener l;
	pid_t pid = start(&l, say_nothing);

	(void)state;
	assert_int_equal(status_of(pid), 0);
	answer_all(&l);
	assert_int_equal(refusals.n, 0);
	listener_close(&l);
}

static volatile sig_atomic_t signals;

static void on_signal(int sig)
{
	(void)sig;
	signals++;
}

/* Signals take a question back again and again, until one is answered in between. */
static int ask_among_signals(void)
{
	const struct itimerval often = { { 0, 500 }, { 0, 500 } };
	struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_RESTART };

	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &often, NULL);
	for (int i = 0; i < 200; i++)
		if (getsid(0) >= 0 || errno != EPERM)
			return 1;
	return signals == 0;
}

static void a_question_that_a_signal_took_back_is_asked_again(void **state)
{
	struct listener l;
	pid_t pid = start(&l, ask_among_signals);
	struct pollfd p = { .events = POLLIN };

	(void)state;
	while ((p.fd = listener_poll_fd(&l)) >= 0 && poll(&p, 1, 20000) == 1) {
		poll(NULL, 0, 1);
		listener_answer(&l, on_refused, NULL);
	}
	assert_int_equal(status_of(pid), 0);
	/* One that a signal breaks off just when it is answered is answered twice. */
	assert_in_range(refusals.n, 200, 300);
}

static int ask_about_one(scmp_filter_ctx ctx, pid_t self, void *arg)
{
	(void)self, (void)arg;
	return seccomp_rule_add(ctx, SCMP_ACT_NOTIFY, SCMP_SYS(getsid), 0);
}

/* In a container whose manager answers calls, that is. */
static void a_second_listener_is_refused_as_busy(void **state)
{
	static struct filter one;
	pid_t pid;

	(void)state;
	assert_int_equal(filter_make(SCMP_ACT_ALLOW, ask_about_one, NULL, &one), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
		_exit(filter_install_listening(&one) < 0 ? 1 : filter_install_listening(&one) == -EBUSY ? 0 : 2);
	}
	assert_int_equal(status_of(pid), 0);
}

static void names_are_told_apart_up_to_a_bound(void **state)
{
	static struct refusals r;
	char text[REFUSALS_TEXT_MAX], name[REFUSALS_NAME_MAX];

	(void)state;
	for (int i = 0; i < 2 * (int)REFUSALS_MAX; i++)
		assert_int_equal(refusals_add(&r, INT32_MAX - i), i < (int)REFUSALS_MAX);
	assert_false(refusals_add(&r, INT32_MAX));
	assert_int_equal(r.n, 2 * REFUSALS_MAX + 1);
	for (size_t i = 0; i < REFUSALS_MAX; i++)
		r.calls[i].n = UINT64_MAX;	/* as a hostile writer would */
	refusals_text(&r, text);
	assert_non_null(strstr(text, "call 2147483647 18446744073709551615, "));
	refusals_name(SYS_openat, name);
	assert_string_equal(name, "openat");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_call_is_refused_and_told),
		cmocka_unit_test(what_loading_needs_goes_on_till_it_is_loaded),
		cmocka_unit_test(one_that_dies_while_it_waits_is_over),
		cmocka_unit_test(one_that_ends_before_it_asks_is_over),
		cmocka_unit_test(a_question_that_a_signal_took_back_is_asked_again),
		cmocka_unit_test(a_second_listener_is_refused_as_busy),
		cmocka_unit_test(names_are_told_apart_up_to_a_bound),
	};

	return cmocka_run_group_tests(tests, make, NULL);
}
