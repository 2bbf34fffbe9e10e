/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A document from a text, for tests. */
#ifndef EBPF_AGENT_TEST_YAML_H
#define EBPF_AGENT_TEST_YAML_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "../../common/yaml.h"

struct doc_fixture {
	struct arena *a;
	struct diag d;
	struct yaml_node *root;
};

static inline int doc_setup(void **state)
{
	struct doc_fixture *f = calloc(1, sizeof(*f));

	f->a = arena_new(0);
	*state = f;
	return 0;
}

static inline int doc_teardown(void **state)
{
	struct doc_fixture *f = *state;

	diag_fini(&f->d);
	arena_free(f->a);
	free(f);
	return 0;
}

/* Starts over. */
static inline void doc_reset(struct doc_fixture *f)
{
	diag_fini(&f->d);
	arena_free(f->a);
	f->a = arena_new(0);
	f->root = NULL;
}

static inline int doc_parse(struct doc_fixture *f, const char *text)
{
	doc_reset(f);
	return yaml_parse(f->a, "x.yaml", text, strlen(text), &f->root, &f->d);
}

static inline void assert_has(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("\"%s\" is not in \"%s\"", part, text);
}

static inline double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

#define doc_test(f) cmocka_unit_test_setup_teardown(f, doc_setup, doc_teardown)

#endif
