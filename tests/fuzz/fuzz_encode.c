/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A layout as it may stand in a manifest, and a record: what the worker makes of it is one line of valid JSON, within
 * the room that it asked for. */
#include "channeld/encode.h"
#include "common/json.h"
#include "common/manifest.h"
#include "common/program.h"
#include "fuzz.h"

#define FIELDS 24

struct source {
	struct fuzz f;
	struct layout_field fields[FIELDS];
	size_t used;
	char names[FIELDS][8];
};

static struct layout_value values[] = { { "ONE", 1 }, { "MINUS", -1 }, { "BIG", INT64_MAX }, { "LEAST", INT64_MIN } };

static void make_field(struct source *s, struct layout_field *to, unsigned depth)
{
	static const unsigned sizes[] = { 8, 16, 32, 64, 128, 0, 24, 7 };
	size_t n = 0, i;

	i = (size_t)(to - s->fields);
	snprintf(s->names[i], sizeof(s->names[i]), "f%zu", i);
	*to = (struct layout_field){
		.name = s->names[i], .kind = (int)fuzz_below(&s->f, LAYOUT_STRV + 1),
		.bits = sizes[fuzz_below(&s->f, 8)],
		.offset = fuzz_below(&s->f, 64) * (fuzz_below(&s->f, 4) ? 8 : 1),
	};
	to->trailing = fuzz_below(&s->f, 8) == 0;
	if (to->kind == LAYOUT_ENUM) {
		to->is_signed = fuzz_below(&s->f, 2);
		to->values = (struct conf_list){ values, fuzz_below(&s->f, 5) };
	}
	if (to->kind == LAYOUT_STRUCT || to->kind == LAYOUT_UNION)
		n = fuzz_below(&s->f, 4);
	else if (to->kind == LAYOUT_ARRAY)
		n = 1;
	if (to->kind == LAYOUT_ARRAY)
		to->count = fuzz_below(&s->f, 6);
	if (to->kind >= LAYOUT_TEXT && to->kind <= LAYOUT_IP)
		to->bits = fuzz_below(&s->f, 40) * 8;
	if (depth > 4 || s->used + n > FIELDS)
		n = 0;
	to->fields = (struct conf_list){ s->fields + s->used, n };
	s->used += n;
	for (i = 0; i < n; i++)
		make_field(s, (struct layout_field *)to->fields.items + i, depth + 1);
	if (to->kind == LAYOUT_ARRAY && n)
		((struct layout_field *)to->fields.items)->name = "";
}

/* As loaderd writes it and channeld reads it: only what passes those checks is encoded. */
static char *manifest_of(struct source *s)
{
	struct manifest_route route = { .event_name = "e", .key_offset = -1 };
	struct manifest_channel channel = { .name = "c", .type = CHANNEL_RING_BUFFER, .ts_offset = -1, .pid_offset = -1,
					    .has_layout = true };
	struct manifest m = { .version = MANIFEST_VERSION, .program = "p", .channels = { &channel, 1 },
			      .routes = { &route, 1 } };
	struct layout_field root = { .name = "", .kind = LAYOUT_STRUCT };
	size_t n = 1 + fuzz_below(&s->f, 6);

	channel.layout = (struct layout){ .name = "e", .size = fuzz_below(&s->f, 128), .source = "fields" };
	root.bits = channel.layout.size * 8;
	s->used = n;
	for (size_t i = 0; i < n; i++)
		make_field(s, &s->fields[i], 1);
	root.fields = (struct conf_list){ s->fields, n };
	channel.layout.root = root;
	return manifest_format(&m);
}

static void encode(const struct plan *p, struct fuzz *f)
{
	size_t len = p->size + (p->has_tail ? fuzz_below(f, 200) : 0), max;
	char *record = malloc(len + PLAN_SLACK), *out, *end;
	bool repaired = false;

	fuzz_bytes(f, record, len);
	memset(record + len, 'X', PLAN_SLACK);
	max = encode_max(p, record, (uint32_t)len);
	out = max == SIZE_MAX ? NULL : malloc(max);
	if (out) {
		end = encode_record(p, out, record, (uint32_t)len, &repaired);
		must(!end || (size_t)(end - out) + PLAN_SLACK <= max);
		must(!end || json_check(out, (size_t)(end - out)) == 0);
	}
	free(out);
	free(record);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct source s = { .f = { data, size } };
	struct arena *a = arena_new(0);
	struct diag d = { 0 };
	char *text = manifest_of(&s);
	struct plan *p = NULL;
	struct manifest *m;

	if (text && manifest_parse(a, text, strlen(text), &m, &d) == 0 &&
	    plan_new(&((const struct manifest_channel *)m->channels.items)->layout, &p, &d) == 0)
		encode(p, &s.f);
	plan_free(p);
	free(text);
	diag_fini(&d);
	arena_free(a);
	return 0;
}
