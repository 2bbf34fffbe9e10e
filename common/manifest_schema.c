/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The manifest as tables. manifest_format.c writes what these read. */
#include <errno.h>
#include <string.h>

#include "manifest.h"
#include "program.h"
#include "../abi/spool.h"

#define ROW(type_, kind, member, ...) { #member, kind, offsetof(struct type_, member), ##__VA_ARGS__ }

static const struct conf_key prog_keys[] = {
	ROW(manifest_prog, CONF_STR, name, .flags = CONF_REQUIRED),
	ROW(manifest_prog, CONF_STR, type),
	ROW(manifest_prog, CONF_STR, section),
	ROW(manifest_prog, CONF_STR, state, .flags = CONF_REQUIRED),
	ROW(manifest_prog, CONF_STR, cause),
	ROW(manifest_prog, CONF_UINT, prog_id),
	ROW(manifest_prog, CONF_UINT, link_id),
	{ 0 },
};
static const struct conf_schema prog_schema = {
	.name = "a prog", .size = sizeof(struct manifest_prog), .keys = prog_keys, .bare = true,
};

static const struct conf_key map_keys[] = {
	ROW(manifest_map, CONF_STR, name, .flags = CONF_REQUIRED),
	ROW(manifest_map, CONF_STR, type),
	ROW(manifest_map, CONF_UINT, id),
	ROW(manifest_map, CONF_UINT, key_size),
	ROW(manifest_map, CONF_UINT, value_size),
	ROW(manifest_map, CONF_UINT, max_entries),
	{ 0 },
};
static const struct conf_schema map_schema = {
	.name = "a map", .size = sizeof(struct manifest_map), .keys = map_keys, .bare = true,
};

static const struct conf_key function_keys[] = {
	ROW(manifest_function, CONF_STR, name, .flags = CONF_REQUIRED),
	ROW(manifest_function, CONF_ENUM, type, "default", .choices = function_type_names),
	ROW(manifest_function, CONF_BOOL, initfile),
	{ 0 },
};
static const struct conf_schema function_schema = {
	.name = "a function", .size = sizeof(struct manifest_function), .keys = function_keys, .bare = true,
};

static const struct conf_key item_keys[] = {
	ROW(manifest_item, CONF_NAME, name, .flags = CONF_REQUIRED),
	ROW(manifest_item, CONF_STR, type, .flags = CONF_REQUIRED),
	ROW(manifest_item, CONF_STR, path),
	ROW(manifest_item, CONF_STR, sha256),
	ROW(manifest_item, CONF_STR, artifact),
	ROW(manifest_item, CONF_STR, initfile),
	ROW(manifest_item, CONF_STR, initfile_sha256),
	ROW(manifest_item, CONF_STR, initfile_artifact),
	ROW(manifest_item, CONF_LIST, functions, .sub = &function_schema),
	ROW(manifest_item, CONF_LIST, progs, .sub = &prog_schema),
	ROW(manifest_item, CONF_LIST, maps, .sub = &map_schema),
	{ 0 },
};
static const struct conf_schema item_schema = {
	.name = "an item", .size = sizeof(struct manifest_item), .keys = item_keys, .bare = true,
};

static bool lies_within(int64_t offset, uint64_t bytes, uint64_t size)
{
	return offset == -1 || (offset >= 0 && bytes <= size && (uint64_t)offset <= size - bytes);
}

static const struct conf_key value_keys[] = {
	ROW(manifest_value, CONF_STR, metric, .flags = CONF_REQUIRED),
	ROW(manifest_value, CONF_UINT, offset),
	ROW(manifest_value, CONF_UINT, bytes, .flags = CONF_REQUIRED),
	ROW(manifest_value, CONF_BOOL, is_signed),
	ROW(manifest_value, CONF_UINT, slots, .max = MANIFEST_SLOTS_MAX),
	{ 0 },
};
static const struct conf_schema value_schema = {
	.name = "a value", .size = sizeof(struct manifest_value), .keys = value_keys, .bare = true,
};

