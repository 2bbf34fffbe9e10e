/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A fuzz target is one file fuzz_<name>.c with one function: it is given bytes, and ends the process (must()) when what
 * it tries breaks a promise. tests/fuzz/corpus/<name>/ holds inputs to begin with, and every input that once failed. */
#ifndef TESTS_FUZZ_H
#define TESTS_FUZZ_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define must(cond)                                                                             \
	do {                                                                                   \
		if (!(cond)) {                                                                 \
			fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #cond);     \
			abort();                                                               \
		}                                                                              \
	} while (0)

/* Inputs as a source of numbers; past its end, zeros. */
struct fuzz {
	const uint8_t *p;
	size_t left;
};

static inline void fuzz_bytes(struct fuzz *f, void *to, size_t n)
{
	size_t k = n < f->left ? n : f->left;

	memset(to, 0, n);
	if (k)
		memcpy(to, f->p, k);
	f->p += k;
	f->left -= k;
}

static inline uint64_t fuzz_u64(struct fuzz *f)
{
	uint64_t v;

	fuzz_bytes(f, &v, sizeof(v));
	return v;
}

/* 0 to @n - 1; @n at most 256. */
static inline unsigned fuzz_below(struct fuzz *f, unsigned n)
{
	uint8_t v;

	fuzz_bytes(f, &v, 1);
	return v % n;
}

#endif
