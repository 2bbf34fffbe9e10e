/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sample.h"

#include <errno.h>
#include <linux/bpf.h>
#include <string.h>

#include "../common/json.h"
#include "encode_put.h"
#include "transport.h"

#define TEXT_MAX (4u << 20)		/* of all samples of an entry; what can go out is far less */
#define NUMBER_MAX 21

static const struct manifest_value *values_of(const struct poll *p)
{
	return p->conf->values.items;
}

uint64_t sample_bucket_bound(const struct program_buckets *b, uint32_t i)
{
	uint64_t end;

	if (b->scale == BUCKETS_LOG2)
		return i >= 63 ? UINT64_MAX : (2ULL << i) - 1;
	if (__builtin_mul_overflow((uint64_t)i + 1, b->step, &end) || __builtin_add_overflow(end, b->first, &end))
		return UINT64_MAX;
	return end - 1;
}

/* ---- what is the same for all entries ---------------------------------------------------------------------------- */

static char *escaped(const char *text)
{
	size_t len = strlen(text);
	char *ret = malloc(6 * len + 1);
	bool repaired = false;

	if (ret)
		ret[json_escape(ret, text, len, &repaired)] = '\0';
	return ret;
}

static int make_head(const struct poll *p, const struct manifest_value *v, char **ret)
{
	cleanup(freep) char *name = escaped(v->metric);
	const char *type = v->slots ? "histogram" : p->conf->kind == METRIC_GAUGE ? "gauge" : "counter";

	if (!name || asprintf(ret, "%c{\"name\":\"%s\",\"type\":\"%s\",\"labels\":", TRACER_SAMPLE, name, type) < 0) {
		*ret = NULL;
		return -ENOMEM;
	}
	return 0;
}

static int make_unit(const struct poll *p, char **ret)
{
	cleanup(freep) char *unit = p->conf->buckets.unit ? escaped(p->conf->buckets.unit) : NULL;

	if (p->conf->buckets.unit && !unit)
		return -ENOMEM;
	*ret = NULL;
	if (asprintf(ret, "%s%s%s", unit ? ",\"unit\":\"" : "", unit ?: "", unit ? "\"" : "") < 0)
		return -ENOMEM;
	return 0;
}

/* Quotes for each that is no text already, and a label cpu. */
static size_t labels_max(const struct sample_writer *w, const struct poll *p)
{
	return w->labels->max + 2 * p->conf->labels.root.fields.n + sizeof(",\"cpu\":\"4294967295\"") + PLAN_SLACK;
}

static size_t sample_max(const struct sample_writer *w, const struct poll *p, size_t i)
{
	return strlen(w->heads[i]) + labels_max(w, p) + strlen(w->unit) + 128 +
	       values_of(p)[i].slots * (2 * NUMBER_MAX + 4);
}

static int make_room(struct sample_writer *w, const struct poll *p)
{
	size_t max = PLAN_SLACK;

	for (size_t i = 0; i < w->n_values; i++)
		max += sample_max(w, p, i) * (p->conf->per_cpu ? p->copies : 1);
	if (p->is_stack)
		max += 128 + p->info.value_size / 8 * 64;
	if (max > TEXT_MAX)
		return -EFBIG;
	w->max = max;
	w->text = malloc(max);
	w->label_text = malloc(labels_max(w, p));
	w->label_plain = malloc(labels_max(w, p));
	return w->text && w->label_text && w->label_plain ? 0 : -ENOMEM;
}

/* What quote_values() can take, and has room for. */
static bool is_flat(const struct layout *labels)
{
	const struct layout_field *f = labels->root.fields.items;

	for (size_t i = 0; i < labels->root.fields.n; i++)
		if (f[i].trailing || f[i].fields.n)
			return false;
	return true;
}

int sample_writer_init(struct sample_writer *w, const struct poll *p, struct diag *d)
{
	int err = plan_new(&p->conf->labels, &w->labels, d);

	if (err == 0 && !is_flat(&p->conf->labels))
		err = diag_fail(d, -EINVAL, NULL, 0, "a label of map '%s' is no single value of a known size",
				p->info.name);
	if (err == 0)
		err = make_unit(p, &w->unit);
	w->heads = calloc(p->conf->values.n + 1, sizeof(*w->heads));
	if (err == 0 && !w->heads)
		err = -ENOMEM;
	for (size_t i = 0; i < p->conf->values.n && err == 0; i++, w->n_values++)
		err = make_head(p, &values_of(p)[i], &w->heads[i]);
	if (err == 0)
		err = make_room(w, p);
	return err;
}

void sample_writer_fini(struct sample_writer *w)
{
	for (size_t i = 0; i < w->n_values; i++)
		free(w->heads[i]);
	free(w->heads);
	free(w->unit);
	free(w->text);
	free(w->label_text);
	free(w->label_plain);
	plan_free(w->labels);
	*w = (struct sample_writer){};
}

/* ---- labels ------------------------------------------------------------------------------------------------------ */

static const char *end_of_text(const char *s)
{
	for (s++; *s != '"'; s++)
		s += *s == '\\';
	return s + 1;
}

/* {"a":1,"b":"x"} becomes {"a":"1","b":"x"}: a flat object, as encode_record() writes it. */
static size_t quote_values(char *out, const char *s, const char *end)
{
	char *begin = out;

	while (s < end) {
		const char *from = s;

		if (*s == '"') {
			s = end_of_text(s);
			out = mempcpy(out, from, (size_t)(s - from));
		} else if (*s == '{' || *s == '}' || *s == ',' || *s == ':') {
			*out++ = *s++;
		} else {
			s += strcspn(s, ",}");
			*out++ = '"';
			out = mempcpy(out, from, (size_t)(s - from));
			*out++ = '"';
		}
	}
	return (size_t)(out - begin);
}

