/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "show.h"

#include <inttypes.h>
#include <string.h>

#include "../common/conf_text.h"
#include "../common/program.h"
#include "rows.h"

static void show_map_name(const struct manifest_channel *ch)
{
	printf("  map         %s.%s  id %" PRIu64, ch->item ?: "?", ch->map ?: "?", ch->map_id);
}

/* ---- rings and perf buffers -------------------------------------------------------------------------------------- */

static void show_buffer(const struct manifest *m, const struct manifest_channel *ch)
{
	(void)m;
	show_map_name(ch);
	printf("  %" PRIu64 " bytes", ch->size);
	if (ch->cpus)
		printf(" on each of %" PRIu64 " CPU%s", ch->cpus, ch->cpus == 1 ? "" : "s");
	putchar('\n');
	show_line("  counts", ch->counts ?: "none: what was produced is unknown");
	if (ch->has_layout) {
		printf("  event       struct ");
		print_plain(stdout, ch->layout.name);
		printf(", %" PRIu64 " bytes, by %s\n", ch->layout.size, ch->layout.source);
	}
	show_line("  time", ch->ts_field ?: ch->type == CHANNEL_PERF_BUFFER ? "the kernel's, of each record" :
									      "when it is drained");
}

/* ---- maps -------------------------------------------------------------------------------------------------------- */

static const struct manifest_map *find_map(const struct manifest *m, const struct manifest_channel *ch)
{
	const struct manifest_item *items = m->items.items;

	for (size_t i = 0; i < m->items.n; i++) {
		const struct manifest_map *maps = items[i].maps.items;

		for (size_t k = 0; k < items[i].maps.n; k++)
			if (maps[k].id == ch->map_id)
				return &maps[k];
	}
	return NULL;
}

static void show_value(const struct manifest_poll *p, const struct manifest_value *v)
{
	printf("  metric      ");
	print_plain(stdout, v->metric);
	if (!v->slots) {
		printf("  %s\n", metric_kind_names[p->kind]);
		return;
	}
	printf("  histogram, %" PRIu64 " slots, %s", v->slots, bucket_scale_names[p->buckets.scale]);
	if (p->buckets.scale == BUCKETS_LINEAR)
		printf(" by %" PRIu64 " from %" PRIu64, p->buckets.step, p->buckets.first);
	if (p->buckets.unit && p->buckets.unit[0]) {
		printf(", in ");
		print_plain(stdout, p->buckets.unit);
	}
	putchar('\n');
}

static void show_labels(const struct manifest_poll *p)
{
	const struct layout_field *labels = p->labels.root.fields.items;

	printf("  labels      ");
	for (size_t i = 0; i < p->labels.root.fields.n; i++) {
		print_plain(stdout, labels[i].name);
		printf("%s", i + 1 < p->labels.root.fields.n || p->per_cpu ? ", " : "");
	}
	puts(p->per_cpu ? "cpu" : p->labels.root.fields.n ? "" : "none");
}

static void show_map(const struct manifest *m, const struct manifest_channel *ch)
{
	const struct manifest_map *map = find_map(m, ch);
	const struct manifest_poll *p = &ch->poll;
	const struct manifest_value *values = p->values.items;
	bool is_stack = map && map->type && !strcmp(map->type, "stack_trace");
	char interval[CONF_NUMBER_MAX];

	show_map_name(ch);
	if (map)
		printf("  %s of %" PRIu64 " entries", map->type ?: "?", map->max_entries);
	printf("\n  entry       %" PRIu64 " bytes of key, %" PRIu64 " of value%s, by %s\n", p->key_size, p->value_size,
	       p->per_cpu ? " on each CPU" : "", ch->layout.source);
	conf_format_time(p->interval_ns, interval);
	printf("  read        every %s; %s\n", interval,
	       is_stack ? "each stack is given once" : p->reset ? "what was added since the reading before (reset)" :
								  "what it says then");
	for (size_t i = 0; i < p->values.n; i++)
		show_value(p, &values[i]);
	if (p->values.n)
		show_labels(p);
	else if (!is_stack)
		show_line("  metric", "none: only processors can say anything of its values");
	show_line("  time", "of the reading");
}

/* ---- pipes ------------------------------------------------------------------------------------------------------- */

static void show_pipe(const struct manifest *m, const struct manifest_channel *ch)
{
	(void)m;
	printf("  fifo        ");
	show_path(ch->path);
	printf("\n  writers     %s\n", !ch->made ? "as it says itself: it was there before, and stays" :
				      ch->writers ? "anybody" : "root, and the group that its file has");
	show_line("  time", "when the line was read");
}

/* ---- a channel --------------------------------------------------------------------------------------------------- */

void show_channel(const struct ctl *c, const struct manifest *m, const struct manifest_channel *ch)
{
	static void (*const by_type[])(const struct manifest *, const struct manifest_channel *) = {
		[CHANNEL_RING_BUFFER] = show_buffer,
		[CHANNEL_PERF_BUFFER] = show_buffer,
		[CHANNEL_MAP] = show_map,
		[CHANNEL_PIPE] = show_pipe,
	};
	char title[256];

	snprintf(title, sizeof(title), "channel %s (%s)", ch->name, channel_type_names[ch->type]);
	show_heading(c, title);
	by_type[ch->type](m, ch);
	show_line("  process", ch->pid_field);
}
