/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The life of a daemon, in the order in which svc.h tells it. */
#include "svc.h"

#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "svc_private.h"

uv_loop_t *svc_loop(struct svc *s)
{
	return &s->loop;
}

const void *svc_conf(const struct svc *s)
{
	return s->config.obj;
}

sd_bus *svc_bus(struct svc *s)
{
	return s->bus;
}

int svc_helper_fd(const struct svc *s)
{
	return s->helper_fd;
}

void svc_stop(struct svc *s, int status)
{
	if (!s->stopping)
		s->status = status;
	s->stopping = true;
	uv_stop(&s->loop);
}

void svc_ready(struct svc *s)
{
	int err;

	if (s->ready)
		return;
	s->ready = true;
	err = s->def->running ? s->def->running(s->self) : 0;
	if (err < 0) {
		log_error("cannot run: %s", strerror(-err));
		svc_stop(s, EXIT_FAILURE);
		return;
	}
	svc_backoff_ready(s);
	svc_notify_ready(s);
	log_info("ready (%s)", s->bus ? s->bus_name : "without a bus");
}

void svc_look(struct svc *s)
{
	if (s->def->look && !s->stopping)
		s->def->look(s->self);
}

/* Capabilities belong to threads, so they go before libuv's, nanomsg's or the daemon's first one is made; the filter
 * comes after start(), for all threads. */
static int begin(struct svc *s)
{
	const struct rights *r = s->def->rights;
	int err = svc_ground_check(s);

	if (err == 0)
		err = svc_ground_lock(s);
	if (err == 0 && r && r->helper)
		err = svc_helper_start(s);
	if (err == 0 && r && (err = rights_drop_caps(r)) < 0)
		log_error("cannot drop capabilities: %s", strerror(-err));
	return err;
}

static int run_up(struct svc *s)
{
	const struct rights *r = s->def->rights;
	int err = svc_loop_start(s);

	if (err == 0)
		err = svc_helper_watch(s);
	if (err == 0)
		err = svc_hints_start(s);
	if (err == 0 && s->def->start)
		err = s->def->start(s, &s->self);
	s->started = err == 0;
	if (err < 0) {
		log_error("cannot start: %s", strerror(-err));
		return err;
	}
	if (r && (err = rights_apply(r)) < 0)
		log_error("cannot drop rights: %s", strerror(-err));
	return err;
}

static int live(struct svc *s)
{
	int err = uv_loop_init(&s->loop);

	if (err < 0)
		return err;
	err = run_up(s);
	if (err == 0) {
		svc_bus_try(s);
		svc_look(s);
		while (!s->stopping)
			uv_run(&s->loop, UV_RUN_DEFAULT);
	}
	s->stopping = true;
	(void)svc_notify("STOPPING=1\nSTATUS=stopping");
	if (s->started && s->def->stop)
		s->def->stop(s->self);
	svc_bus_close(s);
	svc_loop_end(s);
	wire_free(s->hints);
	return err;
}

static uint64_t realtime_usec(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return t.tv_sec * 1000000ULL + t.tv_nsec / 1000;
}

int svc_run(struct svc *s)
{
	int err;

	snprintf(s->bus_path, sizeof(s->bus_path), "/org/ebpfagent/%s", s->def->bus);
	snprintf(s->bus_name, sizeof(s->bus_name), "org.ebpfagent.%s", s->def->bus);
	s->started_at = realtime_usec();
	umask(0007);	/* the daemons share a group */
	signal(SIGPIPE, SIG_IGN);
	err = begin(s);
	if (err == 0)
		err = live(s);
	svc_helper_stop(s);
	svc_backoff_end(s, err == 0 && s->status == EXIT_SUCCESS);
	svc_troubles_free(s);
	if (s->lock >= 0)
		close(s->lock);
	return err < 0 ? EXIT_FAILURE : s->status;
}
