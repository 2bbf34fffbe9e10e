/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The service manager starts a daemon that died again at once, for ever. One that dies early each time waits here, longer each
 * time, before it does anything: how often is counted in its lock file, which a daemon of its own kind alone writes. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <time.h>

#include "paths.h"
#include "svc_private.h"

#define FIRST_MS          100
#define MAX_MS          10000
#define UNCOUNTED_MS     1000	/* nothing can be written: the runtime directory is not there, or full */
#define DEATHS_MAX       1000
#define START_SLACK_MS  30000	/* for what comes after the wait, as in the units: TimeoutStartSec */
#define HEALTHY_TICKS      10	/* alive for so many seconds, it starts afresh */

/* It is what a unit's ExecStart= names, not anything below it. */
static bool is_unit(void)
{
	const char *pid = getenv("SYSTEMD_EXEC_PID");

	return pid && getenv("INVOCATION_ID") && strtoul(pid, NULL, 10) == (unsigned long)getpid();
}

static int open_count(const struct svc *s)
{
	char path[PATH_MAX];
	int fd, err = path_lock(s->def->name, path);

	if (err < 0)
		return err;
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0660);
	return fd < 0 ? -errno : fd;
}

static int write_count(int fd, unsigned n)
{
	char text[16];
	int len = snprintf(text, sizeof(text), "%-8u\n", n);	/* always as long: nothing to cut off */

	return pwrite(fd, text, len, 0) == len ? 0 : -EIO;
}

static void set_count(struct svc *s, unsigned n)
{
	cleanup(closep) int fd = -1;

	if (!s->deaths_counted)
		return;
	fd = open_count(s);
	if (fd >= 0)
		(void)write_count(fd, n);
}

/* Counts this life as one that ends early, until it is known better. */
static int count(struct svc *s, unsigned *ret)
{
	cleanup(closep) int fd = open_count(s);
	char text[16] = "";
	unsigned n;

	if (fd < 0)
		return fd;
	if (pread(fd, text, sizeof(text) - 1, 0) < 0)
		return -errno;
	n = MIN(strtoul(text, NULL, 10), (unsigned long)DEATHS_MAX);
	*ret = n;
	return write_count(fd, n + 1);
}

/* Whether it shall go on. */
static bool wait_ms(unsigned ms)
{
	const struct timespec t = { ms / 1000, ms % 1000 * 1000000L };
	sigset_t set, before;
	int number;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, &before);
	number = sigtimedwait(&set, NULL, &t);
	sigprocmask(SIG_SETMASK, &before, NULL);
	return number < 0;
}

bool svc_backoff_wait(struct svc *s)
{
	unsigned n = 0, ms = UNCOUNTED_MS;
	char text[200];

	if (!is_unit())
		return true;
	(void)svc_ground_folders();
	s->deaths_counted = true;
	if (count(s, &n) == 0)
		ms = n == 0 ? 0 : n > 8 ? MAX_MS : MIN(FIRST_MS << (n - 1), MAX_MS);
	if (ms == 0)
		return true;
	snprintf(text, sizeof(text), "STATUS=has died early %u times in a row, and begins in %u.%u s\nEXTEND_TIMEOUT_USEC=%u000", n,
		 ms / 1000, ms % 1000 / 100, ms + START_SLACK_MS);
	(void)svc_notify(text);
	if (wait_ms(ms))
		return true;
	set_count(s, 0);	/* told to stop: whoever starts it next has done something about it */
	return false;
}

void svc_backoff_tick(struct svc *s)
{
	if (s->ready && ++s->ticks_ready == HEALTHY_TICKS)
		set_count(s, 0);
}

void svc_backoff_end(struct svc *s, bool well)
{
	if (well)
		set_count(s, 0);
}
