/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The list of xdpd. */
#include "programtest.h"

static void xdpds_list_has_its_own_table(void **state)
{
	static const struct {
		const char *text, *error;
	} wrong[] = {
		{ "- orignalTo: {}\n",
		  "orignalTo: unknown key in an entry of xdpd's list; did you mean \"originalTo\"?" },
		{ "- originalTo: {ip: 1.2.3, ifName: eth0}\n", "ip: \"1.2.3\" is no IPv4 or IPv6 address" },
		{ "- originalTo: {ip: 1.2.3.4, ifName: a/b}\n", "ifName: \"a/b\" cannot be an interface's name" },
		{ "- originalTo: {ip: 1.2.3.4, ifName: 1234567890123456}\n",
		  "ifName: 1234567890123456 is out of bounds" },
		{ "- originalTo: {ip: 1.2.3.4}\n", "ifName: is missing in originalTo" },
		{ "- originalTo: {ip: 1.2.3.4, ifName: x, attachMode: natve}\n", "did you mean \"native\"?" },
		{ "- {}\n", "originalTo: is missing" },
		{ "- originalTo: {ip: 1.2.3.4, ifName: x}\n- originalTo: {ip: 1.2.3.4, ifName: x}\n",
		  "x.yaml:2: originalTo: 1.2.3.4 on x is there twice (first in line 1)" },
	};
	struct doc_fixture *f = *state;
	size_t i;

	assert_int_equal(doc_parse(f, "- originalTo: {ip: 'fe80::1', ifName: bond0.1}\n"), 0);
	assert_true(program_is_xdp_list(f->root));
	assert_int_equal(program_check_xdp_list(f->a, f->root, &f->d), 0);
	assert_true(warned(f, "xdpd, which does not use it yet in this version"));
	for (i = 0; i < ARRAY_SIZE(wrong); i++) {
		assert_int_equal(doc_parse(f, wrong[i].text), 0);
		assert_true(program_check_xdp_list(f->a, f->root, &f->d) < 0);
		assert_has(f->d.error, wrong[i].error);
	}
	assert_int_equal(doc_parse(f, OBJECT), 0);
	assert_false(program_is_xdp_list(f->root));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		doc_test(xdpds_list_has_its_own_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
