/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Entries of polled maps as samples and stacks: exact bounds, labels as texts, nothing beyond the room. */
#include "layouts.h"

#include <errno.h>
#include <linux/bpf.h>

#include "../../channeld/sample.h"
#include "../../channeld/transport.h"
#include "../../common/program.h"

#define CPUS 3
#define SLOTS 64

struct key {
	uint32_t id;
	char comm[12];
};
struct value {
	uint64_t calls;
	int32_t level, spare;
	uint64_t slots[SLOTS];
};

static struct layout_field labels[] = {
	FIELD("id", UINT, 0, 4),
	FIELD("comm", TEXT, 4, 12),
};
static struct manifest_value calls = { .metric = "calls", .offset = 0, .bytes = 8 };
static struct manifest_value level = { .metric = "level", .offset = 8, .bytes = 4, .is_signed = true };
static struct manifest_value slots = { .metric = "latency", .offset = 16, .bytes = 8, .slots = SLOTS };

static struct manifest_poll conf;
static struct poll p;
static struct sample_writer w;
static struct key keys[2];
static struct value copies[2][CPUS];
static struct snapshot_half now = { .keys = (uint8_t *)&keys[0], .values = (uint8_t *)copies[0] };
static struct snapshot_half before = { .keys = (uint8_t *)&keys[1], .values = (uint8_t *)copies[1] };

static int fresh(void **state)
{
	(void)state;
	memset(copies, 0, sizeof(copies));
	memset(&w, 0, sizeof(w));
	keys[0] = keys[1] = (struct key){ 7, "sh" };
	conf = (struct manifest_poll){
		.key_size = sizeof(struct key), .value_size = sizeof(struct value),
		.labels = { .name = "labels", .size = sizeof(struct key),
			    .root = { .name = "", .kind = LAYOUT_STRUCT, .bits = sizeof(struct key) * 8,
				      .fields = { labels, ARRAY_SIZE(labels) } } },
	};
	p = (struct poll){
		.info = { .key_size = sizeof(struct key), .value_size = sizeof(struct value) }, .conf = &conf,
		.copies = 1, .stride = sizeof(struct value), .now = &now, .before = &before,
	};
	return 0;
}

static int closed(void **state)
{
	(void)state;
	sample_writer_fini(&w);
	sample_writer_fini(&w);
	return 0;
}

static void open_writer(struct manifest_value *values, size_t n)
{
	sample_writer_fini(&w);
	conf.values = (struct conf_list){ values, n };
	assert_int_equal(sample_writer_init(&w, &p, NULL), 0);
}

/* Each line of it is a sample that begins with '@', and JSON. */
static const char *written(bool has_base, bool *ret_repaired)
{
	struct poll_entry e = { .has_base = has_base };
	uint8_t *record = malloc(poll_record_len(&p) + RECORD_OVERREAD);
	static char *text;
	size_t len;

	*ret_repaired = false;
	memset(record, 'X', poll_record_len(&p) + RECORD_OVERREAD);
	poll_record(&p, &e, record);
	len = sample_write(&w, &p, &e, record, ret_repaired);
	assert_true(len <= w.max);
	free(text);
	text = strndup(w.text, len);
	free(record);
	for (const char *line = text; *line;) {
		size_t n = strcspn(line, "\n");

		assert_int_equal(*line, TRACER_SAMPLE);
		assert_int_equal(answer_kind(line, n), SPOOL_KIND_SAMPLE);
		assert_int_equal(json_check(line + 1, n - 1), 0);
		line += n + (line[n] == '\n');
		assert_true(*line || line[-1] != '\n');
	}
	return text;
}

static void writes(bool has_base, const char *expected)
{
	bool repaired;

	assert_string_equal(written(has_base, &repaired), expected);
	assert_false(repaired);
}

static void a_counter_and_a_gauge(void **state)
{
	(void)state;
	copies[0][0] = (struct value){ .calls = UINT64_MAX, .level = INT32_MIN };
	open_writer(&calls, 1);
	writes(false, "@{\"name\":\"calls\",\"type\":\"counter\",\"labels\":{\"id\":\"7\",\"comm\":\"sh\"},"
		      "\"value\":18446744073709551615}");
	conf.kind = METRIC_GAUGE;
	open_writer(&level, 1);
	writes(false, "@{\"name\":\"level\",\"type\":\"gauge\",\"labels\":{\"id\":\"7\",\"comm\":\"sh\"},"
		      "\"value\":-2147483648}");
}

