/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A program file from a text, for tests. */
#ifndef TESTS_COMMON_PROGRAMTEST_H
#define TESTS_COMMON_PROGRAMTEST_H

#include "yamltest.h"
#include "../../common/program.h"

static inline int parse_as(struct doc_fixture *f, const char *file, const char *text, struct program **ret)
{
	assert_int_equal(doc_parse(f, text), 0);
	return program_parse(f->a, file, "/base", f->root, ret, &f->d);
}

static inline struct program *parse(struct doc_fixture *f, const char *text)
{
	struct program *p = NULL;

	if (parse_as(f, "/dir/file.yaml", text, &p) < 0)
		fail_msg("%s", f->d.error);
	return p;
}

static inline bool warned(const struct doc_fixture *f, const char *part)
{
	size_t i;

	for (i = 0; i < f->d.n_warnings; i++)
		if (strstr(f->d.warnings[i], part))
			return true;
	return false;
}

#define ITEM(list, type, i) (&((struct type *)(list).items)[i])
#define OBJECT "programs: [{name: o, type: ebpf_object, path: o.bpf.o}]\n"
#define BOTH                                                                                                        \
	"programs:\n- {name: o, type: ebpf_object, path: o.bpf.o}\n- {name: so, type: user_so, path: /x.so}\n"      \
	"channels: {ring: {type: ring_buffer}}\n"

#endif