static void write_labels(struct sample_writer *w, const struct poll *p, const uint8_t *record, bool *repaired)
{
	char *end = encode_record(w->labels, w->label_plain, record, poll_record_len(p), repaired);

	w->label_len = quote_values(w->label_text, w->label_plain, end);
}

/* ---- samples ----------------------------------------------------------------------------------------------------- */

static char *put_text(char *out, const char *text)
{
	return mempcpy(out, text, strlen(text));
}

static char *put_labels(char *out, const struct sample_writer *w, uint32_t cpu)
{
	size_t len = w->label_len - 1;	/* without its brace */

	out = mempcpy(out, w->label_text, len);
	if (cpu != POLL_ALL_CPUS) {
		out = put_text(out, len > 1 ? ",\"cpu\":\"" : "\"cpu\":\"");
		out = put_u64(out, cpu);
		*out++ = '"';
	}
	*out++ = '}';
	return out;
}

static char *put_buckets(char *out, const struct poll *p, const struct poll_entry *e, const struct manifest_value *v,
			 uint32_t cpu, uint64_t *ret_count)
{
	uint64_t count = 0;

	out = put_text(out, ",\"buckets\":[");
	for (uint32_t slot = 0; slot < v->slots; slot++) {
		uint64_t n = poll_value(p, e, v, slot, cpu);

		if (!n)
			continue;
		if (count)
			*out++ = ',';
		*out++ = '[';
		out = put_u64(out, sample_bucket_bound(&p->conf->buckets, slot));
		*out++ = ',';
		out = put_u64(out, n);
		*out++ = ']';
		count += n;
	}
	out = put_text(out, "],\"count\":");
	*ret_count = count;
	return put_u64(out, count);
}

/* One sample; nothing, if `reset` says that nothing was added. */
static char *put_sample(char *out, const struct sample_writer *w, const struct poll *p, const struct poll_entry *e,
			size_t i, uint32_t cpu)
{
	const struct manifest_value *v = &values_of(p)[i];
	uint64_t what;
	char *begin = out;

	if (out > w->text)
		*out++ = '\n';
	out = put_labels(put_text(out, w->heads[i]), w, cpu);
	if (v->slots) {
		out = put_buckets(out, p, e, v, cpu, &what);
	} else {
		what = poll_value(p, e, v, 0, cpu);
		out = put_text(out, ",\"value\":");
		out = v->is_signed ? put_i64(out, (int64_t)what) : put_u64(out, what);
	}
	if (p->conf->reset && what == 0)
		return begin;
	if (p->conf->reset)
		out = put_text(out, ",\"delta\":true");
	if (v->slots)
		out = put_text(out, w->unit);
	*out++ = '}';
	return out;
}

size_t sample_write(struct sample_writer *w, const struct poll *p, const struct poll_entry *e, const uint8_t *record,
		    bool *ret_repaired)
{
	char *out = w->text;

	write_labels(w, p, record, ret_repaired);
	for (size_t i = 0; i < w->n_values; i++) {
		if (!p->conf->per_cpu) {
			out = put_sample(out, w, p, e, i, POLL_ALL_CPUS);
			continue;
		}
		for (uint32_t cpu = 0; cpu < p->copies; cpu++)
			out = put_sample(out, w, p, e, i, cpu);
	}
	return (size_t)(out - w->text);
}

/* ---- stacks ------------------------------------------------------------------------------------------------------ */

/* "0x…" */
static char *put_address(char *out, uint64_t address)
{
	out = put_text(out, "\"0x");
	out = put_hex(out, address);
	*out++ = '"';
	return out;
}

/* "build id+0x…": where in a file, however often it is mapped (BPF_F_STACK_BUILD_ID). */
static char *put_build_id(char *out, const struct bpf_stack_build_id *b)
{
	if (b->status != BPF_STACK_BUILD_ID_VALID)
		return put_address(out, b->ip);
	out = encode_bytes(out, b->build_id, sizeof(b->build_id)) - 1;	/* without its closing quote */
	out = put_text(out, "+0x");
	out = put_hex(out, b->offset);
	*out++ = '"';
	return out;
}

size_t sample_write_stack(struct sample_writer *w, const struct poll *p, const struct poll_entry *e)
{
	bool by_build_id = p->info.map_flags & BPF_F_STACK_BUILD_ID;
	size_t size = by_build_id ? sizeof(struct bpf_stack_build_id) : sizeof(uint64_t);
	const uint8_t *at = poll_copies(p, p->now, e->now), *end = at + p->info.value_size;
	char *out = w->text;
	uint32_t id;

	memcpy(&id, poll_key(p, p->now, e->now), sizeof(id));
	*out++ = ANSWER_STACK;
	out = put_u64(put_text(out, "{\"stack_id\":"), id);
	out = put_text(out, ",\"addresses\":[");
	for (const uint8_t *first = at; at + size <= end; at += size) {
		struct bpf_stack_build_id b;
		uint64_t address;

		memcpy(&b, at, MIN(size, sizeof(b)));
		memcpy(&address, at, sizeof(address));
		if (by_build_id ? b.status == BPF_STACK_BUILD_ID_EMPTY : address == 0)
			break;
		if (at > first)
			*out++ = ',';
		out = by_build_id ? put_build_id(out, &b) : put_address(out, address);
	}
	return (size_t)(put_text(out, "]}") - w->text);
}