static const struct conf_key poll_keys[] = {
	ROW(manifest_poll, CONF_UINT, interval_ns, .min = 1),
	ROW(manifest_poll, CONF_BOOL, reset),
	ROW(manifest_poll, CONF_BOOL, per_cpu),
	ROW(manifest_poll, CONF_ENUM, kind, .choices = metric_kind_names),
	ROW(manifest_poll, CONF_UINT, key_size, .max = LAYOUT_SIZE_MAX),
	ROW(manifest_poll, CONF_UINT, value_size, .max = LAYOUT_SIZE_MAX),
	ROW(manifest_poll, CONF_STRUCT, labels, .sub = &layout_schema),
	ROW(manifest_poll, CONF_LIST, values, .sub = &value_schema, .max = LAYOUT_FIELDS_MAX),
	ROW(manifest_poll, CONF_STRUCT, buckets, .sub = &program_buckets_schema),
	{ 0 },
};
static const struct conf_schema poll_schema = {
	.name = "how a map is read", .size = sizeof(struct manifest_poll), .keys = poll_keys,
};

static bool value_fits(const struct manifest_value *v, uint64_t size)
{
	uint64_t bytes = v->bytes * MAX(v->slots, 1UL);

	return (v->bytes == 1 || v->bytes == 2 || v->bytes == 4 || v->bytes == 8) && bytes <= size &&
	       v->offset <= size - bytes;
}

static int check_poll(const struct yaml_node *n, const struct manifest_channel *c, struct diag *d)
{
	const struct manifest_poll *p = &c->poll;
	const struct manifest_value *v = p->values.items;

	if (!p->labels.name || !p->key_size || !p->value_size || !p->interval_ns ||
	    p->labels.size != p->key_size + p->value_size)
		return diag_fail(d, -EINVAL, n->file, n->line, "poll: is missing in channel %s, or makes no sense",
				 c->name);
	for (size_t i = 0; i < p->values.n; i++)
		if (!value_fits(&v[i], p->value_size))
			return diag_fail(d, -EINVAL, n->file, n->line, "poll: %s is not within the value of channel %s",
					 v[i].metric, c->name);
	return 0;
}

static int check_channel(struct arena *a, const struct yaml_node *n, void *obj, struct diag *d)
{
	struct manifest_channel *c = obj;

	(void)a;
	if (c->has_layout && !c->layout.name)
		return diag_fail(d, -EINVAL, n->file, n->line, "layout: is missing in channel %s", c->name);
	if (c->ts_offset != -1 && (c->ts_bytes != 8 || !lies_within(c->ts_offset, 8, c->layout.size)))
		return diag_fail(d, -EINVAL, n->file, n->line, "ts_offset: is not within the record of channel %s",
				 c->name);
	if (c->pid_offset != -1 && ((c->pid_bytes != 4 && c->pid_bytes != 8) ||
				    !lies_within(c->pid_offset, c->pid_bytes, c->layout.size)))
		return diag_fail(d, -EINVAL, n->file, n->line, "pid_offset: is not within the record of channel %s",
				 c->name);
	if (c->type == CHANNEL_PIPE && !c->path)
		return diag_fail(d, -EINVAL, n->file, n->line, "path: is missing in channel %s", c->name);
	return c->type == CHANNEL_MAP ? check_poll(n, c, d) : 0;
}

static const struct conf_key channel_keys[] = {
	ROW(manifest_channel, CONF_NAME, name, .flags = CONF_REQUIRED),
	ROW(manifest_channel, CONF_ENUM, type, .choices = channel_type_names, .flags = CONF_REQUIRED),
	ROW(manifest_channel, CONF_STR, item),
	ROW(manifest_channel, CONF_STR, map),
	ROW(manifest_channel, CONF_UINT, map_id),
	ROW(manifest_channel, CONF_UINT, size),
	ROW(manifest_channel, CONF_UINT, cpus),
	ROW(manifest_channel, CONF_BOOL, lost_unknown),
	ROW(manifest_channel, CONF_STR, counts),
	ROW(manifest_channel, CONF_BOOL, has_layout),
	ROW(manifest_channel, CONF_STRUCT, layout, .sub = &layout_schema),
	ROW(manifest_channel, CONF_INT, ts_offset, "-1"),
	ROW(manifest_channel, CONF_INT, pid_offset, "-1"),
	ROW(manifest_channel, CONF_UINT, ts_bytes),
	ROW(manifest_channel, CONF_UINT, pid_bytes),
	ROW(manifest_channel, CONF_STR, ts_field),
	ROW(manifest_channel, CONF_STR, pid_field),
	ROW(manifest_channel, CONF_STRUCT, poll, .sub = &poll_schema),
	ROW(manifest_channel, CONF_STR, path),
	ROW(manifest_channel, CONF_BOOL, made),
	ROW(manifest_channel, CONF_BOOL, writers),
	ROW(manifest_channel, CONF_UINT, inode),
	{ 0 },
};
static const struct conf_schema channel_schema = {
	.name = "a channel", .size = sizeof(struct manifest_channel), .keys = channel_keys, .bare = true,
	.check = check_channel,
};

