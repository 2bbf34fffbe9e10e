/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fields.bpf.h: named types, out of memory that others own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include "fields.bpf.h"

#include "user.h"
#include <cmocka.h>

#define AT  0x7ffc00001000UL
#define MAX 64

static char args[] = "/bin/echo\0one\0two";

static int setup(void **state)
{
	(void)state;
	user_reset();
	user_process_memory(AT, args, sizeof(args));
	return 0;
}

/* What was read, and whether it is all. The buffer ends where it ends: a sanitizer looks. */
static __u64 read_args(unsigned long start, unsigned long end, bool *ret_cut, char ret[MAX])
{
	char *to = malloc(MAX);
	__u64 len = agent_read_strv(to, MAX, start, end, ret_cut);

	memcpy(ret, to, len);
	free(to);
	return len;
}

static void arguments_are_read_as_the_kernel_keeps_them(void **state)
{
	char got[MAX];
	bool cut = true;

	assert_int_equal(read_args(AT, AT + sizeof(args), &cut, got), sizeof(args));
	assert_memory_equal(got, args, sizeof(args));
	assert_false(cut);
	(void)state;
}

static void more_than_fits_is_cut_and_says_so(void **state)
{
	static const char many[1000] = "many";
	char got[MAX];
	bool cut = false;

	user_process_memory(2 * AT, many, sizeof(many));
	assert_int_equal(read_args(2 * AT, 2 * AT + sizeof(many), &cut, got), MAX);
	assert_true(cut);
	assert_int_equal(read_args(2 * AT, 2 * AT + MAX, &cut, got), MAX);
	assert_false(cut);
	(void)state;
}

static void none_are_none(void **state)
{
	char got[MAX];
	bool cut = true;

	assert_int_equal(read_args(AT, AT, &cut, got), 0);
	assert_false(cut);
	(void)state;
}

/* prctl(PR_SET_MM_ARG_START) between the two reads. */
static void an_end_before_the_start_reads_nothing(void **state)
{
	char got[MAX];
	bool cut = false;

	assert_int_equal(read_args(AT + 8, AT, &cut, got), 0);
	assert_true(cut);
	assert_int_equal(user.n_reads, 0);
	(void)state;
}

static void what_cannot_be_read_is_left_out_and_said(void **state)
{
	char got[MAX];
	bool cut = false;

	assert_int_equal(read_args(AT + 8, AT + 8 + sizeof(args), &cut, got), 0);
	assert_true(cut);
	(void)state;
}

static void an_ipv4_address_is_mapped(void **state)
{
	static const __u8 wanted[16] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 1 };
	__u8 address[4] = { 192, 0, 2, 1 };
	agent_ip ip;
	__u32 be;

	memcpy(&be, address, 4);
	memset(&ip, 0xa5, sizeof(ip));
	agent_ip_from_v4(&ip, be);
	assert_memory_equal(ip.b, wanted, 16);
	(void)state;
}

/* Held against what libc makes of the same number. */
static void a_wait_status_is_taken_apart_as_libc_does(void **state)
{
	(void)state;
	for (int status = 0; status < 0x10000; status++) {
		__u32 code;
		agent_signal sig;
		bool core;

		agent_wait_status(status, &code, &sig, &core);
		if (WIFEXITED(status)) {
			assert_int_equal(code, WEXITSTATUS(status));
			assert_int_equal(sig, 0);
		} else if (WIFSIGNALED(status)) {
			assert_int_equal(code, 0);
			assert_int_equal(sig, WTERMSIG(status));
			assert_int_equal(core, !!WCOREDUMP(status));
		}
	}
}

int main(void)
{
#define T(name) cmocka_unit_test_setup(name, setup)
	const struct CMUnitTest tests[] = {
		T(arguments_are_read_as_the_kernel_keeps_them),
		T(more_than_fits_is_cut_and_says_so),
		T(none_are_none),
		T(an_end_before_the_start_reads_nothing),
		T(what_cannot_be_read_is_left_out_and_said),
		T(an_ipv4_address_is_mapped),
		T(a_wait_status_is_taken_apart_as_libc_does),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
