/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rotation: by size, by age, and how many are kept. */
#include "fixture.h"

#include "sinkd/sink_file.h"

static void files_are_rotated_by_size_and_only_as_many_kept(void **state)
{
	static const char *const routes[] = {
		"[{\"sink\":\"file\",\"options\":{\"rotate-size\":1000,\"keep\":3}}]", NULL,
	};
	struct fx_writer w;
	struct sinkd *sk;
	struct stat st;
	char *text;
	size_t len;

	(void)state;
	fx_program(&w, "p", routes, 0);
	fx_fill(&w, 0, 50);
	sk = fx_start();
	fx_run(sk);
	assert_int_equal(stat(fx_path("log/p.jsonl.3"), &st), 0);
	assert_true(st.st_size <= 1000);
	assert_int_equal(st.st_mode & 07777, 0640);
	assert_int_equal(access(fx_path("log/p.jsonl.4"), F_OK), -1);
	text = fx_read_rotated("log/p.jsonl", &len);
	/* Whatever is left is the newest, without a gap. */
	assert_int_equal(fx_check_lines(text, len, strtoull(strstr(text, "\"n\":") + 4, NULL, 10)),
			 50 - strtoull(strstr(text, "\"n\":") + 4, NULL, 10));
	free(text);
	assert_int_equal(fx_sink(sk, "p", "file")->at.acked, 50);
	fx_end(sk, &w);
}

static void a_file_is_rotated_by_age(void **state)
{
	static const char *const routes[] = {
		"[{\"sink\":\"file\",\"options\":{\"rotate-time\":\"1h\"}}]", NULL,
	};
	struct fx_writer w;
	struct sinkd *sk;

	(void)state;
	fx_program(&w, "p", routes, 0);
	fx_fill(&w, 0, 1);
	sk = fx_start();
	fx_run(sk);
	fx_run(sk);
	assert_int_equal(access(fx_path("log/p.jsonl.1"), F_OK), -1);
	file_sink_of(fx_sink(sk, "p", "file"))->born_ns -= 3601 * (int64_t)NSEC_PER_SEC;
	fx_run(sk);
	assert_int_equal(access(fx_path("log/p.jsonl.1"), F_OK), 0);
	fx_end(sk, &w);
}

static void a_line_longer_than_the_limit_has_a_file_of_its_own(void **state)
{
	struct fx_writer w;
	struct sinkd *sk;

	(void)state;
	fx_program(&w, "p", fx_rotated_file, 1 << 20);
	w.pad = 60000;
	fx_fill(&w, 0, 5);
	sk = fx_start();
	fx_run(sk);
	assert_int_equal(fx_sink(sk, "p", "file")->at.acked, 5);
	assert_int_equal(access(fx_path("log/p.jsonl.4"), F_OK), 0);
	fx_end(sk, &w);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, fx_setup, fx_teardown)
	const struct CMUnitTest tests[] = {
		T(files_are_rotated_by_size_and_only_as_many_kept),
		T(a_file_is_rotated_by_age),
		T(a_line_longer_than_the_limit_has_a_file_of_its_own),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("sinkd/file_rotate", tests, NULL, NULL);
}
