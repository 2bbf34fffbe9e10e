/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A spool or a manifest that is damaged, cut, or rubbish: it is said, and harms nobody. */
#include "fixture.h"

/* ---- records that cannot be read --------------------------------------------------------------------------------- */

static const char *const two_files[] = {
	"[{\"sink\":\"file\",\"options\":{\"path\":\"a.jsonl\"}}]",
	"[{\"sink\":\"file\",\"options\":{\"path\":\"b.jsonl\"}}]",
	NULL,
};
static const char *const files[] = { "log/a.jsonl", "log/b.jsonl" };

#define EACH 10			/* records for each of them, in turn */

struct whole {
	struct fx_writer w;
	char *head, *data;		/* copies of it */
	uint64_t starts[2 * EACH + 1];
};

static void whole_make(struct whole *o)
{
	fx_program(&o->w, "p", two_files, 0);
	for (unsigned i = 0; i < 2 * EACH; i++) {
		o->starts[i] = o->w.w.next.head;
		assert_true(fx_add(&o->w, i % 2));
	}
	spool_commit(&o->w.w);
	o->starts[2 * EACH] = o->w.w.next.head;
	o->head = malloc(SPOOL_HEAD_SIZE);
	o->data = malloc(o->w.w.next.head);
	assert_non_null(o->head);
	assert_non_null(o->data);
	memcpy(o->head, o->w.w.head, SPOOL_HEAD_SIZE);
	memcpy(o->data, o->w.w.data, o->w.w.next.head);
}

static void whole_free(struct whole *o)
{
	spool_writer_close(&o->w.w);
	free(o->head);
	free(o->data);
}

/* As if nobody had read it yet. */
static void whole_restore(struct whole *o)
{
	memcpy(o->w.w.head, o->head, SPOOL_HEAD_SIZE);
	memcpy(o->w.w.data, o->data, o->w.w.next.head);
	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		unlink(fx_path(files[i]));
}

/* Bit n: the line with number n is in the file @name, whole; in order, none twice. */
static uint32_t lines_of(const char *name)
{
	size_t len;
	cleanup(freep) char *text = fx_read(fx_path(name), &len);
	uint32_t found = 0;
	char *line = text, *feed;

	for (; (feed = strchr(line, '\n')); line = feed + 1) {
		const char *at = memmem(line, feed - line, "\"n\":", 4);
		unsigned long n = at ? strtoul(at + 4, NULL, 10) : 32;

		assert_true(n < 2 * EACH && !(found >> n));
		assert_memory_equal(feed - 3, "\"}}", 3);
		found |= 1u << n;
	}
	assert_int_equal(line - text, len);
	return found;
}

static void expect_balance(struct sinkd *sk, bool at_rest)
{
	struct sink_ledger l[SPOOL_MAX_CURSORS];
	struct stream *st = sinkd_find(sk, "p");

	assert_int_equal(stream_ledger(st, l), 0);
	for (size_t i = 0; i < st->n_sinks; i++) {
		const struct spool_cursor *at = &st->sinks[i]->at;
		uint64_t sum = at->acked + l[i].pending;

		for (unsigned j = 0; j < SINK_N_DROPS; j++)
			sum += at->dropped[j];
		assert_int_equal(l[i].routed, sum);
		if (at_rest)
			assert_int_equal(l[i].pending, 0);
	}
}

/* What sinkd makes of the spool as it is now. Returns the lines that are in the files. */
static uint32_t deliver_what_there_is(void)
{
	struct sinkd *sk = fx_start();
	uint32_t all = 0, damaged = 0;

	stream_look(sinkd_find(sk, "p"), false);
	expect_balance(sk, false);
	fx_run(sk);
	expect_balance(sk, true);
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		uint32_t found = lines_of(files[i]);
		const struct sink *s = NULL;

		for (size_t k = 0; k < sk->streams->n_sinks; k++)
			if (sk->streams->sinks[k]->routes == 1u << i)
				s = sk->streams->sinks[k];
		assert_non_null(s);
		assert_int_equal(found & (i ? 0x55555555 : 0xaaaaaaaa), 0);
		assert_int_equal(s->at.acked, __builtin_popcount(found));
		assert_int_equal(s->at.dropped[SINK_DROP_DAMAGED], EACH - s->at.acked);
		damaged += s->at.dropped[SINK_DROP_DAMAGED];
		all |= found;
	}
	assert_int_equal(!!fx_degraded("damage:p"), !!damaged);
	assert_int_equal(fx_n_degraded(), !!damaged);
	fx_stop(sk);
	memset(fx.degraded, 0, sizeof(fx.degraded));
	return all;
}

