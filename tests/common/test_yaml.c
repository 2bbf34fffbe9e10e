/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "yamltest.h"

static void a_tree_has_its_values_and_places(void **state)
{
	struct doc_fixture *f = *state;
	const struct yaml_node *n;

	assert_int_equal(doc_parse(f, "a: 1\nb:\n  - x\n  - \"\"\n  - ~\nc: {d: [], e: {}}\n"), 0);
	assert_int_equal(f->root->kind, YAML_NODE_MAPPING);
	assert_int_equal(f->root->n, 3);
	assert_string_equal(f->root->file, "x.yaml");
	assert_string_equal(yaml_get(f->root, "a")->value, "1");
	assert_true(yaml_get(f->root, "a")->plain);
	assert_int_equal(f->root->key_lines[1], 2);
	n = yaml_get(f->root, "b");
	assert_int_equal(n->kind, YAML_NODE_SEQUENCE);
	assert_int_equal(n->n, 3);
	assert_int_equal(n->items[0]->line, 3);
	assert_int_equal(n->items[0]->column, 5);
	assert_false(yaml_is_null(n->items[1]));
	assert_true(yaml_is_null(n->items[2]));
	assert_int_equal(yaml_get(yaml_get(f->root, "c"), "d")->n, 0);
	assert_null(yaml_get(f->root, "z"));
	assert_null(yaml_get(n, "a"));
}

static void an_empty_document_is_an_empty_mapping(void **state)
{
	static const char *const texts[] = { "", "\n\n", "# only a comment\n", "---\n", "~", "\xef\xbb\xbf" };
	struct doc_fixture *f = *state;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(texts); i++) {
		assert_int_equal(doc_parse(f, texts[i]), 0);
		assert_int_equal(f->root->kind, YAML_NODE_MAPPING);
		assert_int_equal(f->root->n, 0);
	}
}

static void a_byte_order_mark_is_passed_over(void **state)
{
	struct doc_fixture *f = *state;

	assert_int_equal(doc_parse(f, "\xef\xbb\xbf" "a: b\n"), 0);
	assert_non_null(yaml_get(f->root, "a"));
}

/* The text, and what the refusal says. */
static const struct {
	const char *text, *error;
} bad[] = {
	{ "a: &x 1\n", "x.yaml:1: &x: anchors and aliases are not accepted" },
	{ "a: 1\nb: *x\n", "x.yaml:2: *x: anchors and aliases are not accepted" },
	{ "a: &l [1]\n", "x.yaml:1: &l: anchors" },
	{ "a: &m {b: 1}\n", "x.yaml:1: &m: anchors" },
	{ "&k a: 1\n", "x.yaml:1: &k: anchors" },
	{ "*k : 1\n", "x.yaml:1: *k: anchors" },
	{ "a: !!str 1\n", "x.yaml:1: tag:yaml.org,2002:str: tags are not accepted" },
	{ "a: ! 1\n", "tags are not accepted" },
	{ "a: !!python/object:os.system x\n", "tags are not accepted" },
	{ "a: 1\nb: 2\na: 3\n", "x.yaml:3: a: this key is there twice (first in line 1)" },
	{ "{a: 1, \"a\": 2}\n", "x.yaml:1: a: this key is there twice" },
	{ "x:\n  b: 1\n  c: 1\n  c: 2\n  b: 2\n", "x.yaml:4: c: this key is there twice (first in line 3)" },
	{ "? [a]\n: 1\n", "x.yaml:1: a key must be a plain text" },
	{ "{a: 1}: 2\n", "x.yaml:1: a key must be a plain text" },
	{ "a: 1\n---\nb: 2\n", "x.yaml:2: a second document" },
	{ "a: \"x\\0y\"\n", "x.yaml:1: a text contains a NUL" },
	{ "a: b: c\n", "x.yaml:1: not YAML" },
	{ "a:\n\t- b\n", "x.yaml:2: not YAML" },
	{ "a: [1, 2\nb: 1\n", "x.yaml:2: not YAML" },
	{ "a: 'x\n", "not YAML" },
	{ "a: 1\nb: \xff\xfe\n", "x.yaml:2: " },
	{ "a: \xc0\x80\n", "x.yaml:1: " },
	{ "a: \xed\xa0\x80\n", "x.yaml:1: " },
	{ "a: 1\n\x01: 2\n", "x.yaml:2: control characters are not allowed" },
};

