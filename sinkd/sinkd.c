/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>

#include "../common/manifest.h"
#include "../common/paths.h"
#include "../abi/console.h"
#include "stream.h"

struct stream *sinkd_find(struct sinkd *sk, const char *program)
{
	for (struct stream *st = sk->streams; st; st = st->next)
		if (!strcmp(st->program, program))
			return st;
	return NULL;
}

/* One slice of every stream that has work; the loop looks at everything else in between. */
static void on_work(uv_idle_t *work)
{
	struct sinkd *sk = work->data;
	bool more = false;

	for (struct stream *st = sk->streams; st; st = st->next)
		if (st->busy) {
			st->busy = stream_slice(st);
			more = more || st->busy;
		}
	if (!more)
		uv_idle_stop(work);
}

void sinkd_wake(struct sinkd *sk, struct stream *st)
{
	st->busy = true;
	if (!sk->stopping && !uv_is_active((uv_handle_t *)&sk->work))
		uv_idle_start(&sk->work, on_work);
}

void sinkd_wake_waiting(struct sinkd *sk, const struct sink_type *type)
{
	for (struct stream *st = sk->streams; st; st = st->next)
		for (size_t i = 0; i < st->n_sinks; i++)
			if (st->sinks[i]->type == type && st->sinks[i]->waiting) {
				st->sinks[i]->waiting = false;
				sinkd_wake(sk, st);
			}
}

static void on_retry(uv_timer_t *t)
{
	struct sinkd *sk = t->data;
	uint64_t now = uv_hrtime(), next = 0;

	sk->retry_at_ns = 0;
	for (struct stream *st = sk->streams; st; st = st->next) {
		if (!st->open)
			stream_look(st, false);
		for (size_t i = 0; i < st->n_sinks; i++) {
			uint64_t at = st->sinks[i]->retry_at_ns;

			if (!at || st->sinks[i]->open)
				continue;
			if (at <= now)
				sinkd_wake(sk, st);
			else if (!next || at < next)
				next = at;
		}
	}
	if (next)
		sinkd_retry_at(sk, next);
}

void sinkd_retry_at(struct sinkd *sk, uint64_t ns)
{
	uint64_t now = uv_hrtime();

	if (sk->stopping || (sk->retry_at_ns && sk->retry_at_ns <= ns))
		return;
	sk->retry_at_ns = ns;
	uv_update_time(svc_loop(sk->svc));
	uv_timer_start(&sk->retry, on_retry, ns > now ? (ns - now) / NSEC_PER_MSEC + 1 : 1, 0);
}

/* ---- which programs there are ---- */

/* By name: so the ledger's rows are in the order of channeld's. */
static void insert(struct sinkd *sk, struct stream *st)
{
	struct stream **place = &sk->streams;

	while (*place && strcmp((*place)->program, st->program) < 0)
		place = &(*place)->next;
	st->next = *place;
	*place = st;
	sk->n_streams++;
}

static int on_manifest(const char *program, void *arg)
{
	struct sinkd *sk = arg;
	struct stream *st = sinkd_find(sk, program);

	if (!st) {
		if (!conf_name_valid(program))
			return 0;
		if (sk->n_streams >= SINKD_STREAMS_MAX) {
			sk->n_beyond++;
			return 0;
		}
		st = stream_new(sk, program);
		if (!st)
			return -ENOMEM;
		insert(sk, st);
	}
	st->seen = true;
	return 0;
}

/* A folder that changes while it is read may hide what is in it. */
static bool has_manifest(const char *program)
{
	char path[PATH_MAX];

	return path_manifest(program, path) == 0 && access(path, F_OK) == 0;
}

static void remove_unseen(struct sinkd *sk)
{
	for (struct stream **p = &sk->streams; *p;) {
		struct stream *st = *p;

		if (st->seen || has_manifest(st->program)) {
			p = &st->next;
			continue;
		}
		*p = st->next;
		sk->n_streams--;
		tail_end(sk, st->program);
		stream_free(st);
	}
}

static void scan(struct sinkd *sk)
{
	for (struct stream *st = sk->streams; st; st = st->next)
		st->seen = false;
	sk->n_beyond = 0;
	if (manifest_each(on_manifest, sk) == 0)
		remove_unseen(sk);
	svc_degraded(sk->svc, "programs",
		     sk->n_beyond ? "%zu programs beyond the limit of %d wait: unload others" : NULL, sk->n_beyond,
		     SINKD_STREAMS_MAX);
	svc_status(sk->svc, "%zu program%s, %zu tail%s", sk->n_streams, sk->n_streams == 1 ? "" : "s", sk->n_tails,
		   sk->n_tails == 1 ? "" : "s");
}

