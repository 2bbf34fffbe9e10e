/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What every daemon's loop listens to, and the end of it: signals, the second's tick, the watchdog. */
#include <signal.h>
#include <systemd/sd-daemon.h>

#include "svc_private.h"

#define TICK_MS           1000
#define SOON_MS             20
#define TICKS_WITHOUT_BUS 2	/* then it is ready all the same */
#define CLOSE_WAIT_MS     5000

static void on_signal(uv_signal_t *h, int number)
{
	struct svc *s = h->data;
	cleanup(diag_fini) struct diag d = { 0 };

	if (number == SIGHUP)
		(void)svc_reload(s, &d);
	else
		svc_stop(s, EXIT_SUCCESS);
}

static void on_tick(uv_timer_t *t)
{
	struct svc *s = t->data;

	svc_bus_try(s);
	svc_backoff_tick(s);
	if (++s->ticks >= TICKS_WITHOUT_BUS)
		svc_ready(s);
	if (s->ready && !s->told_ready)
		svc_notify_ready(s);
	svc_look(s);
}

void svc_tick_soon(struct svc *s)
{
	uv_timer_start(&s->tick, on_tick, SOON_MS, TICK_MS);
}

static void on_watchdog(uv_timer_t *t)
{
	(void)t;
	(void)svc_notify("WATCHDOG=1");
}

int svc_loop_start(struct svc *s)
{
	static const int numbers[] = { SIGTERM, SIGINT, SIGHUP };
	uint64_t usec = 0;
	int err = 0;

	for (size_t i = 0; i < ARRAY_SIZE(numbers) && err == 0; i++) {
		uv_signal_init(&s->loop, &s->signals[i]);
		s->signals[i].data = s;
		err = uv_signal_start(&s->signals[i], on_signal, numbers[i]);
	}
	uv_timer_init(&s->loop, &s->tick);
	s->tick.data = s;
	uv_timer_init(&s->loop, &s->watchdog);
	if (err == 0)
		err = uv_timer_start(&s->tick, on_tick, TICK_MS, TICK_MS);
	if (err == 0 && sd_watchdog_enabled(0, &usec) > 0)
		err = uv_timer_start(&s->watchdog, on_watchdog, 0, MAX(usec / 2000, (uint64_t)1));
	return err;
}

static void close_handle(uv_handle_t *h)
{
	if (h->loop && !uv_is_closing(h))
		uv_close(h, NULL);
}

static void close_handles(struct svc *s)
{
	for (size_t i = 0; i < ARRAY_SIZE(s->signals); i++)
		close_handle((uv_handle_t *)&s->signals[i]);
	close_handle((uv_handle_t *)&s->tick);
	close_handle((uv_handle_t *)&s->watchdog);
	close_handle((uv_handle_t *)&s->hints_poll);
	close_handle((uv_handle_t *)&s->helper_poll);
}

static void on_close_wait(uv_timer_t *t)
{
	uv_stop(t->loop);
}

static void tell_leak(uv_handle_t *h, void *arg)
{
	(void)arg;
	log_error("bug: a %s handle was left open", uv_handle_type_name(h->type));
}

/* A handle that its owner forgot is an error that tests see, not a daemon that never ends. */
void svc_loop_end(struct svc *s)
{
	uv_timer_t guard;

	close_handles(s);
	uv_timer_init(&s->loop, &guard);
	uv_timer_start(&guard, on_close_wait, CLOSE_WAIT_MS, 0);
	uv_unref((uv_handle_t *)&guard);
	uv_run(&s->loop, UV_RUN_DEFAULT);
	uv_close((uv_handle_t *)&guard, NULL);
	uv_run(&s->loop, UV_RUN_NOWAIT);
	if (uv_loop_close(&s->loop) == 0)
		return;
	uv_walk(&s->loop, tell_leak, NULL);
	s->status = EXIT_FAILURE;
}
