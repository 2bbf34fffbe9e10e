/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What loaderd and a worker leave to sinkd: manifests and spools, written by the test. */
#ifndef EBPF_AGENT_TESTS_SINKD_FIXTURE_SPOOL_H
#define EBPF_AGENT_TESTS_SINKD_FIXTURE_SPOOL_H

#include "common/paths.h"
#include "common/spool.h"
#include "fixture_files.h"

static const char *const fx_one_file[] = { "[{\"sink\":\"file\"}]", NULL };
/* Two lines or so to a file. */
static const char *const fx_rotated_file[] = {
	"[{\"sink\":\"file\",\"options\":{\"rotate-size\":700,\"keep\":9}}]", NULL,
};

/* @routes: JSON texts of routes' sinks, `[{"sink":"file"}]`, ending with NULL. */
static inline void fx_manifest(const char *program, const char *const *routes)
{
	char path[PATH_MAX], made[PATH_MAX + 8], text[16384];
	size_t n;

	n = snprintf(
		text, sizeof(text),
		"{\"version\":1,\"generation\":1,\"program\":\"%s\",\"state\":\"loaded\",\"items\":[],\"channels\":"
		"[{\"name\":\"c\",\"type\":\"ring_buffer\"}],\"routes\":[",
		program);
	for (size_t i = 0; routes[i]; i++)
		n += snprintf(
			text + n, sizeof(text) - n,
			"%s{\"channel\":0,\"event\":%zu,\"event_name\":\"e%zu\",\"processor\":\"p\",\"sinks\":%s}",
			i ? "," : "", i, i, routes[i]);
	n += snprintf(text + n, sizeof(text) - n, "]}");
	assert_true(n < sizeof(text));
	assert_int_equal(path_manifest(program, path), 0);
	snprintf(made, sizeof(made), "%s.new", path);
	fx_write(made, text, n);
	assert_int_equal(rename(made, path), 0);
}

struct fx_writer {
	struct spool_writer w;
	uint64_t n;			/* records so far */
	size_t pad;			/* bytes of data in each line beyond the usual */
};

static inline void fx_writer_open(struct fx_writer *f, const char *program, uint64_t size)
{
	char path[PATH_MAX];

	memset(f, 0, sizeof(*f));
	assert_int_equal(path_spool(program, path), 0);
	assert_int_equal(spool_writer_open(&f->w, path, program, size, NULL), 0);
	f->n = f->w.next.records;
}

/* A program, as its worker finds it: a manifest and a spool. */
static inline void fx_program(struct fx_writer *f, const char *program, const char *const *routes, uint64_t size)
{
	fx_manifest(program, routes);
	fx_writer_open(f, program, size);
}

static inline size_t fx_line(const struct fx_writer *f, const struct spool_rec *rec, char *to, size_t room)
{
	struct spool_rec with_boot = *rec;
	char id[SPOOL_ID_MAX];
	size_t n;

	with_boot.boot = f->w.boot;
	spool_id_format(&with_boot, id);
	n = snprintf(to, room,
		     "{\"ts\":\"2026-11-25T01:02:03.123456789Z\",\"ts_source\":\"kernel\",\"host\":\"h\",\"program\":"
		     "\"p\","
		     "\"channel\":\"c\",\"event\":\"e\",\"id\":\"%s\",\"tags\":{},"
		     "\"data\":{\"n\":%" PRIu64 ",\"id\":\"x\",\"pad\":\"",
		     id, rec->time_ns);
	memset(to + n, 'x', f->pad);
	n += f->pad;
	n += snprintf(to + n, room - n, "\"}}");
	return n;
}

/* One record; it is published by spool_commit(). False: the spool is full. */
static inline bool fx_add(struct fx_writer *f, unsigned route)
{
	struct spool_rec rec = {
		.kind = SPOOL_KIND_JSON, .route = route, .source = 7, .source_pos = 64 * f->n, .event = route,
		.time_ns = f->n,
	};
	size_t len = 512 + f->pad;
	char *line = spool_room(&f->w, len);

	if (!line && spool_refresh(&f->w))
		line = spool_room(&f->w, len);
	if (!line)
		return false;
	len = fx_line(f, &rec, line, len);
	spool_add(&f->w, &rec, len);
	if (f->w.next.n_routes <= route)
		f->w.next.n_routes = route + 1;
	f->w.next.routes[route].spooled++;
	f->n++;
	return true;
}

static inline void fx_fill(struct fx_writer *f, unsigned route, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		assert_true(fx_add(f, route));
	spool_commit(&f->w);
}

#endif
