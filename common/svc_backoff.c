/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The service manager starts a daemon that died again at once, for ever. One that dies early each time waits here,
 * longer each time, before it does anything. How often it did is counted in its lock file, which a daemon of its own
 * kind alone writes. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <time.h>

#include "paths.h"
#include "svc_private.h"

#define FIRST_MS          100
#define MAX_MS           2000	/* it gets ready each time: somebody waits for what it does */
#define MAX_UNREADY_MS  10000	/* it does not even get ready */
#define UNCOUNTED_MS     1000	/* nothing can be written: the runtime directory is not there, or full */
#define DEATHS_MAX       999u
#define START_SLACK_MS  30000	/* for what comes after the wait, as in the units: TimeoutStartSec */
#define HEALTHY_TICKS      10	/* alive for so many seconds, it starts afresh */

/* It is what a unit's ExecStart= names, not anything below it. */
static bool is_unit(void)
{
	const char *pid = getenv("SYSTEMD_EXEC_PID");

	return pid && getenv("INVOCATION_ID") && strtoul(pid, NULL, 10) == (unsigned long)getpid();
}

static int open_counts(const struct svc *s)
{
	char path[PATH_MAX];
	int fd, err = path_lock(s->def->name, path);

	if (err < 0)
		return err;
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0660);
	return fd < 0 ? -errno : fd;
}

static int read_counts(const struct svc *s, struct svc_deaths *ret)
{
	cleanup(closep) int fd = open_counts(s);
	struct svc_deaths d = { 0 };
	char text[32] = "";

	if (fd < 0)
		return fd;
	if (pread(fd, text, sizeof(text) - 1, 0) < 0)
		return -errno;
	(void)sscanf(text, "%3u %3u", &d.early, &d.unready);
	*ret = (struct svc_deaths){ MIN(d.early, DEATHS_MAX), MIN(d.unready, DEATHS_MAX) };
	return 0;
}

static int write_counts(const struct svc *s, const struct svc_deaths *d)
{
	cleanup(closep) int fd = open_counts(s);
	char text[32];
	int len;

	if (fd < 0)
		return fd;
	len = snprintf(text, sizeof(text), "%3u %3u\n", MIN(d->early, DEATHS_MAX), MIN(d->unready, DEATHS_MAX));
	return pwrite(fd, text, len, 0) == len ? 0 : -EIO;
}

static unsigned delay(unsigned deaths, unsigned max)
{
	return deaths == 0 ? 0 : deaths > 10 ? max : MIN((unsigned)FIRST_MS << (deaths - 1), max);
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

static void tell(const struct svc *s, unsigned ms)
{
	char text[200], why[64] = "cannot count its deaths";

	if (s->deaths.early > 0)
		snprintf(why, sizeof(why), "died early %u times in a row", s->deaths.early);
	snprintf(text, sizeof(text), "STATUS=%s, begins in %u.%u s\nEXTEND_TIMEOUT_USEC=%u000", why, ms / 1000,
		 ms % 1000 / 100, ms + START_SLACK_MS);
	(void)svc_notify(text);
	log_notice("%s, begins in %u.%u s", why, ms / 1000, ms % 1000 / 100);
}

static void begin_afresh(struct svc *s)
{
	s->deaths = (struct svc_deaths){ 0 };
	if (s->deaths_counted)
		(void)write_counts(s, &s->deaths);
}

bool svc_backoff_wait(struct svc *s)
{
	unsigned ms;

	if (!is_unit())
		return true;
	(void)svc_ground_folders();
	s->deaths_counted = true;
	/* Written as it is: to learn whether it can be. */
	if (read_counts(s, &s->deaths) < 0 || write_counts(s, &s->deaths) < 0)
		ms = UNCOUNTED_MS;
	else
		ms = MAX(delay(s->deaths.early, MAX_MS), delay(s->deaths.unready, MAX_UNREADY_MS));
	if (ms > 0) {
		tell(s, ms);
		if (!wait_ms(ms)) {
			begin_afresh(s);	/* whoever stops it does something about it */
			return false;
		}
	}
	/* This life counts as a bad one until it is known better. */
	s->deaths.early++;
	s->deaths.unready++;
	(void)write_counts(s, &s->deaths);
	return true;
}

void svc_backoff_ready(struct svc *s)
{
	s->deaths.unready = 0;
	if (s->deaths_counted)
		(void)write_counts(s, &s->deaths);
}

void svc_backoff_tick(struct svc *s)
{
	if (s->ready && ++s->ticks_ready == HEALTHY_TICKS)
		begin_afresh(s);
}

void svc_backoff_end(struct svc *s, bool well)
{
	if (well)
		begin_afresh(s);
}
