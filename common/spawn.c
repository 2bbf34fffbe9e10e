/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <linux/close_range.h>
#include <linux/securebits.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "paths.h"

#define FDS_MAX 32

/* Between fork and exec only system calls are made: another thread (nanomsg's) may have held any lock. */

/* Raw: libc refuses its own two (32, 33), which whoever used posix_spawn() may have left ignored. The kernel's struct
 * begins with the handler; all else is zero. */
static void child_handlers(void (*handler)(int))
{
	unsigned long act[4] = { (unsigned long)handler };

	for (int i = 1; i < NSIG; i++)
		syscall(SYS_rt_sigaction, i, act, NULL, sizeof(unsigned long));	/* SIGKILL, SIGSTOP: no matter */
}

static int child_signals(const struct spawn *s)
{
	sigset_t none;

	/* Out of the terminal's reach first; what came in between was for the parent, and ignoring it discards it. */
	if (s->new_session) {
		if (setsid() < 0)
			return -1;
		child_handlers(SIG_IGN);
	}
	child_handlers(SIG_DFL);
	sigemptyset(&none);
	return sigprocmask(SIG_SETMASK, &none, NULL);
}

/* All at once out of the way first: one's number may be another's target. *report moves along. */
static int child_fds(const struct spawn *s, int *report)
{
	int high[FDS_MAX], above = 3;

	for (size_t i = 0; i < s->n_fds; i++)
		above = MAX(above, s->fds[i].theirs + 1);
	for (size_t i = 0; i < s->n_fds; i++)
		if ((high[i] = fcntl(s->fds[i].ours, F_DUPFD_CLOEXEC, above)) < 0)
			return -1;
	*report = fcntl(*report, F_DUPFD_CLOEXEC, above);
	if (*report < 0 || syscall(SYS_close_range, 3, ~0U, CLOSE_RANGE_CLOEXEC) < 0)
		return -1;
	for (size_t i = 0; i < s->n_fds; i++)
		if (dup2(high[i], s->fds[i].theirs) < 0)
			return -1;
	return 0;
}

/* While CAP_SETPCAP is still there, if it ever was; without it nothing changes, and no_new_privs makes up for it. */
static void child_bound(uint64_t caps)
{
	for (int c = 0; c <= CAP_LAST_CAP; c++)
		if (!(caps >> c & 1))
			(void)prctl(PR_CAPBSET_DROP, c, 0, 0, 0);
}

/* Raw calls: libc's setresuid() would signal threads that do not exist here. */
static int child_identity(const struct spawn *s)
{
	if (!s->change_id)
		return 0;
	if (syscall(SYS_setgroups, 1, &s->gid) < 0 || syscall(SYS_setresgid, s->gid, s->gid, s->gid) < 0)
		return -1;
	if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0 || syscall(SYS_setresuid, s->uid, s->uid, s->uid) < 0)
		return -1;
	return 0;
}

static int child_caps(uint64_t caps)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];

	/* Root would get everything back at exec, and the kernel forgets PDEATHSIG when an exec gains capabilities.
	 * Without CAP_SETPCAP this fails, which is as it was. */
	if (geteuid() == 0)
		(void)prctl(PR_SET_SECUREBITS, SECBIT_NOROOT | SECBIT_NOROOT_LOCKED, 0, 0, 0);
	for (int i = 0; i < 2; i++)
		data[i].effective = data[i].permitted = data[i].inheritable = (uint32_t)(caps >> (32 * i));
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0 || syscall(SYS_capset, &head, data) < 0)
		return -1;
	for (int c = 0; c < 64; c++)
		if ((caps >> c & 1) && prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, c, 0, 0) < 0)
			return -1;
	return 0;
}

/* LISTEN_PID is known only here; no printf after a fork. */
static void child_exec(const struct spawn *s)
{
	char *const *envp = s->envp ? s->envp : environ;
	char text[32] = "LISTEN_PID=", digits[16];
	size_t n = 0, len = 0, at = strlen(text);

	while (envp[n])
		n++;
	char *with_pid[n + 2];
	for (pid_t pid = getpid(); pid > 0; pid /= 10)
		digits[len++] = (char)('0' + pid % 10);
	while (len > 0)
		text[at++] = digits[--len];
	text[at] = '\0';
	memcpy(with_pid, envp, n * sizeof(*with_pid));
	with_pid[n] = text;
	with_pid[n + 1] = NULL;
	execve(s->path, s->argv, s->listen_pid ? with_pid : envp);
}