static void differences_say_so_and_what_has_none_is_left_out(void **state)
{
	struct manifest_value both[] = { calls, level };

	(void)state;
	conf.reset = true;
	copies[1][0] = (struct value){ .calls = 10, .level = 5 };
	copies[0][0] = (struct value){ .calls = 13, .level = 5 };
	open_writer(both, 2);
	writes(true, "@{\"name\":\"calls\",\"type\":\"counter\",\"labels\":{\"id\":\"7\",\"comm\":\"sh\"},\"value\":3,"
		     "\"delta\":true}");
	copies[0][0] = (struct value){ .calls = 10, .level = 7 };
	writes(true, "@{\"name\":\"level\",\"type\":\"counter\",\"labels\":{\"id\":\"7\",\"comm\":\"sh\"},\"value\":2,"
		     "\"delta\":true}");
	copies[0][0] = (struct value){ .calls = 11, .level = 6 };
	writes(true, "@{\"name\":\"calls\",\"type\":\"counter\",\"labels\":{\"id\":\"7\",\"comm\":\"sh\"},\"value\":1,"
		     "\"delta\":true}\n"
		     "@{\"name\":\"level\",\"type\":\"counter\",\"labels\":{\"id\":\"7\",\"comm\":\"sh\"},\"value\":1,"
		     "\"delta\":true}");
	copies[0][0] = copies[1][0];
	writes(true, "");
}

static void no_labels_and_the_cpu(void **state)
{
	(void)state;
	conf.labels.root.fields.n = 0;
	copies[0][0].calls = 1;
	open_writer(&calls, 1);
	writes(false, "@{\"name\":\"calls\",\"type\":\"counter\",\"labels\":{},\"value\":1}");
	conf.per_cpu = true;
	p.copies = 2;
	copies[0][1].calls = 2;
	open_writer(&calls, 1);
	writes(false, "@{\"name\":\"calls\",\"type\":\"counter\",\"labels\":{\"cpu\":\"0\"},\"value\":1}\n"
		      "@{\"name\":\"calls\",\"type\":\"counter\",\"labels\":{\"cpu\":\"1\"},\"value\":2}");
	conf.labels.root.fields.n = 1;
	conf.reset = true;
	copies[1][0].calls = 1;
	open_writer(&calls, 1);
	writes(true, "@{\"name\":\"calls\",\"type\":\"counter\",\"labels\":{\"id\":\"7\",\"cpu\":\"1\"},\"value\":2,"
		     "\"delta\":true}");
}

static void cpus_are_summed(void **state)
{
	(void)state;
	conf.labels.root.fields.n = 0;
	p.copies = CPUS;
	for (uint32_t c = 0; c < CPUS; c++)
		copies[0][c].calls = 1 + c;
	open_writer(&calls, 1);
	writes(false, "@{\"name\":\"calls\",\"type\":\"counter\",\"labels\":{},\"value\":6}");
}

/* ---- labels ------------------------------------------------------------------------------------------------------ */

static void labels_are_texts_whatever_is_in_them(void **state)
{
	(void)state;
	conf.labels.root.fields = (struct conf_list){ &labels[1], 1 };
	memcpy(keys[0].comm, "a\"b\\,:{}\n\001\177", 11);
	open_writer(&calls, 1);
	writes(false, "@{\"name\":\"calls\",\"type\":\"counter\",\"labels\":"
		      "{\"comm\":\"a\\\"b\\\\,:{}\\n\\u0001\\u007f\"},\"value\":0}");
	memset(keys[0].comm, 0, sizeof(keys[0].comm));
	writes(false, "@{\"name\":\"calls\",\"type\":\"counter\",\"labels\":{\"comm\":\"\"},\"value\":0}");
}

static void names_are_escaped(void **state)
{
	static struct layout_field odd = FIELD("a\"}b", UINT, 0, 4);
	struct manifest_value v = calls;

	(void)state;
	v.metric = "x\"y\n";
	conf.labels.root.fields = (struct conf_list){ &odd, 1 };
	open_writer(&v, 1);
	writes(false, "@{\"name\":\"x\\\"y\\n\",\"type\":\"counter\",\"labels\":{\"a\\\"}b\":\"7\"},\"value\":0}");
}

static void each_byte_in_a_label(void **state)
{
	(void)state;
	open_writer(&calls, 1);
	for (int a = 0; a < 256; a++)
		for (int b = 0; b < 256; b++) {
			bool repaired;

			for (size_t i = 0; i < sizeof(keys[0].comm); i++)
				keys[0].comm[i] = (char)(i & 1 ? a : b);
			written(false, &repaired);
			assert_true(!repaired || a >= 0x80 || b >= 0x80);
		}
}

