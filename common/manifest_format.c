/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A manifest as JSON. Every key here has its row in manifest_schema.c. */
#include <string.h>

#include "json.h"
#include "manifest.h"
#include "program.h"

#define EACH(type_, it, list) \
	(struct type_ *it = (list)->items; it < (struct type_ *)(list)->items + (list)->n; it++)

/* Texts that are NULL are left out. */
static void text(struct json *j, const char *key, const char *value)
{
	if (value)
		json_str(j, key, value);
}

static void texts(struct json *j, const char *key, const struct conf_strs *s)
{
	size_t i;

	json_open_array(j, key);
	for (i = 0; i < s->n; i++)
		json_str(j, NULL, s->s[i]);
	json_close_array(j);
}

static bool is_json_word(const struct yaml_node *n)
{
	return n->plain && (!strcmp(n->value, "true") || !strcmp(n->value, "false") ||
			    (strchr("-0123456789", n->value[0]) && !json_check(n->value, strlen(n->value))));
}

static void write_node(struct json *j, const char *key, const struct yaml_node *n)
{
	size_t i;

	if (yaml_is_null(n)) {
		json_str(j, key, NULL);
	} else if (n->kind == YAML_NODE_SCALAR) {
		if (is_json_word(n))
			json_raw(j, key, n->value, strlen(n->value));
		else
			json_str(j, key, n->value);
	} else if (n->kind == YAML_NODE_SEQUENCE) {
		json_open_array(j, key);
		for (i = 0; i < n->n; i++)
			write_node(j, NULL, n->items[i]);
		json_close_array(j);
	} else {
		json_open_object(j, key);
		for (i = 0; i < n->n; i++)
			write_node(j, n->keys[i], n->items[i]);
		json_close_object(j);
	}
}

static void write_item(struct json *j, const struct manifest_item *i)
{
	json_open_object(j, NULL);
	text(j, "name", i->name);
	text(j, "type", i->type);
	text(j, "path", i->path);
	text(j, "sha256", i->sha256);
	text(j, "artifact", i->artifact);
	text(j, "initfile", i->initfile);
	text(j, "initfile_sha256", i->initfile_sha256);
	text(j, "initfile_artifact", i->initfile_artifact);
	json_open_array(j, "functions");
	for EACH(manifest_function, f, &i->functions) {
		json_open_object(j, NULL);
		text(j, "name", f->name);
		json_str(j, "type", function_type_names[f->type]);
		json_bool(j, "initfile", f->initfile);
		json_close_object(j);
	}
	json_close_array(j);
	json_open_array(j, "progs");
	for EACH(manifest_prog, p, &i->progs) {
		json_open_object(j, NULL);
		text(j, "name", p->name);
		text(j, "type", p->type);
		text(j, "section", p->section);
		text(j, "state", p->state);
		text(j, "cause", p->cause);
		json_u64(j, "prog_id", p->prog_id);
		json_u64(j, "link_id", p->link_id);
		json_close_object(j);
	}
	json_close_array(j);
	json_open_array(j, "maps");
	for EACH(manifest_map, m, &i->maps) {
		json_open_object(j, NULL);
		text(j, "name", m->name);
		text(j, "type", m->type);
		json_u64(j, "id", m->id);
		json_u64(j, "key_size", m->key_size);
		json_u64(j, "value_size", m->value_size);
		json_u64(j, "max_entries", m->max_entries);
		json_close_object(j);
	}
	json_close_array(j);
	json_close_object(j);
}

static void write_poll(struct json *j, const struct manifest_poll *p)
{
	json_open_object(j, "poll");
	json_u64(j, "interval_ns", p->interval_ns);
	json_bool(j, "reset", p->reset);
	json_bool(j, "per_cpu", p->per_cpu);
	json_str(j, "kind", metric_kind_names[p->kind]);
	json_u64(j, "key_size", p->key_size);
	json_u64(j, "value_size", p->value_size);
	layout_write(j, "labels", &p->labels);
	json_open_array(j, "values");
	for EACH(manifest_value, v, &p->values) {
		json_open_object(j, NULL);
		text(j, "metric", v->metric);
		json_u64(j, "offset", v->offset);
		json_u64(j, "bytes", v->bytes);
		json_bool(j, "is_signed", v->is_signed);
		json_u64(j, "slots", v->slots);
		json_close_object(j);
	}
	json_close_array(j);
	json_open_object(j, "buckets");
	json_str(j, "scale", bucket_scale_names[p->buckets.scale]);
	json_u64(j, "step", p->buckets.step);
	json_u64(j, "first", p->buckets.first);
	text(j, "unit", p->buckets.unit);
	json_close_object(j);
	json_close_object(j);
}

