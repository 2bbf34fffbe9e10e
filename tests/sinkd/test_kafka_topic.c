/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>

#include "fixture_svc.h"
#include "sinkd/kafka.h"

static const struct kafka_names names = { "web-1.example", "oom", "victims", "kill" };

static char long_name[KAFKA_TOPIC_MAX + 2];

static int make_long_name(void **state)
{
	(void)state;
	memset(long_name, 'a', KAFKA_TOPIC_MAX + 1);
	return 0;
}

static void a_template_is_checked_before_it_is_used(void **state)
{
	static const struct {
		const char *template, *why;	/* NULL: fine */
	} rows[] = {
		{ "events", NULL },
		{ "ebpf-agent.{program}", NULL },
		{ "{host}_{program}.{channel}-{event}", NULL },
		{ "{program}{program}", NULL },
		{ "", "not a topic's name" },
		{ ".", "not a topic's name" },
		{ "..", "not a topic's name" },
		{ "...", NULL },
		{ "a b", "letters, digits" },
		{ "a/b", "letters, digits" },
		{ "caf\xc3\xa9", "letters, digits" },
		{ "a\nb", "letters, digits" },
		{ "{tag}", "the places are" },
		{ "{Program}", "the places are" },
		{ "{program", "the places are" },
		{ "program}", "the places are" },
		{ "{}", "the places are" },
		{ "{{program}}", "the places are" },
		{ long_name, "at most 249" },
		{ long_name + 1, NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char why[128] = "";
		int r = kafka_template_check(rows[i].template, why);

		if (r != (rows[i].why ? -EINVAL : 0) || !strstr(why, rows[i].why ?: ""))
			fail_msg("\"%s\": %d, %s", rows[i].template, r, why);
	}
}

static void places_stand_for_names_of_characters_that_topics_have(void **state)
{
	static const struct kafka_names odd = { "h\xc3\xb6st name", "p", "c/d", "" };
	static const struct kafka_names dots = { ".", ".", "", "." };
	static const struct {
		const char *template;
		const struct kafka_names *names;
		int r;
		const char *topic;
	} rows[] = {
		{ "events", &names, 0, "events" },
		{ "ebpf-agent.{program}", &names, 0, "ebpf-agent.oom" },
		{ "{host}/{program}", &names, 0, "web-1.example_oom" },
		{ "{program}.{channel}.{event}", &names, 0, "oom.victims.kill" },
		{ "{host}-{channel}{event}", &odd, 0, "h__st_name-c_d" },
		{ "{host}", &dots, -EINVAL, NULL },
		{ "{host}{program}", &dots, -EINVAL, NULL },
		{ "{host}{program}{event}", &dots, 0, "..." },
		{ "{channel}", &dots, -EINVAL, NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char topic[KAFKA_TOPIC_MAX + 1] = "untouched";
		int r = kafka_topic_render(rows[i].template, rows[i].names, topic);

		if (r != rows[i].r || strcmp(topic, rows[i].topic ?: "untouched"))
			fail_msg("%s: %d, %s", rows[i].template, r, topic);
	}
}

static void a_topic_never_becomes_longer_than_kafka_allows(void **state)
{
	const struct kafka_names exact = { .program = long_name + 1 }, over = { .program = long_name };
	char topic[KAFKA_TOPIC_MAX + 1] = "untouched";

	(void)state;
	assert_int_equal(kafka_topic_render("{program}", &over, topic), -ENAMETOOLONG);
	assert_int_equal(kafka_topic_render("{program}x", &exact, topic), -ENAMETOOLONG);
	assert_string_equal(topic, "untouched");
	assert_int_equal(kafka_topic_render("{program}", &exact, topic), 0);
	assert_int_equal(strlen(topic), KAFKA_TOPIC_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_template_is_checked_before_it_is_used),
		cmocka_unit_test(places_stand_for_names_of_characters_that_topics_have),
		cmocka_unit_test(a_topic_never_becomes_longer_than_kafka_allows),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("sinkd/kafka_topic", tests, make_long_name, NULL);
}
