/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "../../common/crc32c.h"

/* Bit by bit, straight from the polynomial. */
static uint32_t slow(uint32_t crc, const uint8_t *p, size_t len)
{
	crc = ~crc;
	while (len--) {
		crc ^= *p++;
		for (int bit = 0; bit < 8; bit++)
			crc = crc & 1 ? crc >> 1 ^ 0x82f63b78u : crc >> 1;
	}
	return ~crc;
}

static void fill(uint8_t *p, size_t len)
{
	uint32_t x = 12345;

	for (size_t i = 0; i < len; i++) {
		x = x * 1664525 + 1013904223;
		p[i] = x >> 24;
	}
}

static void gives_the_values_of_rfc_3720(void **state)
{
	uint8_t zeros[32] = {}, ones[32], up[32], down[32];

	memset(ones, 0xff, sizeof(ones));
	for (int i = 0; i < 32; i++) {
		up[i] = i;
		down[i] = 31 - i;
	}
	assert_int_equal(crc32c(0, zeros, 32), 0x8a9136aa);
	assert_int_equal(crc32c(0, ones, 32), 0x62a8ab43);
	assert_int_equal(crc32c(0, up, 32), 0x46dd794e);
	assert_int_equal(crc32c(0, down, 32), 0x113fdb5c);
	assert_int_equal(crc32c(0, "123456789", 9), 0xe3069283);
	assert_int_equal(crc32c(0, "", 0), 0);
	assert_int_equal(crc32c_portable(0, up, 32), 0x46dd794e);
	(void)state;
}

static void agrees_with_the_polynomial_at_every_length_and_alignment(void **state)
{
	static uint8_t data[4096 + 16];

	fill(data, sizeof(data));
	for (size_t len = 0; len <= 4096; len += len < 700 ? 1 : 97) {
		for (size_t at = 0; at < 8; at += len % 3 + 1) {
			uint32_t want = slow(0x1234, data + at, len);

			assert_int_equal(crc32c(0x1234, data + at, len), want);
			assert_int_equal(crc32c_portable(0x1234, data + at, len), want);
		}
	}
	(void)state;
}

static void goes_on_from_where_a_call_stopped(void **state)
{
	static uint8_t data[600];
	uint32_t whole;

	fill(data, sizeof(data));
	whole = crc32c(0, data, sizeof(data));
	for (size_t cut = 0; cut <= sizeof(data); cut++)
		assert_int_equal(crc32c(crc32c(0, data, cut), data + cut, sizeof(data) - cut), whole);
	(void)state;
}

/* Not a test: what a call costs. */
static void show_speed(void)
{
	static uint8_t data[4096];
	static const size_t lens[] = { 64, 100, 192, 256, 400, 1024, 4096 };

	fill(data, sizeof(data));
	for (size_t i = 0; i < ARRAY_SIZE(lens); i++) {
		struct timespec a, b;
		uint32_t c = 0;
		int n = 2000000 / (lens[i] / 64);

		clock_gettime(CLOCK_MONOTONIC, &a);
		for (int k = 0; k < n; k++)
			c = crc32c(c, data, lens[i]);
		clock_gettime(CLOCK_MONOTONIC, &b);
		printf("# crc32c of %4zu bytes: %6.1f ns (%08x)\n", lens[i],
		       ((b.tv_sec - a.tv_sec) * 1e9 + (b.tv_nsec - a.tv_nsec)) / n, c);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gives_the_values_of_rfc_3720),
		cmocka_unit_test(agrees_with_the_polynomial_at_every_length_and_alignment),
		cmocka_unit_test(goes_on_from_where_a_call_stopped),
	};

	if (getenv("SHOW_SPEED"))
		show_speed();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