#define ALL ((1u << 2 * EACH) - 1)

static void a_damaged_byte_of_a_record_costs_that_record_alone(void **state)
{
	struct whole o;

	(void)state;
	whole_make(&o);
	assert_int_equal(deliver_what_there_is(), ALL);
	for (unsigned n = 2 * EACH - 3; n < 2 * EACH; n++)
		for (uint64_t at = o.starts[n]; at < o.starts[n + 1]; at++) {
			const struct spool_rec *rec = (const void *)(o.data + o.starts[n]);
			bool padding = at >= o.starts[n] + sizeof(*rec) + rec->line_len;

			whole_restore(&o);
			o.w.w.data[at] ^= 0xff;
			assert_int_equal(deliver_what_there_is(), padding ? ALL : ALL & ~(1u << n));
		}
	whole_free(&o);
}

static void a_spool_that_ends_in_zeros_is_read_up_to_there(void **state)
{
	struct whole o;
	uint64_t end;

	(void)state;
	whole_make(&o);
	end = o.w.w.next.head;
	for (unsigned n = 2 * EACH - 3; n < 2 * EACH; n++)
		for (uint64_t at = o.starts[n]; at < o.starts[n + 1]; at++) {
			const struct spool_rec *rec = (const void *)(o.data + o.starts[n]);
			bool padding = at >= o.starts[n] + sizeof(*rec) + rec->line_len;

			whole_restore(&o);
			memset(o.w.w.data + at, 0, end - at);
			assert_int_equal(deliver_what_there_is(), (2u << (padding ? n : n - 1)) - 1);
		}
	whole_free(&o);
}

static void many_damaged_places_are_counted_one_by_one(void **state)
{
	struct whole o;

	(void)state;
	whole_make(&o);
	srand(2);
	for (int i = 0; i < 300; i++) {
		uint32_t wanted = ALL;

		whole_restore(&o);
		for (int k = rand() % 6; k >= 0; k--) {
			unsigned n = rand() % (2 * EACH);

			o.w.w.data[o.starts[n] + 8 + rand() % 64] = rand();
			if (memcmp(o.w.w.data + o.starts[n], o.data + o.starts[n], 72) != 0)
				wanted &= ~(1u << n);
		}
		assert_int_equal(deliver_what_there_is(), wanted);
	}
	whole_free(&o);
}

static void delivery_goes_on_behind_damage(void **state)
{
	struct sinkd *sk;
	struct whole o;

	(void)state;
	whole_make(&o);
	sk = fx_start();
	fx_run(sk);
	fx_add(&o.w, 0);
	o.w.w.data[o.starts[2 * EACH] + 80] ^= 1;
	fx_add(&o.w, 0);
	fx_add(&o.w, 1);
	spool_commit(&o.w.w);
	fx_run(sk);
	expect_balance(sk, true);
	assert_non_null(strstr(fx_degraded("damage:p"), "1 are lost"));
	/* Of a new spool nothing is damaged. */
	spool_writer_close(&o.w.w);
	unlink(fx_path("spool/p.spool"));
	fx_writer_open(&o.w, "p", 0);
	fx_run(sk);
	assert_null(fx_degraded("damage:p"));
	fx_stop(sk);
	whole_free(&o);
}

static void what_was_delivered_before_it_was_damaged_is_not_lost(void **state)
{
	struct sinkd *sk;
	struct whole o;

	(void)state;
	whole_make(&o);
	assert_int_equal(deliver_what_there_is(), ALL);
	memcpy(o.w.w.head, o.head, SPOOL_HEAD_SIZE);	/* killed before the cursor moved */
	o.w.w.data[o.starts[4] + 80] ^= 1;
	sk = fx_start();
	fx_run(sk);
	expect_balance(sk, true);
	assert_int_equal(lines_of(files[0]) | lines_of(files[1]), ALL);
	for (size_t i = 0; i < sk->streams->n_sinks; i++)
		if (sk->streams->sinks[i]->routes == 1)
			assert_int_equal(sk->streams->sinks[i]->at.acked, EACH);
	fx_stop(sk);
	whole_free(&o);
}