/* All kinds that a label may have, as labels. */
static void labels_of_every_kind(void **state)
{
	static struct layout_field kinds[] = {
		FIELD("i", INT, 0, 4), FIELD("b", BOOL, 4, 1), FIELD("y", BYTES, 4, 3), FIELD("u", UINT, 8, 8),
	};

	(void)state;
	conf.labels.root.fields = (struct conf_list){ kinds, ARRAY_SIZE(kinds) };
	keys[0] = (struct key){ .id = (uint32_t)-9, .comm = { 1, 2, 3, 0, 5 } };
	open_writer(&calls, 1);
	writes(false, "@{\"name\":\"calls\",\"type\":\"counter\",\"labels\":{\"i\":\"-9\",\"b\":\"true\","
		      "\"y\":\"010203\",\"u\":\"5\"},\"value\":0}");
}

/* Whose text could be longer than there is room for. */
static void a_label_without_a_size_is_refused(void **state)
{
	static struct layout_field tail = { .name = "rest", .kind = LAYOUT_TEXT, .offset = 32, .trailing = true };
	static struct layout_field inside = FIELD("x", UINT, 0, 1);
	static struct layout_field array = FIELD("a", ARRAY, 0, 16, .count = 16, .fields = { &inside, 1 });

	(void)state;
	conf.values = (struct conf_list){ &calls, 1 };
	conf.labels.root.fields = (struct conf_list){ &tail, 1 };
	assert_int_equal(sample_writer_init(&w, &p, NULL), -EINVAL);
	sample_writer_fini(&w);
	conf.labels.root.fields = (struct conf_list){ &array, 1 };
	assert_int_equal(sample_writer_init(&w, &p, NULL), -EINVAL);
}

/* ---- histograms -------------------------------------------------------------------------------------------------- */

static void log2_bounds_are_exact(void **state)
{
	struct program_buckets b = { .scale = BUCKETS_LOG2, .step = 5, .first = 9 };

	(void)state;
	assert_int_equal(sample_bucket_bound(&b, 0), 1);
	for (uint32_t i = 1; i < 64; i++) {
		uint64_t bound = sample_bucket_bound(&b, i);

		/* A value is in the slot of its highest bit. */
		assert_int_equal(63 - __builtin_clzll(bound), i);
		if (i < 63)
			assert_int_equal(63 - __builtin_clzll(bound + 1), i + 1);
	}
	assert_true(sample_bucket_bound(&b, 63) == UINT64_MAX);
	assert_true(sample_bucket_bound(&b, 4095) == UINT64_MAX);
}

static void linear_bounds_are_exact(void **state)
{
	struct program_buckets b = { .scale = BUCKETS_LINEAR, .step = 10 };

	(void)state;
	assert_int_equal(sample_bucket_bound(&b, 0), 9);
	assert_int_equal(sample_bucket_bound(&b, 15), 159);
	b.first = 100;
	assert_int_equal(sample_bucket_bound(&b, 0), 109);
	b.step = 1;
	assert_int_equal(sample_bucket_bound(&b, 0), 100);
	b = (struct program_buckets){ .scale = BUCKETS_LINEAR, .step = 1ULL << 48, .first = 1ULL << 62 };
	assert_true(sample_bucket_bound(&b, 4095) == (1ULL << 62) + (1ULL << 60) - 1);
	b.step = UINT64_MAX;
	assert_true(sample_bucket_bound(&b, 0) == UINT64_MAX);
	assert_true(sample_bucket_bound(&b, 1) == UINT64_MAX);
}

static void a_histogram_has_its_used_buckets(void **state)
{
	(void)state;
	conf.labels.root.fields.n = 0;
	conf.buckets.unit = "u\"s";
	copies[0][0].slots[0] = 4;
	copies[0][0].slots[2] = 9;
	copies[0][0].slots[63] = 1;
	open_writer(&slots, 1);
	writes(false, "@{\"name\":\"latency\",\"type\":\"histogram\",\"labels\":{},\"buckets\":[[1,4],[7,9],"
		      "[18446744073709551615,1]],\"count\":14,\"unit\":\"u\\\"s\"}");
	conf.reset = true;
	copies[1][0] = copies[0][0];
	copies[1][0].slots[2] = 2;
	open_writer(&slots, 1);
	writes(true, "@{\"name\":\"latency\",\"type\":\"histogram\",\"labels\":{},\"buckets\":[[7,7]],\"count\":7,"
		     "\"delta\":true,\"unit\":\"u\\\"s\"}");
	copies[1][0] = copies[0][0];
	writes(true, "");
}

