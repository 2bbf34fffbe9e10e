/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which sinks an event goes to. */
#include "programtest.h"

static void sinks_are(struct doc_fixture *f, const char *text, const char *defaults, const char *expected)
{
	struct doc_fixture *other = NULL;
	char said[100] = "";
	struct program *p;
	struct storage *of_program, *s;
	size_t n_of_program, n, i;

	doc_setup((void **)&other);
	p = parse(f, text);
	if (defaults)
		assert_int_equal(doc_parse(other, defaults), 0);
	assert_int_equal(program_storage_said(f->a, p, p->channels.items, p->events.n ? p->events.items : NULL,
					      &of_program, &n_of_program, &f->d),
			 0);
	assert_int_equal(storage_resolve(f->a, of_program, n_of_program, other->root, &s, &n, &f->d), 0);
	for (i = 0; i < n; i++) {
		strcat(said, s[i].sink);
		strcat(said, s[i].options ? "+ " : " ");
	}
	assert_string_equal(said, expected);
	doc_teardown((void **)&other);
}

static void the_nearest_storage_wins_sink_by_sink(void **state)
{
	struct doc_fixture *f = *state;

	sinks_are(f, BOTH, NULL, "file ");
	sinks_are(f, BOTH, "kafka: {a: b}", "kafka+ ");
	sinks_are(f, BOTH "storage: {kafka: true}\n", NULL, "file kafka ");
	sinks_are(f, BOTH "storage: {kafka: true, file: false}\n", "file: true", "kafka ");
	sinks_are(f, BOTH "storage: {kafka: true}\nevents: [{name: so, storage: {kafka: false}}]\n", NULL, "file ");
	sinks_are(f, BOTH "storage: {file: false}\nevents: [{name: so, storage: {file: {path: /x}}}]\n", NULL,
		  "file+ ");
	sinks_are(f, OBJECT "channels: {r: {type: ring_buffer, storage: {tmpfs: true}}}\nevents: [{name: x}]\n", NULL,
		  "file tmpfs ");
	/* inside an item */
	sinks_are(f, "programs:\n- {name: o, type: ebpf_object, path: o.o, storage: {kafka: true},\n"
		     "   channels: {r: {type: ring_buffer}}}\n", NULL, "file kafka ");
	sinks_are(f, "programs:\n- {name: o, type: ebpf_object, path: o.o, storage: {kafka: true}}\n"
		     "channels: {r: {type: ring_buffer}}\n", NULL, "file kafka ");
	sinks_are(f, "programs:\n- {name: o, type: ebpf_object, path: o.o}\n"
		     "- {name: so, type: user_so, path: s.so, storage: {tmpfs: yes}}\n"
		     "channels: {r: {type: ring_buffer}}\nevents: [{name: so}]\n", NULL, "file tmpfs ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		doc_test(the_nearest_storage_wins_sink_by_sink),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