static void what_could_hurt_is_refused_with_its_place(void **state)
{
	struct doc_fixture *f = *state;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_int_equal(doc_parse(f, bad[i].text), -EINVAL);
		assert_has(f->d.error, bad[i].error);
		assert_null(f->root);
	}
}

static void a_merge_key_is_a_key_like_any_other(void **state)
{
	struct doc_fixture *f = *state;

	assert_int_equal(doc_parse(f, "<<: {a: 1}\n"), 0);
	assert_non_null(yaml_get(f->root, "<<"));
	assert_null(yaml_get(f->root, "a"));
}

static void a_nul_byte_is_not_the_end(void **state)
{
	static const char text[] = "a: 1\n\0evil: 2\n";
	struct doc_fixture *f = *state;

	assert_int_equal(yaml_parse(f->a, "x.yaml", text, sizeof(text) - 1, &f->root, &f->d), -EINVAL);
	assert_has(f->d.error, "x.yaml:2: contains a NUL byte");
}

static void utf16_is_not_taken_for_text(void **state)
{
	static const char text[] = "\xff\xfe" "a\0:\0 \0" "1\0";
	struct doc_fixture *f = *state;

	assert_int_equal(yaml_parse(f->a, "x.yaml", text, sizeof(text) - 1, &f->root, &f->d), -EINVAL);
}

/* ---- bombs -------------------------------------------------------------------------------- */

static char *repeat(const char *piece, size_t times, size_t *ret_len)
{
	size_t len = strlen(piece), i;
	char *text = malloc(len * times + 1);

	for (i = 0; i < times; i++)
		memcpy(text + i * len, piece, len);
	text[len * times] = 0;
	*ret_len = len * times;
	return text;
}

static void refused_fast(struct doc_fixture *f, const char *piece, size_t times, int err, const char *error)
{
	double start = seconds();
	size_t len;
	char *text = repeat(piece, times, &len);

	doc_reset(f);
	assert_int_equal(yaml_parse(f->a, "x.yaml", text, len, &f->root, &f->d), err);
	assert_has(f->d.error, error);
	assert_has(f->d.error, "x.yaml:");
	if (seconds() - start > 2)
		fail_msg("refused only after %.1f s", seconds() - start);
	free(text);
}

static void depth_bombs_are_refused_fast(void **state)
{
	refused_fast(*state, "[", 1000000, -EINVAL, "nested deeper than 32 levels");
	refused_fast(*state, "{a: ", 200000, -EINVAL, "nested deeper than 32 levels");
	refused_fast(*state, "- ", 500000, -EINVAL, "nested deeper than 32 levels");
	refused_fast(*state, "? ", 500000, -EINVAL, "x.yaml:");
	refused_fast(*state, "[{a: ", 200000, -EINVAL, "nested deeper than 32 levels");
}

static void exactly_the_depth_that_is_allowed_is_accepted(void **state)
{
	struct doc_fixture *f = *state;
	char text[2 * YAML_DEPTH_MAX + 3];

	memset(text, '[', YAML_DEPTH_MAX);
	memset(text + YAML_DEPTH_MAX, ']', YAML_DEPTH_MAX);
	text[2 * YAML_DEPTH_MAX] = 0;
	assert_int_equal(doc_parse(f, text), 0);
	memset(text, '[', YAML_DEPTH_MAX + 1);
	memset(text + YAML_DEPTH_MAX + 1, ']', YAML_DEPTH_MAX + 1);
	text[2 * YAML_DEPTH_MAX + 2] = 0;
	assert_int_equal(doc_parse(f, text), -EINVAL);
}

static void ten_megabytes_are_refused_unread(void **state)
{
	refused_fast(*state, "a: 1\n", 2000000, -EFBIG, "10000000 bytes: larger than the 1048576");
}

