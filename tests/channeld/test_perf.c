/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Perf buffers made in memory: what a kernel would write, and what it never would. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <sys/mman.h>

#include "../../channeld/clock.h"
#include "../../channeld/perf.h"
#include "../../common/buffers.h"
#include "../../common/program.h"

#define SIZE 4096u
#define CPUS 7

/* One CPU's buffer: a file, so that the transport can map it too. What it reads from a perf event, {value, id, lost},
 * lies at the file's beginning, where the page has fields that nobody looks at. */
struct fake {
	int fd;
	struct perf_event_mmap_page *page;
	char *data;
	uint64_t head;
	uint64_t size;
};

static void fake_init(struct fake *f, uint64_t id, uint64_t start)
{
	f->fd = memfd_create("perf", 0);
	f->size = SIZE;
	assert_int_equal(ftruncate(f->fd, 2 * SIZE), 0);
	f->page = mmap(NULL, 2 * SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, f->fd, 0);
	assert_true(f->page != MAP_FAILED);
	f->data = (char *)f->page + SIZE;
	memset(f->data, 0xee, SIZE);
	((uint64_t *)f->page)[1] = id;
	f->head = f->page->data_head = f->page->data_tail = start;
}

static void fake_fini(struct fake *f)
{
	munmap(f->page, 2 * SIZE);
	close(f->fd);
}

static void put(struct fake *f, const void *data, size_t len)
{
	for (size_t i = 0; i < len; i++)
		f->data[f->head++ % f->size] = ((const char *)data)[i];
}

static void publish(struct fake *f)
{
	__atomic_store_n(&f->page->data_head, f->head, __ATOMIC_RELEASE);
}

/* A sample of @len bytes that count from @first on, padded as the kernel does. */
static void put_sample(struct fake *f, uint64_t time, uint8_t first, uint32_t len)
{
	uint32_t raw = ALIGN_UP(len + 4, 8) - 4;
	struct perf_event_header h = { .type = PERF_RECORD_SAMPLE, .size = PERF_SAMPLE_HEAD + raw };

	put(f, &h, sizeof(h));
	put(f, &time, sizeof(time));
	put(f, &raw, sizeof(raw));
	for (uint32_t i = 0; i < raw; i++)
		put(f, &(uint8_t){ i < len ? first + i : 0xaa }, 1);
	publish(f);
}

static void put_other(struct fake *f, uint32_t type, uint16_t size, uint64_t lost)
{
	const struct { struct perf_event_header h; uint64_t id, lost; } r = { { .type = type, .size = size }, 1, lost };

	put(f, &r, MIN((size_t)size, sizeof(r)));
	publish(f);
}

static void assert_counts_from(const struct record *r, uint8_t first, uint32_t len)
{
	const uint8_t *data = r->data;
	volatile uint8_t sum = 0;

	assert_true(r->len >= len);
	for (uint32_t i = 0; i < len; i++)
		assert_int_equal(data[i], (uint8_t)(first + i));
	for (uint32_t i = 0; i < RECORD_OVERREAD; i++)	/* readable, whatever is there */
		sum += data[r->len + i];
}

/* ---- one buffer -------------------------------------------------------------------------------------------------- */

