/* SPDX-License-Identifier: GPL-2.0-or-later */
/* YAML from outside: a tree within its bounds or an error that says where, and then a program, an xdpd list or an
 * error; whatever a program is found to be, its routes and storage can be told. */
#include <errno.h>

#include "common/program.h"
#include "common/yaml.h"
#include "fuzz.h"

static size_t count(const struct yaml_node *n, unsigned depth)
{
	size_t sum = 1;

	must(n->value || n->kind != YAML_NODE_SCALAR);
	must(depth <= YAML_DEPTH_MAX);
	for (size_t i = 0; i < n->n; i++) {
		must(n->kind == YAML_NODE_SEQUENCE || n->keys[i]);
		sum += count(n->items[i], depth + 1);
	}
	return sum;
}

static void try_program(struct arena *a, const struct yaml_node *root)
{
	struct diag d = { 0 };
	struct program_route *routes;
	struct program *p;
	size_t n;
	int err = program_parse(a, "some.yaml", "/tmp", root, &p, &d);

	must(err == 0 || err == -ENOMEM || d.error[0]);
	if (err == 0)
		(void)program_routes(a, p, &routes, &n);
	diag_fini(&d);
	if (program_is_xdp_list(root))
		(void)program_check_xdp_list(a, root, &d);
	diag_fini(&d);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a = arena_new(0);
	struct yaml_node *root = NULL;
	struct diag d = { 0 };
	int err = yaml_parse(a, "some.yaml", (const char *)data, size, &root, &d);

	must(err == 0 || !root);
	if (err == 0) {
		must(count(root, 0) <= YAML_NODES_MAX + 1);
		try_program(a, root);
	}
	diag_fini(&d);
	arena_free(a);
	return 0;
}
