/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the life of a daemon (common/svc.h) gives to channeld, given by the test: no bus, no helper. */
#ifndef TESTS_CHANNELD_SVC_STUB_H
#define TESTS_CHANNELD_SVC_STUB_H

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "channeld/channeld.h"

struct svc {
	uv_loop_t loop;
	struct channeld_conf conf;
	bool degraded;
};

uv_loop_t *svc_loop(struct svc *s)
{
	return &s->loop;
}

const void *svc_conf(const struct svc *s)
{
	return &s->conf;
}

int svc_helper_fd(const struct svc *s)
{
	(void)s;
	return -1;
}

void svc_status(struct svc *s, const char *fmt, ...)
{
	(void)s, (void)fmt;
}

void svc_degraded(struct svc *s, const char *key, const char *fmt, ...)
{
	(void)key;
	s->degraded = fmt != NULL;
}

#endif
