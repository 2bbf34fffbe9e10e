/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "../../common/arena.h"

static void what_it_gives_is_zeroed_aligned_and_apart(void **state)
{
	struct arena *a = arena_new(0);
	char *before = NULL;
	size_t size;

	(void)state;
	for (size = 0; size < 3000; size += 7) {
		char *p = arena_alloc(a, size), *q;

		assert_non_null(p);
		assert_int_equal((uintptr_t)p % _Alignof(max_align_t), 0);
		for (q = p; q < p + size; q++)
			assert_int_equal(*q, 0);
		memset(p, 0xa5, size);
		assert_ptr_not_equal(p, before);
		before = p;
	}
	arena_free(a);
}

static void past_its_limit_it_gives_nothing_and_lives_on(void **state)
{
	struct arena *a = arena_new(100000);
	size_t given = 0;

	(void)state;
	assert_null(arena_alloc(a, 100001));
	assert_null(arena_alloc(a, SIZE_MAX));
	assert_null(arena_alloc(a, SIZE_MAX - 8));
	assert_null(arena_strndup(a, "", SIZE_MAX));
	while (arena_alloc(a, 1000))
		given += 1000;
	assert_in_range(given, 80000, 100000);
	arena_free(a);
}

static void one_as_large_as_the_limit_fits(void **state)
{
	struct arena *a = arena_new(1 << 20);

	(void)state;
	assert_non_null(arena_alloc(a, 1 << 20));
	assert_null(arena_alloc(a, 1));
	arena_free(a);
}

static void texts_are_copied_with_their_nul(void **state)
{
	struct arena *a = arena_new(0);

	(void)state;
	assert_string_equal(arena_strndup(a, "abcdef", 3), "abc");
	assert_string_equal(arena_strdup(a, ""), "");
	assert_string_equal(arena_printf(a, "%s-%d", "x", 42), "x-42");
	arena_free(a);
	arena_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_it_gives_is_zeroed_aligned_and_apart),
		cmocka_unit_test(past_its_limit_it_gives_nothing_and_lives_on),
		cmocka_unit_test(one_as_large_as_the_limit_fits),
		cmocka_unit_test(texts_are_copied_with_their_nul),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