static void too_many_values_are_refused(void **state)
{
	refused_fast(*state, "- 1\n", 250000, -EINVAL, "more than 100000 values");
}

static void a_billion_laughs_are_not_laughed(void **state)
{
	refused_fast(*state, "a: &a [x, x, x]\nb: &b [*a, *a, *a]\n", 1, -EINVAL, "x.yaml:1: &a: anchors");
}

static void a_mapping_of_many_keys_takes_no_square_time(void **state)
{
	struct doc_fixture *f = *state;
	double start = seconds();
	char *text = malloc(YAML_SIZE_MAX), *end = text;
	unsigned i;

	for (i = 0; i < 90000; i++)
		end += sprintf(end, "k%u: 1\n", i);
	assert_int_equal(yaml_parse(f->a, "x.yaml", text, (size_t)(end - text), &f->root, &f->d), 0);
	assert_int_equal(f->root->n, 90000);
	if (seconds() - start > 5)
		fail_msg("took %.1f s", seconds() - start);
	free(text);
}

static void a_small_arena_is_an_error_not_an_end(void **state)
{
	struct arena *small = arena_new(20000);
	struct doc_fixture *f = *state;
	size_t len;
	char *text = repeat("- abcdefgh\n", 2000, &len);

	assert_int_not_equal(yaml_parse(small, "x.yaml", text, len, &f->root, &f->d), 0);
	assert_has(f->d.error, "needs too much memory");
	arena_free(small);
	free(text);
}

/* ---- files -------------------------------------------------------------------------------- */

static void what_is_no_file_is_refused_and_never_waited_for(void **state)
{
	char dir[] = "/tmp/test_yaml.XXXXXX", path[64];
	struct doc_fixture *f = *state;
	int fd;

	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/fifo", dir);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(yaml_parse_path(f->a, path, &f->root, &f->d), -EINVAL);
	assert_has(f->d.error, "/fifo: is a FIFO, not a file");
	unlink(path);

	doc_reset(f);
	assert_int_equal(yaml_parse_path(f->a, dir, &f->root, &f->d), -EINVAL);
	assert_has(f->d.error, "is a directory, not a file");

	doc_reset(f);
	assert_int_equal(yaml_parse_path(f->a, "/dev/zero", &f->root, &f->d), -EINVAL);
	assert_has(f->d.error, "/dev/zero: is a device, not a file");

	doc_reset(f);
	assert_int_equal(yaml_parse_path(f->a, path, &f->root, &f->d), -ENOENT);
	assert_has(f->d.error, "No such file");

	doc_reset(f);
	snprintf(path, sizeof(path), "%s/sparse", dir);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_int_equal(ftruncate(fd, 1 << 30), 0);
	assert_int_equal(yaml_parse_fd(f->a, path, fd, &f->root, &f->d), -EFBIG);
	assert_has(f->d.error, "1073741824 bytes: larger");
	close(fd);
	unlink(path);
	rmdir(dir);
}

static void an_fd_is_read_from_its_start_wherever_it_stands(void **state)
{
	struct doc_fixture *f = *state;
	int fd = memfd_create("x", MFD_CLOEXEC);

	assert_int_equal(write(fd, "a: 1\n", 5), 5);
	assert_int_equal(yaml_parse_fd(f->a, "x.yaml", fd, &f->root, &f->d), 0);
	assert_string_equal(yaml_get(f->root, "a")->value, "1");
	assert_int_equal(lseek(fd, 0, SEEK_CUR), 5);
	close(fd);
}

/* ---- merging ------------------------------------------------------------------------------- */

