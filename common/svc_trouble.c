/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is not as it should be, and the one line that says what the daemon does. */
#include <stdarg.h>
#include <string.h>

#include "svc_private.h"

/* For the journal: what is wrong, by the first word of its key; the program it concerns is the last. */
static const struct {
	const char *kind, *message_id;
} messages[] = {
	{ "loss:",   "e470465a5ddb48a2b8ef64e1761d1a0c" },	/* a program is losing events */
	{ "sink:",   "d398b9510d6d402cb018b96d6554cede" },	/* a sink does not take what it is given */
	{ "worker:", "b153040304cc4655bd72cbf4ccd0723f" },	/* a program's worker dies again and again */
	{ "rejected:", "5d1c4ad75a94463c87de2d68eae70900" },	/* a sink refuses records for good */
	{ "spool:",  "2933730a2c5743af85ef1f43a8a32138" },	/* a spool cannot be read */
};
#define MESSAGE_TROUBLE "cd8d43f3fe574b7da2a29a218391d3e6"	/* any other */

static void tell(const char *key, const char *text)
{
	const char *message_id = MESSAGE_TROUBLE, *program = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(messages); i++) {
		if (strncmp(key, messages[i].kind, strlen(messages[i].kind)) != 0)
			continue;
		message_id = messages[i].message_id;
		program = strrchr(key, ':') + 1;
	}
	log_about(LOG_WARNING, message_id, program, "%s: %s", key, text);
}

static struct svc_trouble **find(struct svc *s, const char *key)
{
	struct svc_trouble **t = &s->troubles;

	while (*t && strcmp((*t)->key, key) != 0)
		t = &(*t)->next;
	return t;
}

static void clear(struct svc *s, const char *key)
{
	struct svc_trouble **place = find(s, key), *t = *place;

	if (!t)
		return;
	*place = t->next;
	free(t->text);
	free(t);
	log_notice("%s: as it should be again", key);
	svc_bus_changed(s, "Degraded");
}

static void set(struct svc *s, const char *key, char *text)
{
	struct svc_trouble **place = find(s, key), *t = *place;

	if (t && strcmp(t->text, text) == 0) {
		free(text);
		return;
	}
	if (!t) {
		t = calloc(1, sizeof(*t) + strlen(key) + 1);
		if (!t) {
			free(text);
			return;
		}
		strcpy(t->key, key);
		*place = t;
	}
	free(t->text);
	t->text = text;
	tell(key, text);
	svc_bus_changed(s, "Degraded");
}

void svc_degraded(struct svc *s, const char *key, const char *fmt, ...)
{
	char *text = NULL;
	va_list ap;
	int n;

	if (!fmt) {
		clear(s, key);
		return;
	}
	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (n >= 0)
		set(s, key, text);
}

const char *svc_trouble(const struct svc *s, const char *key)
{
	for (const struct svc_trouble *t = s->troubles; t; t = t->next)
		if (strcmp(t->key, key) == 0)
			return t->text;
	return NULL;
}

void svc_troubles_free(struct svc *s)
{
	while (s->troubles) {
		struct svc_trouble *t = s->troubles;

		s->troubles = t->next;
		free(t->text);
		free(t);
	}
}

void svc_status(struct svc *s, const char *fmt, ...)
{
	char text[sizeof(s->text)];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (strcmp(text, s->text) == 0)
		return;
	strcpy(s->text, text);
	svc_notify_status(s);
	svc_bus_changed(s, "Status");
}