static void write_channel(struct json *j, const struct manifest_channel *c)
{
	json_open_object(j, NULL);
	text(j, "name", c->name);
	json_str(j, "type", channel_type_names[c->type]);
	text(j, "item", c->item);
	text(j, "map", c->map);
	json_u64(j, "map_id", c->map_id);
	json_u64(j, "size", c->size);
	if (c->cpus)
		json_u64(j, "cpus", c->cpus);
	if (c->lost_unknown)
		json_bool(j, "lost_unknown", true);
	text(j, "counts", c->counts);
	json_bool(j, "has_layout", c->has_layout);
	if (c->has_layout)
		layout_write(j, "layout", &c->layout);
	json_s64(j, "ts_offset", c->ts_offset);
	json_u64(j, "ts_bytes", c->ts_bytes);
	text(j, "ts_field", c->ts_field);
	json_s64(j, "pid_offset", c->pid_offset);
	json_u64(j, "pid_bytes", c->pid_bytes);
	text(j, "pid_field", c->pid_field);
	if (c->type == CHANNEL_MAP)
		write_poll(j, &c->poll);
	if (c->type == CHANNEL_PIPE) {
		text(j, "path", c->path);
		json_bool(j, "made", c->made);
		json_bool(j, "writers", c->writers);
		json_u64(j, "inode", c->inode);
	}
	json_close_object(j);
}

static void write_route(struct json *j, const struct manifest_route *r)
{
	json_open_object(j, NULL);
	json_u64(j, "channel", r->channel);
	json_u64(j, "event", r->event);
	text(j, "event_name", r->event_name);
	text(j, "processor", r->processor);
	text(j, "function", r->function);
	text(j, "hash_item", r->hash_item);
	text(j, "hash_function", r->hash_function);
	json_s64(j, "key_offset", r->key_offset);
	json_u64(j, "key_bytes", r->key_bytes);
	text(j, "key", r->key);
	json_open_array(j, "sinks");
	for EACH(manifest_sink, s, &r->sinks) {
		json_open_object(j, NULL);
		text(j, "sink", s->sink);
		if (s->options)
			write_node(j, "options", s->options);
		if (s->off)
			json_bool(j, "off", true);
		json_close_object(j);
	}
	json_close_array(j);
	json_close_object(j);
}

char *manifest_format(const struct manifest *m)
{
	struct json j = {0};

	json_open_object(&j, NULL);
	json_u64(&j, "version", m->version ? m->version : MANIFEST_VERSION);
	json_u64(&j, "generation", m->generation);
	text(&j, "program", m->program);
	json_str(&j, "state", m->state == MANIFEST_DRAINING ? "draining" : "loaded");
	text(&j, "file", m->file);
	text(&j, "description", m->description);
	text(&j, "loaded_at", m->loaded_at);
	text(&j, "boot_id", m->boot_id);
	texts(&j, "degraded", &m->degraded);
	texts(&j, "warnings", &m->warnings);
	json_u64(&j, "spool_size", m->spool_size);
	json_str(&j, "spool_full", spool_full_names[m->spool_full]);
	json_open_array(&j, "items");
	for EACH(manifest_item, i, &m->items)
		write_item(&j, i);
	json_close_array(&j);
	json_open_array(&j, "channels");
	for EACH(manifest_channel, c, &m->channels)
		write_channel(&j, c);
	json_close_array(&j);
	json_open_array(&j, "routes");
	for EACH(manifest_route, r, &m->routes)
		write_route(&j, r);
	json_close_array(&j);
	json_close_object(&j);
	return json_finish(&j, NULL);
}