/* Records of many lengths, beginning at every place of the buffer. */
static void records_go_round_the_end_at_every_place(void **state)
{
	(void)state;
	for (uint64_t start = 0; start < SIZE; start += 8) {
		struct fake f;
		struct perf p;
		uint64_t time;
		struct record r;
		char *room = mmap(NULL, SIZE + SIZE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		fake_init(&f, 1, start + 5 * SIZE);
		assert_true(mmap(room, SIZE, PROT_READ, MAP_SHARED | MAP_FIXED, f.fd, SIZE) == room);
		for (uint32_t i = 0; i < 5; i++)
			put_sample(&f, 100 + i, (uint8_t)(start / 8 + i), 700 + i);
		perf_init(&p, f.page, room, SIZE, 0);
		for (uint32_t i = 0; i < 5; i++) {
			assert_true(perf_peek(&p, &time));
			assert_int_equal(time, 100 + i);
			assert_true(perf_take(&p, &r));
			assert_int_equal(r.time_ns, 100 + i);
			assert_int_equal(r.fate, RECORD_EVENT);
			assert_counts_from(&r, (uint8_t)(start / 8 + i), 700 + i);
			assert_int_equal(r.end, p.pos);
		}
		assert_false(perf_peek(&p, &time));
		assert_true(perf_empty(&p));
		assert_false(p.damaged);
		assert_int_equal(f.page->data_tail, start + 5 * SIZE);
		perf_release(&p, p.pos);
		assert_int_equal(f.page->data_tail, f.head);
		perf_fini(&p);
		munmap(room, 2 * SIZE);
		fake_fini(&f);
	}
}

static void what_is_lost_is_told_unless_the_kernel_counts_it(void **state)
{
	struct fake f;
	struct perf p;
	struct record r;
	uint64_t time, n;

	(void)state;
	fake_init(&f, 1, 0);
	put_other(&f, PERF_RECORD_LOST, 24, 42);
	put_sample(&f, 7, 0, 8);
	put_other(&f, PERF_RECORD_THROTTLE, 8, 0);
	perf_init(&p, f.page, f.data, SIZE, 0);
	assert_true(perf_peek(&p, &time) && perf_take(&p, &r));
	assert_int_equal(r.fate, RECORD_LOST);
	assert_int_equal(r.len, 42);
	assert_true(perf_peek(&p, &time) && perf_take(&p, &r));
	assert_int_equal(r.fate, RECORD_EVENT);
	assert_false(perf_peek(&p, &time));
	assert_true(perf_empty(&p));

	perf_init(&p, f.page, f.data, SIZE, 0);
	p.kernel_counts = true;
	assert_true(perf_peek(&p, &time) && perf_take(&p, &r));
	assert_int_equal(r.time_ns, 7);
	assert_false(perf_peek(&p, &time));
	assert_int_equal(perf_count(f.page, f.data, SIZE, 0, &n), 0);
	assert_int_equal(n, 1);
	fake_fini(&f);
}

/* Nothing of it is followed, and what comes behind it is taken. */
static void what_is_no_record_is_passed_over_as_a_whole(void **state)
{
	static const struct { uint32_t type; uint16_t size; } bad[] = {
		{ PERF_RECORD_SAMPLE, 0 }, { PERF_RECORD_SAMPLE, 4 }, { PERF_RECORD_SAMPLE, 8 },
		{ PERF_RECORD_SAMPLE, 16 }, { PERF_RECORD_SAMPLE, 28 }, { PERF_RECORD_SAMPLE, 4000 },
		{ PERF_RECORD_SAMPLE, 65528 }, { PERF_RECORD_LOST, 8 }, { PERF_RECORD_LOST, 16 }, { 0, 0 },
		{ 77, 7 }, { 77, 65528 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct fake f;
		struct perf p;
		struct record r;
		uint64_t time, n;

		fake_init(&f, 1, 0);
		put_sample(&f, 1, 0, 8);
		put_other(&f, bad[i].type, 24, 0);
		((struct perf_event_header *)(f.data + 32))->size = bad[i].size;
		perf_init(&p, f.page, f.data, SIZE, 0);
		assert_true(perf_peek(&p, &time) && perf_take(&p, &r));
		assert_false(p.damaged);
		assert_false(perf_peek(&p, &time));
		assert_true(p.damaged);
		assert_true(perf_empty(&p));
		assert_int_equal(perf_count(f.page, f.data, SIZE, 0, &n), -EAGAIN);
		put_sample(&f, 2, 0, 8);
		perf_look(&p);
		assert_true(perf_peek(&p, &time) && perf_take(&p, &r));
		assert_int_equal(r.time_ns, 2);
		perf_fini(&p);
		fake_fini(&f);
	}
}

static void a_head_that_cannot_be_is_not_believed(void **state)
{
	static const uint64_t heads[] = { SIZE + 8, SIZE * 3, UINT64_MAX, UINT64_MAX - 7, 12 };
	uint64_t time, n;
	struct fake f;
	struct perf p;

	(void)state;
	fake_init(&f, 1, 0);
	for (size_t i = 0; i < ARRAY_SIZE(heads); i++) {
		f.page->data_head = heads[i];
		perf_init(&p, f.page, f.data, SIZE, 0);
		assert_false(perf_peek(&p, &time));
		assert_true(p.damaged);
		assert_int_equal(perf_count(f.page, f.data, SIZE, 0, &n), -EAGAIN);
	}
	fake_fini(&f);
}

static void a_length_beyond_its_record_is_cut(void **state)
{
	struct fake f;
	struct perf p;
	struct record r;
	uint64_t time;

	(void)state;
	fake_init(&f, 1, 0);
	put_sample(&f, 1, 0, 100);
	*(uint32_t *)(f.data + 16) = UINT32_MAX;
	perf_init(&p, f.page, f.data, SIZE, 0);
	assert_true(perf_peek(&p, &time) && perf_take(&p, &r));
	assert_int_equal(r.len, 100);
	fake_fini(&f);
}

static void a_commit_that_is_further_counts(void **state)
{
	struct fake f;
	struct perf p;

	(void)state;
	fake_init(&f, 1, 0);
	put_sample(&f, 1, 0, 12);
	put_sample(&f, 2, 0, 12);
	perf_init(&p, f.page, f.data, SIZE, f.head / 2);
	assert_int_equal(p.pos, f.head / 2);
	assert_int_equal(f.page->data_tail, f.head / 2);
	perf_init(&p, f.page, f.data, SIZE, 0);		/* the tail is further */
	assert_int_equal(p.pos, f.head / 2);
	perf_init(&p, f.page, f.data, SIZE, f.head + 8);	/* not of this buffer */
	assert_int_equal(p.pos, f.head / 2);
	fake_fini(&f);
}

/* ---- several, merged --------------------------------------------------------------------------------------------- */

static struct fake fakes[CPUS];
static struct buffer rows[CPUS + 1];
static struct buffers buffers = { .rows = rows, .n = CPUS + 1 };
static struct manifest_channel manifest;
static struct spool_writer spool;
static struct channel channel;
static struct record records[256];

static int open_channel(void **state)
{
	struct transport_context t = { .spool = &spool, .epoll = -1, .buffers = &buffers };
	struct diag d = {};

	(void)state;
	memset(&spool, 0, sizeof(spool));
	manifest = (struct manifest_channel){ .name = "c", .type = CHANNEL_PERF_BUFFER };
	for (int i = 0; i < CPUS; i++) {
		fake_init(&fakes[i], 100 + (uint64_t)i, 0);
		rows[i] = (struct buffer){ .fd = fakes[i].fd, .cpu = (uint16_t)i, .pages = 1 };
	}
	rows[CPUS] = (struct buffer){ .fd = -1, .cpu = BUFFER_IS_ARRAY };
	channel = (struct channel){ .transport = &transport_perf, .manifest = &manifest };
	return transport_perf.open(&channel, &t, &d);
}

static int close_channel(void **state)
{
	(void)state;
	transport_perf.close(&channel);
	free(channel.sources);
	for (int i = 0; i < CPUS; i++)
		fake_fini(&fakes[i]);
	return 0;
}

static void each_cpu_is_a_source(void **state)
{
	(void)state;
	assert_int_equal(channel.n_sources, CPUS);
	for (int i = 0; i < CPUS; i++) {
		assert_int_equal(spool.next.sources[i].id, SPOOL_SOURCE_PERF | (100 + i));
		assert_int_equal(spool.next.sources[i].part, i);
	}
}

static void take_all(struct record *taken, size_t n)
{
	uint64_t last = 0;

	for (size_t i = 0; i < n; i++) {
		assert_true(taken[i].time_ns >= last);
		last = taken[i].time_ns;
		taken[i].source->row->next = taken[i].end;
	}
}

static void events_come_in_the_order_of_their_times(void **state)
{
	uint64_t time = 1000;
	size_t made = 0, taken = 0, n;

	(void)state;
	for (int round = 0; round < 2000; round++) {
		for (int i = rand() % 50; i > 0; i--) {
			struct fake *f = &fakes[rand() % CPUS];

			if (f->head + 200 - f->page->data_tail > SIZE)
				continue;
			put_sample(f, time += (uint64_t)rand() % 3, 0, 1 + (uint32_t)rand() % 100);
			made++;
		}
		n = transport_perf.gather(&channel, records, 1 + (size_t)rand() % 60);
		take_all(records, n);
		if (rand() % 4 == 0 && n > 0) {
			struct record again[256];

			/* Given back, they come again. */
			for (size_t i = 0; i < n; i++)
				records[i].source->row->next = records[i].end;
			transport_perf.put_back(&channel, records, n);
			assert_int_equal(transport_perf.gather(&channel, again, n), n);
			take_all(again, n);
			for (size_t i = 0; i < n; i++)
				assert_int_equal(again[i].time_ns, records[i].time_ns);
		}
		taken += n;
		transport_perf.release(&channel);
	}
	while ((n = transport_perf.gather(&channel, records, 256)) > 0) {
		take_all(records, n);
		taken += n;
	}
	assert_int_equal(taken, made);
	assert_true(made > 10000);
	assert_true(transport_perf.empty(&channel));
}

/* An event that is later than the look may have a predecessor that was not there yet. */
static void what_is_later_than_the_look_waits(void **state)
{
	uint64_t now = clock_monotonic();

	(void)state;
	put_sample(&fakes[0], 1, 0, 8);
	put_sample(&fakes[0], now + 3600 * NSEC_PER_SEC, 0, 8);
	put_sample(&fakes[1], now + 3600 * NSEC_PER_SEC, 0, 8);
	put_sample(&fakes[2], 2, 0, 8);
	assert_int_equal(transport_perf.gather(&channel, records, 256), 2);
	assert_int_equal(records[1].time_ns, 2);
	assert_int_equal(transport_perf.gather(&channel, records, 256), 0);
	assert_false(transport_perf.empty(&channel));
}

static void count_lost(int cpu, uint64_t lost)
{
	((uint64_t *)fakes[cpu].page)[2] = lost;
}

static bool tick(void)
{
	for (int i = 0; i < CPUS; i++)
		lseek(fakes[i].fd, 0, SEEK_SET);
	return transport_perf.tick(&channel);
}

static void what_the_kernel_counts_as_lost_is_added_once(void **state)
{
	const struct spool_source *row = &spool.next.sources[3];

	(void)state;
	assert_false(tick());
	count_lost(3, 10);
	assert_true(tick());
	assert_false(tick());
	assert_int_equal(row->lost, 10);
	count_lost(3, 25);
	assert_true(tick());
	assert_int_equal(row->lost, 25);
	assert_int_equal(row->lost_seen, 25);
	count_lost(3, 5);		/* never: it does not go back */
	assert_false(tick());
	assert_int_equal(row->lost, 25);
}

/* Else a buffer that is full of it would stay so. */
static void what_is_no_event_is_released_too(void **state)
{
	(void)state;
	put_other(&fakes[4], PERF_RECORD_THROTTLE, 8, 0);
	assert_int_equal(transport_perf.gather(&channel, records, 256), 0);
	assert_true(transport_perf.empty(&channel));
	assert_true(tick());
	assert_int_equal(spool.next.sources[4].next, 8);
	assert_int_equal(fakes[4].page->data_tail, 0);	/* not before that is committed */
	assert_false(tick());
	assert_int_equal(fakes[4].page->data_tail, 8);
}

static void damage_makes_lost_unknown(void **state)
{
	(void)state;
	put_other(&fakes[5], PERF_RECORD_SAMPLE, 8, 0);
	put_sample(&fakes[6], 1, 0, 8);
	assert_int_equal(transport_perf.gather(&channel, records, 256), 1);
	assert_int_equal(spool.next.sources[5].flags, SPOOL_SOURCE_LOST_UNKNOWN);
	assert_int_equal(spool.next.sources[6].flags, 0);
}

/* The kernel pads with what lay there before. */
static void a_struct_of_known_length_has_no_padding(void **state)
{
	struct transport_context t = { .spool = &spool, .epoll = -1, .buffers = &buffers };
	struct layout_field fields[1] = { { .name = "x", .kind = LAYOUT_BYTES, .offset = 64 } };
	struct diag d = {};

	transport_perf.close(&channel);
	free(channel.sources);
	channel.sources = NULL;
	channel.n_sources = 0;
	for (int tail = 0; tail < 2; tail++) {
		fields[0].trailing = tail;
		manifest.has_layout = true;
		manifest.layout.size = 9;
		manifest.layout.root.fields = (struct conf_list){ fields, 1 };
		for (int i = 0; i < CPUS; i++)
			lseek(fakes[i].fd, 0, SEEK_SET);
		assert_int_equal(transport_perf.open(&channel, &t, &d), 0);
		put_sample(&fakes[0], 1, 0, 9);
		put_sample(&fakes[0], 2, 0, 17);	/* longer than the struct: all of it */
		assert_int_equal(transport_perf.gather(&channel, records, 256), 2);
		assert_int_equal(records[0].len, tail ? 12 : 9);
		assert_int_equal(records[1].len, 20);
		transport_perf.close(&channel);
		free(channel.sources);
		channel.sources = NULL;
		channel.n_sources = 0;
		fakes[0].head = fakes[0].page->data_head = 0;
		t.n_sources = 0;
	}
	assert_int_equal(open_channel(state), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(records_go_round_the_end_at_every_place),
		cmocka_unit_test(what_is_lost_is_told_unless_the_kernel_counts_it),
		cmocka_unit_test(what_is_no_record_is_passed_over_as_a_whole),
		cmocka_unit_test(a_head_that_cannot_be_is_not_believed),
		cmocka_unit_test(a_length_beyond_its_record_is_cut),
		cmocka_unit_test(a_commit_that_is_further_counts),
#define merged(test) cmocka_unit_test_setup_teardown(test, open_channel, close_channel)
		merged(each_cpu_is_a_source),
		merged(events_come_in_the_order_of_their_times),
		merged(what_is_later_than_the_look_waits),
		merged(what_the_kernel_counts_as_lost_is_added_once),
		merged(what_is_no_event_is_released_too),
		merged(damage_makes_lost_unknown),
		merged(a_struct_of_known_length_has_no_padding),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
