/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the tests of ebpf-load's parts share: compiled objects, documents, and looking into layouts. */
#ifndef TESTS_LOADERD_OBJECTS_H
#define TESTS_LOADERD_OBJECTS_H

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "../../common/json.h"
#include "../../loaderd/load.h"

struct object {
	void *bytes;
	size_t size;
	struct btf *btf;
};

static inline struct object object_read(const char *name)
{
	const char *build = getenv("BUILD");
	struct object o = { 0 };
	struct stat st;
	char path[512];
	int fd;

	snprintf(path, sizeof(path), "%s/tests/bpf/%s.bpf.o", build ? build : "build", name);
	fd = open(path, O_RDONLY);
	if (fd < 0)
		fail_msg("%s is not there: make tests", path);
	fstat(fd, &st);
	o.size = st.st_size;
	o.bytes = malloc(o.size);
	assert_int_equal(read(fd, o.bytes, o.size), o.size);
	close(fd);
	o.btf = btf__parse_elf(path, NULL);
	assert_non_null(o.btf);
	return o;
}

static inline void object_free(struct object *o)
{
	btf__free(o->btf);
	free(o->bytes);
}

static inline struct yaml_node *yaml(struct arena *a, const char *text)
{
	struct diag d = { 0 };
	struct yaml_node *root;

	if (yaml_parse(a, "test.yaml", text, strlen(text), &root, &d))
		fail_msg("%s", d.error);
	return root;
}

static inline const struct layout_field *field(const struct layout *l, const char *name, uint64_t *ret_bits)
{
	const struct layout_field *f = layout_find(l, name, ret_bits);

	if (!f)
		fail_msg("%s has no field %s", l->name, name);
	return f;
}

#define assert_field(l, name, kind_, byte, bits_)                       \
	do {                                                            \
		uint64_t at_;                                           \
		const struct layout_field *f_ = field(l, name, &at_);   \
		assert_string_equal(layout_kind_name(f_->kind), layout_kind_name(kind_)); \
		assert_int_equal(at_, (uint64_t)((byte) * 8));          \
		assert_int_equal(f_->bits, (bits_));                    \
	} while (0)

#endif
