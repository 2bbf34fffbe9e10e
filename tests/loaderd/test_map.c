/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a polled map's entries look like, where its BTF is of no use. */
#include "objects.h"

struct fixture {
	struct load l;
	struct object o;
	struct manifest_channel m;
};

static void fixture_init(struct fixture *f)
{
	*f = (struct fixture){ .l = { .arena = arena_new(0), .n_items = 1 }, .o = object_read("unshown") };
	f->l.items[0].obj = bpf_object__open_mem(f->o.bytes, f->o.size, NULL);
	assert_non_null(f->l.items[0].obj);
}

static void fixture_fini(struct fixture *f)
{
	bpf_object__close(f->l.items[0].obj);
	object_free(&f->o);
	diag_fini(&f->l.diag);
	arena_free(f->l.arena);
}

static int describe(struct fixture *f, const char *options)
{
	const struct bpf_map_info info = {
		.type = BPF_MAP_TYPE_HASH, .key_size = 4, .value_size = 4, .max_entries = 8,
	};
	const struct bpf_map *map = bpf_object__find_map_by_name(f->l.items[0].obj, "deep");
	struct program *p;
	char text[512];

	snprintf(text, sizeof(text), "programs:\n- { name: x, type: ebpf_object, path: /x.o }\nchannels:\n"
		 "  deep: { type: map%s }\n", options);
	assert_int_equal(program_parse(f->l.arena, "test.yaml", "/", yaml(f->l.arena, text), &p, &f->l.diag), 0);
	f->l.program = p;
	return load_map_channel(&f->l, p->channels.items, &f->l.items[0], map, &info, true, &f->m);
}

static void what_cannot_be_shown_is_said_with_its_line_and_what_to_do(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init(&f);
	assert_int_not_equal(describe(&f, ""), 0);
	assert_string_equal(f.l.diag.error, "test.yaml:4: channel 'deep': its map's value cannot be shown: struct deep "
			    "is nested more than 14 levels deep; say `value:`");
	fixture_fini(&f);
}

static void and_doing_it_helps(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init(&f);
	assert_int_equal(describe(&f, ", value: [{ name: word, type: u32 }]"), 0);
	assert_field(&f.m.layout, "value.word", LAYOUT_UINT, 4, 32);
	fixture_fini(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_cannot_be_shown_is_said_with_its_line_and_what_to_do),
		cmocka_unit_test(and_doing_it_helps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
