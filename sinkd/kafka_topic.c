/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A topic by template: "ebpf-agent.{program}.{channel}". */
#include <errno.h>
#include <string.h>

#include "kafka.h"

#define LEGAL "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-"

static const struct {
	const char *text;
	size_t offset;			/* in struct kafka_names */
} places[] = {
	{ "{host}", offsetof(struct kafka_names, host) },
	{ "{program}", offsetof(struct kafka_names, program) },
	{ "{channel}", offsetof(struct kafka_names, channel) },
	{ "{event}", offsetof(struct kafka_names, event) },
};

/* -1: none begins at @at. */
static int find_place(const char *at)
{
	for (size_t i = 0; i < ARRAY_SIZE(places); i++)
		if (!strncmp(at, places[i].text, strlen(places[i].text)))
			return (int)i;
	return -1;
}

int kafka_template_check(const char *template, char ret_why[128])
{
	size_t literal = 0, n_places = 0;

	for (const char *p = template; *p;) {
		int place = *p == '{' ? find_place(p) : -1;

		if (place < 0 && !strchr(LEGAL, *p)) {
			snprintf(ret_why, 128,
				 *p == '{' || *p == '}' ? "the places are {host}, {program}, {channel} and {event}" :
							  "a topic has letters, digits, '.', '_' and '-' only");
			return -EINVAL;
		}
		n_places += place >= 0;
		literal += place < 0;
		p += place < 0 ? 1 : strlen(places[place].text);
	}
	if (!*template || (!n_places && (!strcmp(template, ".") || !strcmp(template, ".."))))
		snprintf(ret_why, 128, "that is not a topic's name");
	else if (literal > KAFKA_TOPIC_MAX || strlen(template) >= KAFKA_TEMPLATE_MAX)
		snprintf(ret_why, 128, "a topic's name has at most %d characters", KAFKA_TOPIC_MAX);
	else
		return 0;
	return -EINVAL;
}

int kafka_topic_render(const char *template, const struct kafka_names *n, char ret[KAFKA_TOPIC_MAX + 1])
{
	char topic[KAFKA_TOPIC_MAX + 1];
	size_t len = 0;

	for (const char *p = template; *p;) {
		int place = *p == '{' ? find_place(p) : -1;
		const char *from = place < 0 ? p : *(const char *const *)((const char *)n + places[place].offset);
		size_t add = place < 0 ? 1 : strlen(from);

		if (len + add > KAFKA_TOPIC_MAX)
			return -ENAMETOOLONG;
		for (size_t i = 0; i < add; i++)
			topic[len + i] = strchr(LEGAL, from[i]) ? from[i] : '_';
		len += add;
		p += place < 0 ? 1 : strlen(places[place].text);
	}
	topic[len] = '\0';
	if (!len || !strcmp(topic, ".") || !strcmp(topic, ".."))
		return -EINVAL;
	memcpy(ret, topic, len + 1);
	return 0;
}