/* Reading the folder at every doorbell would cost more than the records. A change right after the last reading may
 * leave the same mtime (it has the resolution of a tick): hence "not younger than". */
static bool manifests_changed(struct sinkd *sk)
{
	char path[PATH_MAX];
	struct timespec now;
	struct stat dir;
	bool changed;

	if (snprintf(path, sizeof(path), "%s/manifest", path_runtime()) >= (int)sizeof(path) || stat(path, &dir) < 0)
		return true;
	clock_gettime(CLOCK_REALTIME, &now);
	changed = memcmp(&dir.st_mtim, &sk->manifests_at, sizeof(dir.st_mtim)) != 0;
	sk->manifests_at = dir.st_mtim;
	if ((now.tv_sec - dir.st_mtim.tv_sec) * (int64_t)NSEC_PER_SEC + now.tv_nsec - dir.st_mtim.tv_nsec <
	    20 * (int64_t)NSEC_PER_MSEC)
		memset(&sk->manifests_at, 0, sizeof(sk->manifests_at));
	return changed;
}

void sinkd_look(void *self)
{
	struct sinkd *sk = self;
	uint64_t now = uv_hrtime();
	bool second = now - sk->second_ns >= 900 * NSEC_PER_MSEC;

	if (manifests_changed(sk) || second)
		scan(sk);
	if (second)
		sk->second_ns = now;
	for (struct stream *st = sk->streams; st; st = st->next)
		stream_look(st, second);
}

int sinkd_reload(void *self, const void *conf)
{
	struct sinkd *sk = self;

	sk->conf = conf;
	for (struct stream *st = sk->streams; st; st = st->next)
		st->unread = stream_configure(st) < 0;
	return 0;
}

/* ---- life ---- */

/* *ret -1: nobody handed one over. */
static int console_fd(int *ret)
{
	char **names = NULL;
	int fd = -1, n = sd_listen_fds_with_names(1, &names);

	for (int i = 0; i < n; i++) {
		if (fd < 0 && names && !strcmp(names[i], CONSOLE_FD_NAME))
			fd = SD_LISTEN_FDS_START + i;
		free(names[i]);
	}
	free(names);
	*ret = fd;
	return MIN(n, 0);
}

static void sinkd_free(struct sinkd *sk)
{
	wire_free(sk->to_loaderd);
	free(sk->join);
	free(sk);
}

void sinkd_handle_closed(struct sinkd *sk)
{
	if (--sk->handles == 0 && sk->stopping)
		sinkd_free(sk);
}

static void on_closed(uv_handle_t *h)
{
	sinkd_handle_closed(h->data);
}

int sinkd_start(struct svc *svc, void **ret_self)
{
	struct sinkd *sk = calloc(1, sizeof(*sk));
	int console, r;

	if (!sk)
		return -ENOMEM;
	sk->svc = svc;
	sk->conf = svc_conf(svc);
	sk->console.fd = -1;
	sk->join = malloc(SINKD_JOIN_SIZE);
	if (!sk->join) {
		free(sk);
		return -ENOMEM;
	}
	/* A reader that is gone, a file that may not grow: errors of one write, not ends of a daemon. */
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	umask(0027);
	setenv("UV_THREADPOOL_SIZE", "1", 0);	/* only fsync runs there */
	uv_idle_init(svc_loop(svc), &sk->work);
	uv_timer_init(svc_loop(svc), &sk->retry);
	sk->work.data = sk->retry.data = sk;
	sk->handles = 2;
	r = console_fd(&console);
	if (r == 0)
		r = console_init(sk, console);
	if (r < 0) {
		sinkd_stop(sk);
		return r;
	}
	if (wire_connect("loaderd", &sk->to_loaderd) < 0)
		log_warning("hints cannot be sent: loaderd will look by itself");
	sigbus_install(sk);
	*ret_self = sk;
	sinkd_look(sk);
	return 0;
}

void sinkd_stop(void *self)
{
	struct sinkd *sk = self;

	sk->stopping = true;
	while (sk->streams) {
		struct stream *st = sk->streams;

		sk->streams = st->next;
		stream_free(st);
	}
	sk->n_streams = 0;
	sigbus_install(NULL);
	tail_close_all(sk);
	console_close(sk);
	uv_close((uv_handle_t *)&sk->work, on_closed);
	uv_close((uv_handle_t *)&sk->retry, on_closed);
}
