/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ebpf-launcher: see launcher.h. It is privileged and therefore small: it reads fixed-size messages, and nothing of
 * what it hands on. */
#include "launcher.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>

#include "../abi/batch.h"
#include "../common/log.h"
#include "../common/paths.h"
#include "../common/rights.h"
#include "../common/spawn.h"

#define FD_FOLDER SANDBOX_FD_END	/* in the sandbox, which closes it at once */
#define THREADS   "64"			/* nothing else runs under a sandbox's uid */

struct connection {
	int fd;			/* -1: closed by the other side; kept until its sandbox is reaped */
	pid_t pid;		/* 0: none */
	uid_t uid;
};

struct launcher {
	struct connection c[LAUNCHER_MAX_CONNECTIONS];
	size_t n;
	uid_t first, last, next;	/* next: a uid rests as long as possible before it is used again */
	int null, folder, signals;	/* folder: of ebpf-sandbox */
};

#ifdef AGENT_SAN
/* Looking for leaks needs ptrace. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "detect_leaks=0";
}
#endif

static int parse_uids(struct launcher *l)
{
	const char *s = getenv(LAUNCHER_ENV_UIDS);
	unsigned first, last;
	char rest;

	if (sscanf(s ? s : LAUNCHER_DEFAULT_UIDS, "%u-%u%c", &first, &last, &rest) != 2 || first == 0 || first > last ||
	    last - first >= LAUNCHER_MAX_CONNECTIONS)
		return -EINVAL;
	l->first = l->next = first;
	l->last = last;
	return 0;
}

static bool uid_in_use(const struct launcher *l, uid_t uid)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->c[i].pid && l->c[i].uid == uid)
			return true;
	return false;
}

static int pick_uid(struct launcher *l, uid_t *ret)
{
	for (uid_t i = l->first; i <= l->last; i++) {
		uid_t uid = l->next;

		l->next = uid == l->last ? l->first : uid + 1;
		if (!uid_in_use(l, uid)) {
			*ret = uid;
			return 0;
		}
	}
	return -EUSERS;
}

/* By its folder's descriptor: a checkout below a folder that only root may enter works too, and the process is called
 * by the last part of the path, from its first moment on. */
static pid_t start_sandbox(struct launcher *l, const struct launcher_request *req, uid_t uid, const int *fds,
			   bool has_file)
{
	char path[64], memory[24];
	char *argv[] = { "ebpf-sandbox", (char *)req->functions, memory, THREADS, NULL };
	char *envp[] = { SANDBOX_ENVIRONMENT, NULL };
	const struct spawn_fd map[] = {
		{ l->null, 0 }, { l->null, 1 },
#ifdef AGENT_SAN
		{ 2, 2 },
#else
		{ l->null, 2 },
#endif
		{ fds[0], SANDBOX_FD_BATCH }, { fds[1], SANDBOX_FD_REQUEST }, { fds[2], SANDBOX_FD_DONE },
		{ fds[3], SANDBOX_FD_SO }, { fds[4], SANDBOX_FD_LISTENER }, { l->folder, FD_FOLDER },
		{ fds[has_file ? 5 : 0], SANDBOX_FD_FILE },
	};
	struct spawn s = { .path = path, .argv = argv, .envp = envp, .fds = map, .n_fds = ARRAY_SIZE(map) - !has_file,
			   .change_id = true, .uid = uid, .gid = uid, .new_session = true };

	snprintf(path, sizeof(path), "/proc/self/fd/%d/ebpf-sandbox", FD_FOLDER);
	snprintf(memory, sizeof(memory), "%llu", (unsigned long long)req->memory);
	return spawn(&s);
}

static void answer(const struct connection *c, const struct launcher_reply *reply)
{
	if (c->fd >= 0)
		(void)fdpass_send(c->fd, reply, sizeof(*reply), NULL, 0);
}

static void on_spawn(struct launcher *l, struct connection *c, const struct launcher_request *req, const int *fds,
		     size_t n_fds)
{
	struct launcher_reply reply = { .type = LAUNCHER_FAILED };
	uid_t uid = 0;
	pid_t pid;

	if ((n_fds != 5 && n_fds != 6) || !memchr(req->functions, 0, sizeof(req->functions)))
		pid = -EINVAL;
	else if (c->pid)
		pid = -EBUSY;
	else
		pid = pick_uid(l, &uid);
	if (pid == 0)
		pid = start_sandbox(l, req, uid, fds, n_fds == 6);
	if (pid < 0) {
		reply.error = pid;
	} else {
		reply.type = LAUNCHER_SPAWNED;
		reply.pid = c->pid = pid;
		reply.uid = c->uid = uid;
	}
	answer(c, &reply);
}

