/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which files make up a configuration, in which order, and what is no file. */
#include <fcntl.h>
#include <sys/stat.h>

#include "yamltest.h"
#include "../../common/conf.h"

struct dirs {
	char top[32], list[200];
};

static void put_file(const struct dirs *t, const char *name, const char *text)
{
	char path[200];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", t->top, name);
	f = fopen(path, "we");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void at(const struct dirs *t, const char *name, char ret[200])
{
	snprintf(ret, 200, "%s/%s", t->top, name);
}

static void dirs_setup(struct dirs *t)
{
	static const char *const folders[] = { "usr", "run", "etc", "usr/d.d", "run/d.d", "etc/d.d" };
	char path[200];
	size_t i;

	strcpy(t->top, "/tmp/test_conf.XXXXXX");
	assert_non_null(mkdtemp(t->top));
	for (i = 0; i < ARRAY_SIZE(folders); i++) {
		at(t, folders[i], path);
		assert_int_equal(mkdir(path, 0755), 0);
	}
	snprintf(t->list, sizeof(t->list), "%s/usr:%s/run::/nonexistent:%s/etc", t->top, t->top, t->top);
}

static void dirs_teardown(struct dirs *t)
{
	char command[100];

	snprintf(command, sizeof(command), "rm -rf '%s'", t->top);
	assert_int_equal(system(command), 0);
}

static const char *merged(struct doc_fixture *f, const struct dirs *t, const char *key)
{
	doc_reset(f);
	if (conf_read_dirs(f->a, t->list, "d", &f->root, &f->d) < 0)
		fail_msg("%s", f->d.error);
	return yaml_get(f->root, key) ? yaml_get(f->root, key)->value : NULL;
}

static void no_file_at_all_is_an_empty_mapping(void **state)
{
	struct doc_fixture *f = *state;
	struct dirs t;

	dirs_setup(&t);
	assert_null(merged(f, &t, "a"));
	assert_int_equal(f->root->n, 0);
	assert_int_equal(conf_read_dirs(f->a, "", "d", &f->root, &f->d), 0);
	dirs_teardown(&t);
}

static void drop_ins_follow_the_rules_of_systemd(void **state)
{
	struct doc_fixture *f = *state;
	char path[200];
	struct dirs t;

	dirs_setup(&t);
	put_file(&t, "usr/d.yaml", "a: usr\nb: usr\n");
	assert_string_equal(merged(f, &t, "a"), "usr");

	/* the main file of the highest directory stands alone */
	put_file(&t, "etc/d.yaml", "a: etc\n");
	assert_string_equal(merged(f, &t, "a"), "etc");
	assert_null(merged(f, &t, "b"));

	/* drop-ins by name, whatever their directory */
	put_file(&t, "etc/d.d/10-x.yaml", "a: ten\nc: ten\n");
	put_file(&t, "usr/d.d/20-y.yaml", "a: twenty\n");
	assert_string_equal(merged(f, &t, "a"), "twenty");
	assert_string_equal(merged(f, &t, "c"), "ten");

	/* the same name: the highest directory's */
	put_file(&t, "run/d.d/20-y.yaml", "a: run\n");
	assert_string_equal(merged(f, &t, "a"), "run");
	put_file(&t, "etc/d.d/20-y.yaml", "b: etc\n");
	assert_string_equal(merged(f, &t, "a"), "ten");

	/* other names do not count */
	put_file(&t, "etc/d.d/30-z.yaml~", "a: backup\n");
	put_file(&t, "etc/d.d/.hidden.yaml", "a: hidden\n");
	put_file(&t, "etc/d.d/.yaml", "a: nameless\n");
	put_file(&t, "etc/d.d/40.yml", "a: yml\n");
	assert_string_equal(merged(f, &t, "a"), "ten");

	/* a link to /dev/null masks */
	at(&t, "etc/d.d/10-x.yaml", path);
	unlink(path);
	put_file(&t, "usr/d.d/10-x.yaml", "a: masked\nc: masked\n");
	assert_string_equal(merged(f, &t, "c"), "masked");
	assert_int_equal(symlink("/dev/null", path), 0);
	assert_null(merged(f, &t, "c"));
	/* so does an empty file, and it keeps the order of the others */
	unlink(path);
	put_file(&t, "etc/d.d/10-x.yaml", "");
	assert_null(merged(f, &t, "c"));
	at(&t, "etc/d.yaml", path);
	unlink(path);
	assert_int_equal(symlink("/dev/null", path), 0);
	assert_null(merged(f, &t, "a"));
	dirs_teardown(&t);
}

static void refuses(struct doc_fixture *f, const struct dirs *t, const char *error)
{
	double start = seconds();

	doc_reset(f);
	assert_true(conf_read_dirs(f->a, t->list, "d", &f->root, &f->d) < 0);
	assert_has(f->d.error, error);
	assert_has(f->d.error, t->top);
	if (seconds() - start > 2)
		fail_msg("waited for %.1f s", seconds() - start);
}

static void a_drop_in_that_is_no_text_is_refused_and_never_waited_for(void **state)
{
	struct doc_fixture *f = *state;
	char path[200];
	struct dirs t;
	int fd;

	dirs_setup(&t);
	at(&t, "run/d.d/50-odd.yaml", path);

	assert_int_equal(mkfifo(path, 0600), 0);
	refuses(f, &t, "50-odd.yaml: is a FIFO, not a file");
	unlink(path);

	assert_int_equal(mkdir(path, 0700), 0);
	refuses(f, &t, "50-odd.yaml: is a directory, not a file");
	rmdir(path);

	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_int_equal(ftruncate(fd, 1 << 30), 0);
	close(fd);
	refuses(f, &t, "50-odd.yaml: 1073741824 bytes: larger than");
	unlink(path);

	assert_int_equal(symlink("/proc/self/exe", path), 0);
	refuses(f, &t, "50-odd.yaml");
	unlink(path);

	assert_int_equal(symlink("nowhere", path), 0);
	refuses(f, &t, "50-odd.yaml: is a link to what is not there");
	unlink(path);

	put_file(&t, "run/d.d/50-odd.yaml", "a: 1\nb: [\n");
	refuses(f, &t, "50-odd.yaml:3: not YAML");
	put_file(&t, "run/d.d/50-odd.yaml", "- a\n");
	refuses(f, &t, "50-odd.yaml:1: a configuration must be a mapping");
	dirs_teardown(&t);
}

static void a_mistake_in_a_merged_mapping_is_told_of_its_own_file(void **state)
{
	static const struct conf_key inner_keys[] = { { "a", CONF_UINT, 0 }, { 0 } };
	static const struct conf_schema inner = { "inner", sizeof(uint64_t), inner_keys };
	static const struct conf_key keys[] = { { "x", CONF_STRUCT, 0, .sub = &inner }, { 0 } };
	static const struct conf_schema schema = { "outer", sizeof(uint64_t), keys };
	struct doc_fixture *f = *state;
	uint64_t value = 0;
	struct dirs t;

	dirs_setup(&t);
	put_file(&t, "etc/d.d/1.yaml", "x:\n  a: 1\n");
	put_file(&t, "usr/d.d/2.yaml", "\n\nx:\n\n  b: 1\n");
	doc_reset(f);
	assert_int_equal(conf_read_dirs(f->a, t.list, "d", &f->root, &f->d), 0);
	assert_int_equal(conf_parse(f->a, &schema, f->root, &value, &f->d), -EINVAL);
	assert_has(f->d.error, "/usr/d.d/2.yaml:5: b: unknown key");

	put_file(&t, "usr/d.d/2.yaml", "\n\ny: { b: 1 }\n");
	put_file(&t, "usr/d.d/3.yaml", "y: { c: 1 }\n");
	doc_reset(f);
	assert_int_equal(conf_read_dirs(f->a, t.list, "d", &f->root, &f->d), 0);
	assert_int_equal(conf_parse(f->a, &schema, f->root, &value, &f->d), -EINVAL);
	assert_has(f->d.error, "/usr/d.d/2.yaml:3: y: unknown key");
	dirs_teardown(&t);
}

static int count(const char *path, void *arg)
{
	char *seen = arg;

	strcat(seen, strrchr(path, '/') + 1);
	strcat(seen, " ");
	return strstr(path, "stop") ? -ECANCELED : 0;
}

static void each_file_is_called_in_order_until_one_says_no(void **state)
{
	struct doc_fixture *f = *state;
	char seen[200] = "";
	struct dirs t;

	dirs_setup(&t);
	put_file(&t, "etc/d.d/b.yaml", "#");
	put_file(&t, "usr/d.d/c.yaml", "#");
	put_file(&t, "usr/d.d/a.yaml", "#");
	put_file(&t, "etc/d.d/masked.yaml", "");
	assert_int_equal(conf_each_file(t.list, "d.d", count, seen, &f->d), 0);
	assert_string_equal(seen, "a.yaml b.yaml c.yaml ");
	put_file(&t, "run/d.d/b-stop.yaml", "#");
	seen[0] = 0;
	assert_int_equal(conf_each_file(t.list, "d.d", count, seen, &f->d), -ECANCELED);
	assert_string_equal(seen, "a.yaml b-stop.yaml ");
	assert_int_equal(conf_each_file(t.list, "absent.d", count, seen, &f->d), 0);
	dirs_teardown(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		doc_test(no_file_at_all_is_an_empty_mapping),
		doc_test(drop_ins_follow_the_rules_of_systemd),
		doc_test(a_drop_in_that_is_no_text_is_refused_and_never_waited_for),
		doc_test(a_mistake_in_a_merged_mapping_is_told_of_its_own_file),
		doc_test(each_file_is_called_in_order_until_one_says_no),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