/* ---- files ------------------------------------------------------------------------------------------------------- */

static void a_spool_cut_short_kills_nobody(void **state)
{
	struct fx_writer w;
	struct sinkd *sk;
	struct stream *st;
	const char *line;
	struct spool_rec rec;

	(void)state;
	fx_program(&w, "p", fx_one_file, 0);
	fx_fill(&w, 0, 10);
	sk = fx_start();
	st = sinkd_find(sk, "p");
	stream_look(st, false);
	assert_true(st->open);
	assert_int_equal(truncate(fx_path("spool/p.spool"), 4096), 0);
	/* Even in the midst of reading. */
	assert_int_equal(spool_read(&st->reader, 0, w.w.next.head, &rec, &line), -EBADMSG);
	fx_run(sk);
	assert_non_null(fx_degraded("spool:p"));
	spool_writer_close(&w.w);
	unlink(fx_path("spool/p.spool"));
	fx_writer_open(&w, "p", 0);
	fx_fill(&w, 0, 10);
	fx_run(sk);
	assert_null(fx_degraded("spool:p"));
	assert_int_equal(fx_sink(sk, "p", "file")->at.acked, 10);
	fx_end(sk, &w);
}

static void rubbish_in_place_of_manifest_and_spool_is_said(void **state)
{
	struct sinkd *sk;
	struct fx_writer w;

	(void)state;
	fx_write(fx_path("manifest/p.json"), "{\"version\":[", 12);
	fx_write(fx_path("spool/p.spool"), "rubbish", 7);
	sk = fx_start();
	fx_run(sk);
	assert_non_null(fx_degraded("manifest:p"));
	assert_non_null(fx_degraded("spool:p"));
	fx_manifest("p", fx_one_file);
	unlink(fx_path("spool/p.spool"));
	fx_writer_open(&w, "p", 0);
	fx_fill(&w, 0, 2);
	fx_run(sk);
	assert_int_equal(fx_n_degraded(), 0);
	assert_int_equal(fx_sink(sk, "p", "file")->at.acked, 2);
	fx_end(sk, &w);
}

/* Whatever the bytes of a spool are: no crash, no loop without an end. */
static void a_hostile_spool_harms_nobody(void **state)
{
	const char *path = fx_path("spool/p.spool");
	char saved[PATH_MAX];
	struct fx_writer w;
	struct sinkd *sk;
	size_t len;
	char *good;

	(void)state;
	snprintf(saved, sizeof(saved), "%s", path);
	fx_program(&w, "p", fx_one_file, 0);
	sk = fx_start();
	fx_run(sk);
	fx_fill(&w, 0, 500);
	fx_end(sk, &w);
	good = fx_read(saved, &len);
	srand(1);
	for (int i = 0; i < 200; i++) {
		char *bad = malloc(len);
		struct sink_ledger l[SPOOL_MAX_CURSORS];

		memcpy(bad, good, len);
		for (int j = rand() % 8; j >= 0; j--) {
			/* Mostly where the structure is. */
			size_t at = rand() % (rand() % 4 ? 8192 : len);

			at = rand() % 2 ? at : SPOOL_HEAD_SIZE + at % (len - SPOOL_HEAD_SIZE);
			bad[at] = rand() % 2 ? rand() : bad[at] ^ 1 << rand() % 8;
		}
		unlink(saved);
		fx_write(saved, bad, len);
		sk = fx_start();
		fx_run(sk);
		if (sk->streams)
			stream_ledger(sk->streams, l);
		fx_run(sk);
		fx_stop(sk);
		free(bad);
	}
	free(good);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, fx_setup, fx_teardown)
	const struct CMUnitTest tests[] = {
		T(a_damaged_byte_of_a_record_costs_that_record_alone),
		T(a_spool_that_ends_in_zeros_is_read_up_to_there),
		T(many_damaged_places_are_counted_one_by_one),
		T(delivery_goes_on_behind_damage),
		T(what_was_delivered_before_it_was_damaged_is_not_lost),
		T(a_spool_cut_short_kills_nobody),
		T(rubbish_in_place_of_manifest_and_spool_is_said),
		T(a_hostile_spool_harms_nobody),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("sinkd/stream_damage", tests, NULL, NULL);
}