static int child_run(const struct spawn *s, pid_t parent, int *report)
{
	if (child_signals(s) < 0 || child_fds(s, report) < 0)
		return -1;
	if (!s->keep_caps)
		child_bound(s->ambient_caps);
	if (child_identity(s) < 0)
		return -1;
	if (!s->keep_caps && child_caps(s->ambient_caps) < 0)
		return -1;
	if (!s->survive) {
		/* The kernel clears it when the identity changes, so only now; and the parent may be gone already. */
		if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
			return -1;
		if (getppid() != parent)
			_exit(127);
	}
	child_exec(s);
	return -1;
}

static pid_t reap(pid_t pid, int err)
{
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	return -err;
}

pid_t spawn(const struct spawn *s)
{
	int report[2], err = 0;
	pid_t parent = getpid(), pid;
	sigset_t all, before;
	ssize_t n;

	if (s->n_fds > FDS_MAX)
		return -EINVAL;
	if (pipe2(report, O_CLOEXEC) < 0)
		return -errno;
	/* A handler that runs in the child would write to the pipe of the parent's loop. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	pid = fork();
	if (pid == 0) {
		if (child_run(s, parent, &report[1]) < 0)
			err = errno;
		if (write(report[1], &err, sizeof(err)) < 0)
			_exit(126);
		_exit(127);
	}
	err = errno;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	close(report[1]);
	if (pid < 0) {
		close(report[0]);
		return -err;
	}
	do
		n = read(report[0], &err, sizeof(err));
	while (n < 0 && errno == EINTR);
	close(report[0]);
	return n == sizeof(err) ? reap(pid, err) : pid;
}

int spawn_helper_path(const char *binary, char *ret)
{
	char path[PATH_MAX];

	if ((size_t)snprintf(path, sizeof(path), "%s/%s", path_libexec(), binary) >= sizeof(path))
		return -ENAMETOOLONG;
	strcpy(ret, path);
	return 0;
}

#define PASS_MAX 8

int fdpass_send(int sock, const void *data, size_t len, const int *fds, size_t n_fds)
{
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(PASS_MAX * sizeof(int))];
	} control = { 0 };
	struct iovec iov = { (void *)data, len };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t n;

	if (n_fds > PASS_MAX || len == 0)	/* an empty packet would look like an end */
		return -EINVAL;
	if (n_fds > 0) {
		m.msg_control = control.buf;
		m.msg_controllen = CMSG_SPACE(n_fds * sizeof(int));
		*CMSG_FIRSTHDR(&m) = (struct cmsghdr){ .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS,
						       .cmsg_len = CMSG_LEN(n_fds * sizeof(int)) };
		memcpy(CMSG_DATA(CMSG_FIRSTHDR(&m)), fds, n_fds * sizeof(int));
	}
	do
		n = sendmsg(sock, &m, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : 0;
}

static size_t fds_of(struct msghdr *m, int got[PASS_MAX])
{
	size_t n = 0;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		size_t k = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS || n + k > PASS_MAX)
			continue;
		memcpy(got + n, CMSG_DATA(c), k * sizeof(int));
		n += k;
	}
	return n;
}

ssize_t fdpass_receive(int sock, void *data, size_t size, int *fds, size_t *n_fds)
{
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(PASS_MAX * sizeof(int))];
	} control;
	struct iovec iov = { data, size };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.buf,
			    .msg_controllen = sizeof(control.buf) };
	size_t n_got, room = n_fds ? *n_fds : 0;
	int got[PASS_MAX];
	ssize_t n;

	do
		n = recvmsg(sock, &m, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == ECONNRESET ? 0 : -errno;
	n_got = fds_of(&m, got);
	/* More than was asked for, or cut: whoever sent it does not speak our protocol; nothing may leak. */
	if ((m.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) || n_got > room) {
		for (size_t i = 0; i < n_got; i++)
			close(got[i]);
		return -EMSGSIZE;
	}
	if (n_got > 0)
		memcpy(fds, got, n_got * sizeof(int));
	if (n_fds)
		*n_fds = n_got;
	return n;
}