static const struct conf_key sink_keys[] = {
	ROW(manifest_sink, CONF_STR, sink, .flags = CONF_REQUIRED),
	ROW(manifest_sink, CONF_NODE, options, .flags = CONF_NULL_OK),
	ROW(manifest_sink, CONF_BOOL, off),
	{ 0 },
};
static const struct conf_schema sink_schema = {
	.name = "a sink", .size = sizeof(struct manifest_sink), .keys = sink_keys, .bare = true,
};

static const struct conf_key route_keys[] = {
	ROW(manifest_route, CONF_UINT, channel, .flags = CONF_REQUIRED),
	ROW(manifest_route, CONF_UINT, event, .max = UINT16_MAX),
	ROW(manifest_route, CONF_STR, event_name),
	ROW(manifest_route, CONF_STR, processor),
	ROW(manifest_route, CONF_STR, function),
	ROW(manifest_route, CONF_STR, hash_item),
	ROW(manifest_route, CONF_STR, hash_function),
	ROW(manifest_route, CONF_INT, key_offset, "-1"),
	ROW(manifest_route, CONF_UINT, key_bytes),
	ROW(manifest_route, CONF_STR, key),
	ROW(manifest_route, CONF_LIST, sinks, .sub = &sink_schema),
	{ 0 },
};
static const struct conf_schema route_schema = {
	.name = "a route", .size = sizeof(struct manifest_route), .keys = route_keys, .bare = true,
};

static int check_manifest(struct arena *a, const struct yaml_node *n, void *obj, struct diag *d)
{
	struct manifest *m = obj;
	size_t i;

	(void)a;
	if (m->version != MANIFEST_VERSION)
		return diag_fail(d, -EINVAL, n->file, n->line, "version: this manifest was written by another version");
	for (i = 0; i < m->routes.n; i++) {
		const struct manifest_route *r = (const struct manifest_route *)m->routes.items + i;
		const struct manifest_channel *c = m->channels.items;

		if (r->channel >= m->channels.n)
			return diag_fail(d, -EINVAL, n->file, n->line,
					 "routes: route %zu names a channel that is not there", i);
		c += r->channel;
		if (!r->processor && !c->has_layout && c->type != CHANNEL_PIPE)
			return diag_fail(d, -EINVAL, n->file, n->line,
					 "routes: route %zu has neither a processor nor a layout", i);
		if (!lies_within(r->key_offset, r->key_bytes, c->layout.size))
			return diag_fail(d, -EINVAL, n->file, n->line,
					 "routes: the key of route %zu is not within the record", i);
	}
	return 0;
}

static const char *const state_names[] = { [MANIFEST_LOADED] = "loaded", [MANIFEST_DRAINING] = "draining", NULL };

static const struct conf_key manifest_keys[] = {
	ROW(manifest, CONF_UINT, version, .flags = CONF_REQUIRED),
	ROW(manifest, CONF_UINT, generation),
	ROW(manifest, CONF_NAME, program, .flags = CONF_REQUIRED),
	ROW(manifest, CONF_ENUM, state, .choices = state_names, .flags = CONF_REQUIRED),
	ROW(manifest, CONF_STR, file),
	ROW(manifest, CONF_STR, description),
	ROW(manifest, CONF_STR, loaded_at),
	ROW(manifest, CONF_STR, boot_id),
	ROW(manifest, CONF_STRS, degraded),
	ROW(manifest, CONF_STRS, warnings),
	ROW(manifest, CONF_UINT, spool_size),
	ROW(manifest, CONF_ENUM, spool_full, .choices = spool_full_names),
	ROW(manifest, CONF_LIST, items, .sub = &item_schema, .max = PROGRAM_MAX_ITEMS),
	ROW(manifest, CONF_LIST, channels, .sub = &channel_schema, .max = SPOOL_MAX_CHANNELS),
	ROW(manifest, CONF_LIST, routes, .sub = &route_schema, .max = SPOOL_MAX_ROUTES),
	{ 0 },
};
const struct conf_schema manifest_schema = {
	.name = "a manifest", .size = sizeof(struct manifest), .keys = manifest_keys, .check = check_manifest,
};
