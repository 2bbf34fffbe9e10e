/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sinkd within a test: its own folders on a tmpfs, manifests and spools written by the test, and no bus. What the life
 * of a daemon (common/svc.c) gives to sinkd is given here. */
#ifndef EBPF_AGENT_TESTS_SINKD_FIXTURE_H
#define EBPF_AGENT_TESTS_SINKD_FIXTURE_H

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <cmocka.h>

#include "common/paths.h"
#include "common/spool.h"
#include "sinkd/stream.h"

#define FX_UNUSED __attribute__((unused))

/* ---- what svc gives ---- */

struct svc {
	uv_loop_t loop;
	struct sinkd_conf conf;
	struct {
		char key[128], text[1024];
	} degraded[64];
};
static struct svc fx;
static struct arena *fx_arena;
static char fx_dir[64];

uv_loop_t *svc_loop(struct svc *s)
{
	return &s->loop;
}

const void *svc_conf(const struct svc *s)
{
	return &s->conf;
}

sd_bus *svc_bus(struct svc *s)
{
	(void)s;
	return NULL;
}

void svc_status(struct svc *s, const char *fmt, ...)
{
	(void)s, (void)fmt;
}

void svc_degraded(struct svc *s, const char *key, const char *fmt, ...)
{
	size_t i, unused = ARRAY_SIZE(s->degraded);
	va_list ap;

	for (i = 0; i < ARRAY_SIZE(s->degraded); i++) {
		if (!strcmp(s->degraded[i].key, key))
			break;
		if (!s->degraded[i].key[0] && unused == ARRAY_SIZE(s->degraded))
			unused = i;
	}
	if (!fmt) {
		if (i < ARRAY_SIZE(s->degraded))
			s->degraded[i].key[0] = '\0';
		return;
	}
	if (i == ARRAY_SIZE(s->degraded))
		i = unused;
	assert_true(i < ARRAY_SIZE(s->degraded));
	snprintf(s->degraded[i].key, sizeof(s->degraded[i].key), "%s", key);
	va_start(ap, fmt);
	vsnprintf(s->degraded[i].text, sizeof(s->degraded[i].text), fmt, ap);
	va_end(ap);
}

/* NULL: it is not degraded. */
static FX_UNUSED const char *fx_degraded(const char *key)
{
	for (size_t i = 0; i < ARRAY_SIZE(fx.degraded); i++)
		if (!strcmp(fx.degraded[i].key, key))
			return fx.degraded[i].text;
	return NULL;
}

static FX_UNUSED size_t fx_n_degraded(void)
{
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(fx.degraded); i++)
		n += fx.degraded[i].key[0] != '\0';
	return n;
}

/* ---- folders ---- */

static FX_UNUSED const char *fx_path(const char *name)
{
	static char path[4][PATH_MAX];
	static unsigned i;

	i = (i + 1) % 4;
	snprintf(path[i], PATH_MAX, "%s/%.3000s", fx_dir, name);
	return path[i];
}

static FX_UNUSED int fx_setup(void **state)
{
	static const char *const folders[] = { "", "manifest", "spool", "hint", "lock", "log", "state", "elsewhere" };
	static const char *const envs[][2] = {
		{ AGENT_ENV_RUNTIME, "" }, { AGENT_ENV_STATE, "state" }, { AGENT_ENV_LOG, "log" },
	};
	struct diag d = {};
	struct yaml_node *root;

	(void)state;
	strcpy(fx_dir, "/dev/shm/sinkd-test.XXXXXX");
	if (!mkdtemp(fx_dir))
		return -1;
	for (size_t i = 1; i < ARRAY_SIZE(folders); i++)
		if (mkdir(fx_path(folders[i]), 0755) < 0)
			return -1;
	for (size_t i = 0; i < ARRAY_SIZE(envs); i++)
		setenv(envs[i][0], envs[i][1][0] ? fx_path(envs[i][1]) : fx_dir, 1);
	memset(&fx, 0, sizeof(fx));
	uv_loop_init(&fx.loop);
	fx_arena = arena_new(0);
	if (yaml_parse(fx_arena, "test", "{}", 2, &root, &d) < 0 ||
	    conf_parse(fx_arena, &sinkd_schema, root, &fx.conf, &d) < 0)
		return -1;
	return 0;
}