static void connection_close(struct connection *c)
{
	if (c->pid)
		kill(c->pid, SIGKILL);
	closep(&c->fd);
	c->fd = -1;
}

static int connection_add(struct launcher *l, int fd)
{
	if (l->n == ARRAY_SIZE(l->c))
		return -ENOSPC;
	(void)fcntl(fd, F_SETFL, O_NONBLOCK);	/* who does not read his answers holds nobody else up */
	l->c[l->n++] = (struct connection){ .fd = fd };
	return 0;
}

static void on_message(struct launcher *l, struct connection *c)
{
	union {
		struct launcher_request req;
		char first;
	} m;
	int fds[8];
	size_t n_fds = ARRAY_SIZE(fds);
	ssize_t n = fdpass_receive(c->fd, &m, sizeof(m), fds, &n_fds);

	if (n == -EAGAIN)
		return;
	if (n <= 0) {
		connection_close(c);
		return;
	}
	if (n == 1 && m.first == LAUNCHER_CONNECT && n_fds == 1 && connection_add(l, fds[0]) == 0)
		return;
	if (c == l->c)
		log_warning("a message that is none, from channeld");
	else if (n == sizeof(m.req) && m.req.type == LAUNCHER_SPAWN)
		on_spawn(l, c, &m.req, fds, n_fds);
	else if (n == sizeof(m.req) && m.req.type == LAUNCHER_KILL && c->pid)
		kill(c->pid, SIGKILL);
	for (size_t i = 0; i < n_fds; i++)
		close(fds[i]);
}

static void reap(struct launcher *l)
{
	struct signalfd_siginfo info;
	int status;
	pid_t pid;

	(void)!read(l->signals, &info, sizeof(info));
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		for (size_t i = 0; i < l->n; i++) {
			struct launcher_reply reply = { .type = LAUNCHER_EXITED, .pid = pid };

			if (l->c[i].pid != pid)
				continue;
			reply.signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
			reply.status = WIFEXITED(status) ? WEXITSTATUS(status) : 0;
			l->c[i].pid = 0;
			answer(&l->c[i], &reply);
		}
}

/* Ends when channeld is gone. */
static void serve(struct launcher *l)
{
	struct pollfd p[LAUNCHER_MAX_CONNECTIONS + 1];

	while (l->c[0].fd >= 0) {
		size_t n = l->n, kept = 1;

		for (size_t i = 0; i < n; i++)
			p[i] = (struct pollfd){ .fd = l->c[i].fd, .events = POLLIN };
		p[n] = (struct pollfd){ .fd = l->signals, .events = POLLIN };
		if (poll(p, n + 1, -1) < 0)
			continue;
		/* First: a request on the same connection finds its old sandbox reaped. */
		if (p[n].revents)
			reap(l);
		for (size_t i = 0; i < n; i++)
			if (p[i].revents)
				on_message(l, &l->c[i]);
		for (size_t i = 1; i < l->n; i++)
			if (l->c[i].fd >= 0 || l->c[i].pid)
				l->c[kept++] = l->c[i];
		l->n = kept;
	}
}

static int launcher_open(struct launcher *l)
{
	sigset_t mask;

	l->folder = open(path_libexec(), O_PATH | O_DIRECTORY | O_CLOEXEC);
	l->null = open("/dev/null", O_RDWR | O_CLOEXEC);
	sigemptyset(&mask);
	sigaddset(&mask, SIGCHLD);
	sigprocmask(SIG_BLOCK, &mask, NULL);
	l->signals = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
	if (l->folder < 0 || l->null < 0 || l->signals < 0)
		return -errno;
	return connection_add(l, LAUNCHER_FD);
}

int main(void)
{
	static struct launcher l;
	int r;

	log_init("launcher", LOG_INFO);
	/* Stopping is channeld's business: with it the connection ends, and then this process. */
	signal(SIGTERM, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	r = parse_uids(&l);
	if (r < 0) {
		log_error("%s is not FIRST-LAST with at most %d uids, none of them 0", LAUNCHER_ENV_UIDS,
			  LAUNCHER_MAX_CONNECTIONS);
		return EXIT_FAILURE;
	}
	r = launcher_open(&l);
	if (r == 0)
		r = rights_apply(&rights_launcher);
	if (r < 0) {
		log_error("could not start: %s", strerror(-r));
		return EXIT_FAILURE;
	}
	serve(&l);
	return EXIT_SUCCESS;
}
