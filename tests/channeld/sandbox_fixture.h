/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A launcher, a worker's connection to it, and a manifest with one processor out of tests/so. */
#ifndef EBPF_AGENT_SANDBOX_FIXTURE_H
#define EBPF_AGENT_SANDBOX_FIXTURE_H

#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "../../channeld/launcher.h"
#include "../../channeld/processor.h"
#include "../../common/spawn.h"

/* The first function, and no key. */
static const struct batch_call fixture_call = { .hash = BATCH_NO_FUNCTION };

struct fixture {
	pid_t launcher;
	int control;		/* channeld's end */
	int worker;		/* a worker's connection */
	struct manifest m;
	struct manifest_item item;
	struct manifest_route route;
	char artifact[PATH_MAX];
	struct processor_limits limits;
	struct processor_row *row;	/* of processors that are started; NULL: one each, of their own */
	struct diag d;
};

/* The build folder is two above the test's own. */
static inline void fixture_path(const char *below, char ret[PATH_MAX])
{
	char exe[PATH_MAX] = "";

	assert_true(readlink("/proc/self/exe", exe, sizeof(exe) - 1) > 0);
	for (int i = 0; i < 3; i++)
		*strrchr(exe, '/') = 0;
	assert_true((size_t)snprintf(ret, PATH_MAX, "%s/%s", exe, below) < PATH_MAX);
}

static inline void fixture_launcher(struct fixture *f, uid_t uid, const char *uids)
{
	char path[PATH_MAX], env[64], *argv[] = { "ebpf-launcher", NULL }, *envp[] = { env, NULL };
	const char hello = LAUNCHER_CONNECT;
	int control[2], worker[2], r;
	struct spawn_fd fds[2];
	/* By descriptor: nobody but root may enter the folder, perhaps. */
	struct spawn s = { .path = "/proc/self/fd/4", .argv = argv, .envp = envp, .fds = fds, .n_fds = 2,
			   .keep_caps = uid == 0, .change_id = uid != 0, .uid = uid, .gid = uid };

	fixture_path("bin/ebpf-launcher", path);
	snprintf(env, sizeof(env), "%s=%s", LAUNCHER_ENV_UIDS, uids);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, control), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, worker), 0);
	fds[0] = (struct spawn_fd){ control[1], LAUNCHER_FD };
	fds[1] = (struct spawn_fd){ open(path, O_RDONLY | O_CLOEXEC), 4 };
	f->launcher = spawn(&s);
	assert_true(f->launcher > 0);
	close(control[1]);
	close(fds[1].ours);
	f->control = control[0];
	r = fdpass_send(f->control, &hello, 1, &worker[1], 1);
	assert_true(r == 0 || r == -EPIPE);	/* one that does not even start */
	close(worker[1]);
	f->worker = worker[0];
}

static inline void fixture_processor(struct fixture *f, const char *so, const char *function)
{
	char below[64];

	snprintf(below, sizeof(below), "tests/so/%s.so", so);
	fixture_path(below, f->artifact);
	f->item = (struct manifest_item){ .name = "so", .type = "user_so", .artifact = f->artifact };
	f->m = (struct manifest){ .program = "test", .file = "test.yaml", .items = { &f->item, 1 },
				.routes = { &f->route, 1 } };
	f->route = (struct manifest_route){ .processor = "so", .function = function };
}

/* No test but those of the deadline fails on a machine that stood still for a moment. */
static inline void fixture_limits(struct fixture *f)
{
	f->limits = processor_default_limits;
	f->limits.deadline_ns = 20 * NSEC_PER_SEC;
}

static inline int fixture_new(struct fixture *f, struct processor **ret)
{
	if (!f->limits.memory)
		fixture_limits(f);
	return processor_new(&f->m, f->item.name, f->worker, &f->limits, f->row, ret, &f->d);
}

static inline struct processor *fixture_start(struct fixture *f, const char *so, const char *function)
{
	struct processor *p = NULL;
	int r;

	fixture_processor(f, so, function);
	r = fixture_new(f, &p);
	if (r < 0)
		fail_msg("processor_new: %d %s", r, f->d.error);
	return p;
}

static inline void fixture_end(struct fixture *f)
{
	int status = -1;

	closep(&f->worker);
	closep(&f->control);
	/* Nothing but its end of the connection tells it. */
	assert_int_equal(waitpid(f->launcher, &status, 0), f->launcher);
	assert_true(WIFEXITED(status));
	diag_fini(&f->d);
}

static inline int fixture_setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	signal(SIGPIPE, SIG_IGN);
	fixture_launcher(f, 0, LAUNCHER_DEFAULT_UIDS);
	*state = f;
	return 0;
}

static inline int fixture_teardown(void **state)
{
	fixture_end(*state);
	free(*state);
	return 0;
}

/* It is gone, within a while. */
static inline bool fixture_gone(pid_t pid)
{
	for (int i = 0; i < 500; i++) {
		if (kill(pid, 0) < 0 && errno == ESRCH)
			return true;
		poll(NULL, 0, 10);
	}
	return false;
}

/* Where a test cannot run. */
static inline bool fixture_not_root(const char *test)
{
	if (geteuid() == 0)
		return false;
	printf("1..0 # SKIP %s: sandboxes need CAP_SETUID, that is root\n", test);
	return true;
}

#endif