static int fx_remove(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

static FX_UNUSED int fx_teardown(void **state)
{
	(void)state;
	nftw(fx_dir, fx_remove, 16, FTW_DEPTH | FTW_PHYS);
	arena_free(take(fx_arena));
	/* A handle that was left open fails the test. */
	return uv_loop_close(&fx.loop);
}

static FX_UNUSED char *fx_read(const char *path, size_t *ret_len)
{
	FILE *f = fopen(path, "r");
	char *text = calloc(1, 32 << 20);

	assert_non_null(text);
	*ret_len = 0;
	if (f) {
		*ret_len = fread(text, 1, (32 << 20) - 1, f);
		fclose(f);
	}
	return text;
}

static FX_UNUSED void fx_write(const char *path, const char *text, size_t len)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, len, f), len);
	fclose(f);
}

/* ---- manifests and spools ---- */

/* @routes: JSON texts of routes' sinks, `[{"sink":"file"}]`, ending with NULL. */
static FX_UNUSED void fx_manifest(const char *program, const char *const *routes)
{
	char path[PATH_MAX], text[16384];
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
	snprintf(path + strlen(path), 8, ".new");
	fx_write(path, text, n);
	{
		char final[PATH_MAX];

		path_manifest(program, final);
		assert_int_equal(rename(path, final), 0);
	}
}

struct fx_writer {
	struct spool_writer w;
	uint64_t n;			/* records so far */
	size_t pad;			/* bytes of data in each line beyond the usual */
};

static FX_UNUSED void fx_writer_open(struct fx_writer *f, const char *program, uint64_t size)
{
	char path[PATH_MAX];

	memset(f, 0, sizeof(*f));
	assert_int_equal(path_spool(program, path), 0);
	assert_int_equal(spool_writer_open(&f->w, path, program, size, NULL), 0);
	f->n = f->w.next.records;
}

static FX_UNUSED size_t fx_line(const struct fx_writer *f, const struct spool_rec *rec, char *to, size_t room)
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

/* One record; it is published by fx_commit(). False: the spool is full. */
static FX_UNUSED bool fx_add(struct fx_writer *f, unsigned route)
{
	struct spool_rec rec = {
		.kind = SPOOL_KIND_JSON, .route = route, .ring = 7, .ring_pos = 64 * f->n, .event = route,
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

static FX_UNUSED void fx_fill(struct fx_writer *f, unsigned route, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		assert_true(fx_add(f, route));
	spool_commit(&f->w);
}

/* ---- the daemon ---- */

static FX_UNUSED struct sinkd *fx_start(void)
{
	void *self = NULL;

	assert_int_equal(sinkd_start(&fx, &self), 0);
	return self;
}

static FX_UNUSED void fx_turn(struct sinkd *sk)
{
	for (int i = 0; i < 100000; i++) {
		uv_run(&fx.loop, UV_RUN_NOWAIT);
		if (!uv_is_active((uv_handle_t *)&sk->work))
			return;
	}
	fail_msg("sinkd never comes to rest");
}

/* Looks at everything, and works until there is no more to do. */
static FX_UNUSED void fx_run(struct sinkd *sk)
{
	sk->second_ns = 0;
	sinkd_look(sk);
	fx_turn(sk);
}

static FX_UNUSED void fx_stop(struct sinkd *sk)
{
	sinkd_stop(sk);
	uv_run(&fx.loop, UV_RUN_DEFAULT);
}

static FX_UNUSED struct sink *fx_sink(struct sinkd *sk, const char *program, const char *name)
{
	struct stream *st = sinkd_find(sk, program);

	for (size_t i = 0; st && i < st->n_sinks; i++)
		if (!strcmp(st->sinks[i]->name, name))
			return st->sinks[i];
	return NULL;
}

/* How many of our lines @text has, which must be whole and numbered from @first on, one by one. */
static FX_UNUSED uint64_t fx_check_lines(const char *text, size_t len, uint64_t first)
{
	const char *end = text + len;
	uint64_t n = first;

	while (text < end) {
		const char *feed = memchr(text, '\n', end - text), *at;
		uint64_t found;

		assert_non_null(feed);
		at = memmem(text, feed - text, "\"n\":", 4);
		assert_non_null(at);
		found = strtoull(at + 4, NULL, 10);
		if (found != n)
			fail_msg("line %" PRIu64 " has n %" PRIu64, n, found);
		n++;
		text = feed + 1;
	}
	return n - first;
}

#endif
