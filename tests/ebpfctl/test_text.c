/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "../../ebpfctl/text.h"

static size_t control(const char *s)
{
	return text_control(s, s + strlen(s));
}

static void what_moves_a_cursor_is_known_and_letters_are_not(void **state)
{
	(void)state;
	assert_int_equal(control("\033[2J"), 1);
	assert_int_equal(control("\x7f"), 1);
	assert_int_equal(control("\xc2\x9b" "2J"), 2);
	assert_int_equal(control("\xc2"), 0);		/* cut: there is no second byte to look at */
	assert_int_equal(control("\xc2\xa0"), 0);	/* a space that does not break */
	assert_int_equal(control("\xc3\x9f"), 0);	/* ß */
	assert_int_equal(control("a"), 0);
}

static char *printf_like(1, 2) of(const char *fmt, ...)
{
	return text_of(fmt);
}

static void text_holds_all_that_it_was_told(void **state)
{
	char *text = text_printf("%s-%d", "a", 7), *same = of("%s-%d", "a", 7), *wide = of("%0200d", 1);

	(void)state;
	assert_string_equal(text, "a-7");
	assert_string_equal(same, "a-7");
	assert_int_equal(strlen(wide), 200);
	free(text);
	free(same);
	free(wide);
}

static void a_buffer_grows_and_keeps_what_it_has(void **state)
{
	struct buf b = {};

	(void)state;
	for (int i = 0; i < 5000; i++)
		buf_add_str(&b, "abc");
	buf_add(&b, "", 1);
	assert_int_equal(strlen(b.s), 15000);
	assert_memory_equal(b.s + 14997, "abc", 3);
	buf_fini(&b);
	assert_null(b.s);
	buf_fini(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_moves_a_cursor_is_known_and_letters_are_not),
		cmocka_unit_test(text_holds_all_that_it_was_told),
		cmocka_unit_test(a_buffer_grows_and_keeps_what_it_has),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
