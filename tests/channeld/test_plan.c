/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>

#include "layouts.h"

static void brackets_and_keys_between_two_values_are_one_literal(void **state)
{
	const struct layout *l = LAYOUT(8,
		FIELD("in", STRUCT, 0, 4, MEMBERS(FIELD("a", UINT, 0, 4))), FIELD("b", UINT, 4, 4));
	struct plan *p = NULL;

	(void)state;
	assert_int_equal(plan_new(l, &p, NULL), 0);
	assert_int_equal(p->n_ops, 3);
	assert_memory_equal(p->pool + p->ops[0].lit, "{\"in\":{\"a\":", p->ops[0].lit_len);
	assert_memory_equal(p->pool + p->ops[1].lit, "},\"b\":", p->ops[1].lit_len);
	assert_int_equal(p->ops[2].code, PLAN_END);
	assert_memory_equal(p->pool + p->ops[2].lit, "}", p->ops[2].lit_len);
	plan_free(p);
}

static void sizes_choose_the_operation(void **state)
{
	const struct layout *l = LAYOUT(32, FIELD("a", UINT, 0, 4), FIELD("b", INT, 4, 8), BITS("c", UINT, 96, 24),
		BITS("d", UINT, 121, 32), FIELD("e", TEXT, 16, 16));
	const enum plan_code codes[] = { PLAN_U32, PLAN_I64, PLAN_UBITS, PLAN_UBITS, PLAN_TEXT16, PLAN_END };
	struct plan *p = NULL;

	(void)state;
	assert_int_equal(plan_new(l, &p, NULL), 0);
	for (size_t i = 0; i < ARRAY_SIZE(codes); i++)
		assert_int_equal(p->ops[i].code, codes[i]);
	plan_free(p);
}

static void a_fixed_layout_knows_its_longest_text(void **state)
{
	struct plan *p = NULL;

	(void)state;
	assert_int_equal(plan_new(LAYOUT(16, FIELD("s", TEXT, 0, 16)), &p, NULL), 0);
	assert_false(p->has_tail);
	assert_true(p->max >= strlen("{\"s\":\"\"}") + 16 * 6 + PLAN_SLACK);
	assert_int_equal(encode_max(p, NULL, 16), p->max);
	plan_free(p);
}

static void huge_arrays_do_not_ask_for_huge_room(void **state)
{
	struct layout_field word = FIELD("", UINT, 0, 8);
	const struct layout *l = LAYOUT(8 << 20,
		FIELD("a", ARRAY, 0, 8 << 20, .count = 1 << 20, .fields = { &word, 1 }));
	struct plan *p = NULL;

	(void)state;
	assert_int_equal(plan_new(l, &p, NULL), 0);
	assert_true(p->max < 2 * PLAN_TEXT_LIMIT);
	plan_free(p);
}

static void refused(const struct layout *l, int err, const char *cause)
{
	struct plan *p = (struct plan *)0x1;
	struct diag d = {};

	assert_int_equal(plan_new(l, &p, &d), err);
	assert_ptr_equal(p, (struct plan *)0x1);	/* untouched */
	assert_non_null(strstr(d.error, cause));
	diag_fini(&d);
}

static void nonsense_is_refused_and_says_which_field(void **state)
{
	struct layout_field nothing = FIELD("", STRUCT, 0, 0);
	struct layout_field members[] = { FIELD("a", UINT, 0, 1), FIELD("b", UINT, 0, 1), FIELD("c", UINT, 0, 1),
		FIELD("d", UINT, 0, 1), FIELD("e", UINT, 0, 1), FIELD("f", UINT, 0, 1), FIELD("g", UINT, 0, 1) };
	struct layout_field many[600], texts[64], element = FIELD("", UNION, 0, 16 << 20, .fields = { texts, 64 });

	(void)state;
	/* 64 × 6 × 16 MiB of text in one element: more than 32 bits count. */
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		texts[i] = (struct layout_field)FIELD("t", TEXT, 0, 16 << 20);
	refused(LAYOUT(16 << 20, FIELD("big", ARRAY, 0, 16 << 20, .count = 1, .fields = { &element, 1 })), -EINVAL,
		"'big' (array) has elements of more text");
	refused(LAYOUT(4, FIELD("odd", FLOAT, 0, 3)), -EINVAL, "'odd' (float)");
	refused(LAYOUT(4, FIELD("odd", BE, 0, 1)), -EINVAL, "'odd' (be)");
	refused(LAYOUT(4, FIELD("z", ARRAY, 0, 0, .count = 1ULL << 60, .fields = { &nothing, 1 })), -EINVAL, "no size");
	refused(LAYOUT(32, BITS("wide", ENUM, 3, 64)), -EINVAL, "'wide' (enum)");
	for (size_t i = 0; i < ARRAY_SIZE(many); i++)
		many[i] = (struct layout_field)FIELD("m", UNION, 0, 8, .fields = { members, ARRAY_SIZE(members) });
	refused(&(struct layout){ .name = "wide", .size = 8, .root = { .name = "", .kind = LAYOUT_STRUCT, .bits = 64,
		.fields = { many, ARRAY_SIZE(many) } } }, -E2BIG, "'wide' has too many fields");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(brackets_and_keys_between_two_values_are_one_literal),
		cmocka_unit_test(sizes_choose_the_operation),
		cmocka_unit_test(a_fixed_layout_knows_its_longest_text),
		cmocka_unit_test(huge_arrays_do_not_ask_for_huge_room),
		cmocka_unit_test(nonsense_is_refused_and_says_which_field),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
