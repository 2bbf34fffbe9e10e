/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "filter.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base.h"

#define TRIES      4
#define WAIT_MS 3000		/* a list that it spoiled it may follow for ever */

/* Whatever it waits for, it ends with its parent, whose locks it has as well: nobody could start in its place. */
static void end_with(pid_t parent)
{
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0 || getppid() != parent)
		_exit(ESRCH);
}

static void in_child(uint32_t otherwise, filter_fill fill, void *arg, pid_t self, int out)
{
	scmp_filter_ctx ctx;
	int err;

	end_with(self);
	ctx = seccomp_init(otherwise);
	err = ctx ? fill(ctx, self, arg) : -ENOMEM;
	if (err == 0)
		err = seccomp_export_bpf(ctx, out);
	_exit(err < 0 ? -err & 0xff : 0);
}

/* Up to its end, which is the child's. -ETIMEDOUT: there is none. */
static int read_all(int fd, struct filter *ret)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	size_t len = 0;
	ssize_t n;
	int r;

	for (;;) {
		r = poll(&p, 1, WAIT_MS);
		if (r == 0)
			return -ETIMEDOUT;
		n = r < 0 ? r : read(fd, (char *)ret->code + len, sizeof(ret->code) - len);
		if (n == 0)
			break;
		if (n < 0 && errno != EINTR)
			return -errno;
		len += MAX(n, (ssize_t)0);
	}
	ret->n = len / sizeof(*ret->code);
	return len == 0 || len % sizeof(*ret->code) ? -EIO : 0;
}

static int how_ended(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	if (WIFSIGNALED(status))
		return -EFAULT;
	return -WEXITSTATUS(status);
}

static int make_once(uint32_t otherwise, filter_fill fill, void *arg, struct filter *ret)
{
	sigset_t all, before;
	int pair[2], err, end;
	pid_t self = getpid(), pid;

	if (pipe2(pair, O_CLOEXEC) < 0)
		return -errno;
	/* A handler that runs in the child would write to the pipe of the parent's loop. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	pid = fork();
	if (pid == 0)
		in_child(otherwise, fill, arg, self, pair[1]);
	err = pid < 0 ? -errno : 0;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	close(pair[1]);
	if (pid > 0) {
		err = read_all(pair[0], ret);
		if (err < 0 && err != -EIO)
			kill(pid, SIGKILL);
		end = how_ended(pid);
		err = err == 0 || err == -EIO ? end ?: err : err;
	}
	close(pair[0]);
	return err;
}

int filter_make(uint32_t otherwise, filter_fill fill, void *arg, struct filter *ret)
{
	static struct filter last;	/* too large for a stack; a process makes its filters one after the other */
	int err = 0, last_err = -ENODATA;

	for (int i = 0; i < TRIES; i++) {
		err = make_once(otherwise, fill, arg, ret);
		if (err == 0 && last_err == 0 && ret->n == last.n &&
		    !memcmp(ret->code, last.code, ret->n * sizeof(*ret->code)))
			return 0;
		last_err = err;
		last = *ret;
	}
	return err < 0 ? err : -EIO;
}

int filter_add_names(scmp_filter_ctx ctx, uint32_t action, const char *const *names)
{
	int err = 0;

	for (; *names && err == 0; names++) {
		int nr = seccomp_syscall_resolve_name(*names);

		/* Otherwise unknown, or a pseudo number of another architecture. */
		if (nr >= 0)
			err = seccomp_rule_add(ctx, action, nr, 0);
	}
	return err;
}

static long install(const struct filter *f, unsigned flags)
{
	struct sock_fprog program = { (unsigned short)f->n, (struct sock_filter *)f->code };
	long r = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);

	return r < 0 ? -errno : r;
}

int filter_install(const struct filter *f)
{
	long r = install(f, SECCOMP_FILTER_FLAG_TSYNC);

	return r > 0 ? -EBUSY : (int)r;
}

int filter_install_listening(const struct filter *f)
{
	const unsigned flags = SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_TSYNC_ESRCH |
			       SECCOMP_FILTER_FLAG_NEW_LISTENER;
	/* Signals do not break off the wait of who was heard. Since Linux 5.19. */
	long r = install(f, flags | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV);

	return (int)(r == -EINVAL ? install(f, flags) : r);
}
