/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the life of a daemon (common/svc.h) gives to sinkd, given by the test: no bus; what is degraded is kept. */
#ifndef EBPF_AGENT_TESTS_SINKD_FIXTURE_SVC_H
#define EBPF_AGENT_TESTS_SINKD_FIXTURE_SVC_H

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "sinkd/stream.h"

struct svc {
	uv_loop_t loop;
	struct sinkd_conf conf;
	struct {
		char key[128], text[1024];
	} degraded[64];
};
static struct svc fx;

uv_loop_t *svc_loop(struct svc *s)
{
	return &s->loop;
}

const void *svc_conf(const struct svc *s)
{
	return &s->conf;
}

sd_bus *svc_bus(struct svc *s)
{
	(void)s;
	return NULL;
}

void svc_status(struct svc *s, const char *fmt, ...)
{
	(void)s, (void)fmt;
}

void svc_degraded(struct svc *s, const char *key, const char *fmt, ...)
{
	size_t i, unused = ARRAY_SIZE(s->degraded);
	va_list ap;

	for (i = 0; i < ARRAY_SIZE(s->degraded); i++) {
		if (!strcmp(s->degraded[i].key, key))
			break;
		if (!s->degraded[i].key[0] && unused == ARRAY_SIZE(s->degraded))
			unused = i;
	}
	if (!fmt) {
		if (i < ARRAY_SIZE(s->degraded))
			s->degraded[i].key[0] = '\0';
		return;
	}
	if (i == ARRAY_SIZE(s->degraded))
		i = unused;
	assert_true(i < ARRAY_SIZE(s->degraded));
	snprintf(s->degraded[i].key, sizeof(s->degraded[i].key), "%s", key);
	va_start(ap, fmt);
	vsnprintf(s->degraded[i].text, sizeof(s->degraded[i].text), fmt, ap);
	va_end(ap);
}

/* NULL: it is not degraded. */
static inline const char *fx_degraded(const char *key)
{
	for (size_t i = 0; i < ARRAY_SIZE(fx.degraded); i++)
		if (!strcmp(fx.degraded[i].key, key))
			return fx.degraded[i].text;
	return NULL;
}

static inline size_t fx_n_degraded(void)
{
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(fx.degraded); i++)
		n += fx.degraded[i].key[0] != '\0';
	return n;
}

#endif