/* The longest that there may be, in a room that a sanitizer watches. */
static void the_room_is_enough(void **state)
{
	struct manifest_value all[] = { calls, level, slots };
	bool repaired;

	(void)state;
	conf.per_cpu = conf.reset = true;
	conf.buckets = (struct program_buckets){ .scale = BUCKETS_LINEAR, .step = 1ULL << 48, .first = UINT64_MAX / 2 };
	p.copies = CPUS;
	memset(copies[0], 0x8f, sizeof(copies[0]));
	keys[0].id = UINT32_MAX;
	memset(keys[0].comm, 1, sizeof(keys[0].comm));
	open_writer(all, 3);
	assert_true(strlen(written(false, &repaired)) > CPUS * SLOTS * 40);
}

static void what_no_sink_takes_is_refused(void **state)
{
	struct manifest_value many = { .metric = "m", .offset = 0, .bytes = 8, .slots = MANIFEST_SLOTS_MAX };

	(void)state;
	conf.per_cpu = true;
	p.copies = 1024;
	conf.values = (struct conf_list){ &many, 1 };
	assert_int_equal(sample_writer_init(&w, &p, NULL), -EFBIG);
}

/* ---- stacks ------------------------------------------------------------------------------------------------------ */

static void stack_is(const char *expected)
{
	struct poll_entry e = {};
	size_t len;

	open_writer(NULL, 0);
	len = sample_write_stack(&w, &p, &e);
	assert_true(len <= w.max);
	assert_int_equal(answer_kind(w.text, len), SPOOL_KIND_STACK);
	assert_int_equal(json_check(w.text + 1, len - 1), 0);
	assert_int_equal(len, strlen(expected));
	assert_memory_equal(w.text, expected, len);
}

static void begin_stack(uint32_t value_size, uint32_t flags)
{
	p.is_stack = true;
	p.info.key_size = 4;
	p.info.value_size = p.stride = value_size;
	p.info.map_flags = flags;
	conf.labels.root.fields.n = 0;
}

static void a_stack_ends_at_its_first_0(void **state)
{
	uint64_t *at = (uint64_t *)copies[0];

	(void)state;
	begin_stack(3 * 8, 0);
	stack_is("^{\"stack_id\":7,\"addresses\":[]}");
	at[0] = 0xffffffff81000000, at[1] = 1;
	stack_is("^{\"stack_id\":7,\"addresses\":[\"0xffffffff81000000\",\"0x1\"]}");
	at[2] = UINT64_MAX;
	at[3] = 5;	/* another one's */
	stack_is("^{\"stack_id\":7,\"addresses\":[\"0xffffffff81000000\",\"0x1\",\"0xffffffffffffffff\"]}");
}

static void a_stack_by_build_ids(void **state)
{
	struct bpf_stack_build_id *at = (struct bpf_stack_build_id *)copies[0];

	(void)state;
	begin_stack(4 * sizeof(*at), BPF_F_STACK_BUILD_ID);
	at[0].status = BPF_STACK_BUILD_ID_VALID;
	memset(at[0].build_id, 0xab, sizeof(at[0].build_id));
	at[0].offset = 0x1234;
	at[1].status = BPF_STACK_BUILD_ID_IP;
	at[1].ip = 0x10;
	stack_is("^{\"stack_id\":7,\"addresses\":[\"abababababababababababababababababababab+0x1234\",\"0x10\"]}");
	for (int i = 0; i < 4; i++) {
		at[i] = at[0];
		at[i].offset = UINT64_MAX;
	}
	open_writer(NULL, 0);
	assert_true(sample_write_stack(&w, &p, &(struct poll_entry){}) <= w.max);
}

#define sample_test(f) cmocka_unit_test_setup_teardown(f, fresh, closed)

int main(void)
{
	const struct CMUnitTest tests[] = {
		sample_test(a_counter_and_a_gauge),
		sample_test(differences_say_so_and_what_has_none_is_left_out),
		sample_test(no_labels_and_the_cpu),
		sample_test(cpus_are_summed),
		sample_test(labels_are_texts_whatever_is_in_them),
		sample_test(names_are_escaped),
		sample_test(each_byte_in_a_label),
		sample_test(labels_of_every_kind),
		sample_test(a_label_without_a_size_is_refused),
		sample_test(log2_bounds_are_exact),
		sample_test(linear_bounds_are_exact),
		sample_test(a_histogram_has_its_used_buckets),
		sample_test(the_room_is_enough),
		sample_test(what_no_sink_takes_is_refused),
		sample_test(a_stack_ends_at_its_first_0),
		sample_test(a_stack_by_build_ids),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
