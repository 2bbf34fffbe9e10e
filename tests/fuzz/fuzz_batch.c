/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A sandbox that wrote whatever it liked into the area that it shares: of each row there is a result that was checked,
 * or a reason why there is none. */
#include "common/batch.h"
#include "common/json.h"
#include "fuzz.h"

static struct batch b;

/* Pokes at the header, the rows and the results. */
static void scribble(struct fuzz *f)
{
	uint8_t *area = (uint8_t *)b.area;

	while (f->left > 4) {
		unsigned where = fuzz_below(f, 4), n = fuzz_below(f, 64);
		size_t at = (size_t)(fuzz_u64(f) % (where == 0 ? b.area_size - 64 : where == 1 ? sizeof(*b.area) - 64 :
						    where == 2 ? 16 * sizeof(b.area->rows[0]) : 4096));

		if (where >= 2)
			at += where == 2 ? offsetof(struct batch_area, rows) : BATCH_IN_OFFSET + BATCH_IN_SIZE;
		if (where == 2)		/* whole numbers: lengths and offsets */
			at = at / 4 * 4;
		fuzz_bytes(f, area + at, n);
	}
}

/* Lines of JSON, '@' before a sample. */
static bool is_checked(const char *s, size_t len)
{
	for (const char *end = s + len; s < end; s++) {
		const char *feed = memchr(s, '\n', (size_t)(end - s)), *stop = feed ? feed : end;

		if (*s == '@')
			s++;
		if (json_check(s, (size_t)(stop - s)) < 0)
			return false;
		s = stop;
	}
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz f = { data, size };
	unsigned n = 1 + fuzz_below(&f, 16);

	if (!b.area)
		must(batch_init(&b) == 0);
	batch_reset(&b);
	batch_clear(&b);
	for (unsigned i = 0; i < n; i++)
		must(batch_add_call(&b, 0, "record", 6, i) == 0);
	must(batch_submit(&b, 0, n) == 0);
	scribble(&f);
	must(batch_through(&b, n) <= n);
	for (unsigned i = 0; i < n; i++) {
		size_t len = 0;
		enum spool_drop drop = batch_result(&b, i, &len);

		must(drop <= SPOOL_N_DROPS);
		must(drop != SPOOL_N_DROPS || (len && len <= b.room && is_checked(b.result, len)));
		must(b.records[i].len == 6 && b.records[i].cookie == i);
	}
	return 0;
}
