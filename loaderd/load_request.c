/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a load needs of loaderd while it runs, and how it speaks of what went wrong. */
#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "../common/spawn.h"
#include "load_functions.h"

/* @with: a descriptor that goes along, unless it is negative. *ret_fd: what came along with the answer, or -1. */
static int ask(struct load *l, struct job_message *m, int with, int *ret_fd)
{
	size_t n_fds = 1;
	ssize_t n;
	int err = fdpass_send(l->sock, m, sizeof(*m), &with, with >= 0), fd = -1;

	if (err)
		return err;
	n = fdpass_receive(l->sock, m, sizeof(*m), &fd, &n_fds);
	if (n < 0)
		return (int)n;
	*ret_fd = n_fds ? fd : -1;
	return n == sizeof(*m) ? 0 : -EPIPE;
}

int load_ask_perf_event(struct load *l, const char *section, int *ret_fd, const char **ret_cause)
{
	struct job_message m = { .type = JOB_PERF_EVENT };
	cleanup(closep) int fd = -1;
	int err;

	snprintf(m.a, sizeof(m.a), "%s", section);
	err = ask(l, &m, -1, &fd);
	if (err)
		return load_fail(l, 0, "loaderd does not answer: %s", strerror(-err));
	if (m.err) {
		m.a[sizeof(m.a) - 1] = '\0';
		*ret_cause = arena_strdup(l->arena, m.a);
		return m.err;
	}
	if (fd < 0)
		return load_fail(l, 0, "loaderd answers without a descriptor");
	*ret_fd = take_fd(&fd);
	return 0;
}

int load_ask_buffers(struct load *l, size_t channel, int array, uint64_t bytes, size_t *ret_n, const char **ret_text)
{
	struct job_message m = { .type = JOB_BUFFERS, .value = channel, .more = bytes };
	cleanup(closep) int fd = -1;
	int err = ask(l, &m, array, &fd);

	if (err)
		return load_fail(l, 0, "loaderd does not answer: %s", strerror(-err));
	m.a[sizeof(m.a) - 1] = '\0';
	*ret_text = arena_strdup(l->arena, m.a);
	*ret_n = m.value;
	return !*ret_text ? -ENOMEM : m.err;
}

int load_tell_cached(struct load *l, const char *sha256, bool made)
{
	struct job_message m = { .type = JOB_CACHED, .value = made };

	snprintf(m.a, sizeof(m.a), "%s", sha256);
	return fdpass_send(l->sock, &m, sizeof(m), NULL, 0);
}

void load_tell_log(struct load *l, const char *text)
{
	struct job_message m = { .type = JOB_LOG };

	snprintf(m.a, sizeof(m.a), "%s", text ? text : "");
	if (m.a[0])
		(void)fdpass_send(l->sock, &m, sizeof(m), NULL, 0);
}

/* Nothing depends on it, and whatever comes next finds out that loaderd is gone. */
void load_tell_phase(struct load *l, enum job_phase phase)
{
	struct job_message m = { .type = JOB_PHASE, .value = phase };

	(void)fdpass_send(l->sock, &m, sizeof(m), NULL, 0);
}

#define QUOTED_MAX 200		/* bytes of a request */

/* It is no line of the YAML that is wrong, but what a function wants. */
static int fail_asking(struct load *l, const char *text)
{
	const struct load_asked *a = l->asking;

	return diag_fail(&l->diag, -EINVAL, l->program ? l->program->file : NULL, a->function->line,
			 "%s function '%s' of %s asks for %.*s%s: %s", function_type_names[a->function->type],
			 a->function->name, a->by->item, QUOTED_MAX, a->text,
			 strlen(a->text) > QUOTED_MAX ? "…" : "", text);
}

static int fail(struct load *l, enum job_failure kind, unsigned line, const char *fmt, va_list args)
{
	char text[DIAG_TEXT_MAX];

	vsnprintf(text, sizeof(text), fmt, args);
	if (!l->diag.error[0])
		l->failure = kind;
	if (l->asking)
		return fail_asking(l, text);
	return diag_fail(&l->diag, -EINVAL, l->program ? l->program->file : NULL, line, "%s", text);
}

int load_fail(struct load *l, unsigned line, const char *fmt, ...)
{
	va_list args;
	int err;

	va_start(args, fmt);
	err = fail(l, JOB_FAILED_LOAD, line, fmt, args);
	va_end(args);
	return err;
}

int load_not_built(struct load *l, unsigned line, const char *fmt, ...)
{
	va_list args;
	int err;

	va_start(args, fmt);
	err = fail(l, JOB_FAILED_NOT_BUILT, line, fmt, args);
	va_end(args);
	return err;
}

void load_degraded(struct load *l, const char *fmt, ...)
{
	char text[2048];
	const char **bigger;
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	for (size_t i = 0; i < l->degraded.n; i++)
		if (!strcmp(l->degraded.s[i], text))
			return;
	bigger = arena_alloc(l->arena, (l->degraded.n + 1) * sizeof(*bigger));
	if (!bigger)
		return;
	if (l->degraded.n)
		memcpy(bigger, l->degraded.s, l->degraded.n * sizeof(*bigger));
	bigger[l->degraded.n] = arena_strdup(l->arena, text);
	l->degraded.s = bigger;
	l->degraded.n += bigger[l->degraded.n] != NULL;
}