static void mappings_merge_and_everything_else_replaces(void **state)
{
	struct doc_fixture *f = *state;
	struct yaml_node *base = NULL, *low, *over;
	static const char one[] = "a: 1\nm: {x: 1, y: 2}\nl: [1, 2]\n", two[] = "m: {y: 3, z: 4}\nl: [9]\nb: 5\n";

	assert_int_equal(yaml_parse(f->a, "1", one, strlen(one), &low, &f->d), 0);
	assert_int_equal(yaml_parse(f->a, "2", two, strlen(two), &over, &f->d), 0);
	assert_int_equal(yaml_merge(f->a, &base, low), 0);
	assert_ptr_equal(base, low);
	assert_int_equal(yaml_merge(f->a, &base, over), 0);
	assert_int_equal(base->n, 4);
	assert_string_equal(yaml_get(base, "a")->value, "1");
	assert_string_equal(yaml_get(yaml_get(base, "m"), "x")->value, "1");
	assert_string_equal(yaml_get(yaml_get(base, "m"), "y")->value, "3");
	assert_string_equal(yaml_get(yaml_get(base, "m"), "y")->file, "2");
	assert_string_equal(yaml_get(yaml_get(base, "m"), "z")->value, "4");
	assert_int_equal(yaml_get(base, "l")->n, 1);
	assert_string_equal(yaml_get(base, "b")->value, "5");
	/* what was merged is as it was */
	assert_int_equal(low->n, 3);
	assert_string_equal(yaml_get(yaml_get(low, "m"), "y")->value, "2");
}

static void messages_hold_no_control_characters(void **state)
{
	struct doc_fixture *f = *state;

	assert_int_equal(doc_parse(f, "\"a\\e[31m\\nb\": 1\n\"a\\e[31m\\nb\": 2\n"), -EINVAL);
	assert_null(strchr(f->d.error, '\033'));
	assert_null(strchr(f->d.error, '\n'));
	assert_has(f->d.error, "x.yaml:2: a?[31m");
}

static void the_first_cause_stays_and_warnings_are_bounded(void **state)
{
	struct doc_fixture *f = *state;
	char text[DIAG_EXCERPT];
	int i;

	assert_int_equal(diag_fail(&f->d, -EPERM, "f", 3, "first %d", 1), -EPERM);
	assert_int_equal(diag_fail(&f->d, -EINVAL, "f", 4, "second"), -EINVAL);
	assert_string_equal(f->d.error, "f:3: first 1");
	assert_int_equal(diag_fail(NULL, -EINVAL, NULL, 0, "nobody listens"), -EINVAL);
	for (i = 0; i < 1000; i++)
		diag_warn(&f->d, "f", 1, "w%d", i);
	assert_int_equal(f->d.n_warnings, DIAG_WARNINGS_MAX);
	assert_string_equal(f->d.warnings[0], "f:1: w0");
	assert_string_equal(f->d.warnings[DIAG_WARNINGS_MAX - 1], "more warnings are not shown");
	assert_string_equal(diag_excerpt(text, "ä\xff\n"), "ä? ");
	assert_string_equal(diag_excerpt(text, ""), "");
	assert_int_equal(
		strlen(diag_excerpt(text, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")),
		DIAG_EXCERPT - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		doc_test(a_tree_has_its_values_and_places),
		doc_test(an_empty_document_is_an_empty_mapping),
		doc_test(a_byte_order_mark_is_passed_over),
		doc_test(what_could_hurt_is_refused_with_its_place),
		doc_test(a_merge_key_is_a_key_like_any_other),
		doc_test(a_nul_byte_is_not_the_end),
		doc_test(utf16_is_not_taken_for_text),
		doc_test(depth_bombs_are_refused_fast),
		doc_test(exactly_the_depth_that_is_allowed_is_accepted),
		doc_test(ten_megabytes_are_refused_unread),
		doc_test(too_many_values_are_refused),
		doc_test(a_billion_laughs_are_not_laughed),
		doc_test(a_mapping_of_many_keys_takes_no_square_time),
		doc_test(a_small_arena_is_an_error_not_an_end),
		doc_test(what_is_no_file_is_refused_and_never_waited_for),
		doc_test(an_fd_is_read_from_its_start_wherever_it_stands),
		doc_test(mappings_merge_and_everything_else_replaces),
		doc_test(messages_hold_no_control_characters),
		doc_test(the_first_cause_stays_and_warnings_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
