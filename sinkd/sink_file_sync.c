/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Forcing files to the disk: now, or in another thread. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "sink_file.h"

/* fsync(2): the bytes of a file are safe, its entry in the folder need not be. */
static int sync_name(struct file_sink *f)
{
	cleanup(closep) int fd = openat(f->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? -1 : fsync(fd);
}

int file_sync_batch(struct file_sink *f)
{
	if (file_options_of(f)->rules.fsync != FILE_FSYNC_BATCH || f->fd < 0)
		return 0;
	if (fdatasync(f->fd) < 0 || (f->named && sync_name(f) < 0))
		return sink_fail(&f->sink, -errno, "%s: %m", file_options_of(f)->path);
	f->named = false;
	return 0;
}

#define FILE_SYNCS_MAX 64

struct file_sync {
	uv_fs_t req;
	struct sinkd *sinkd;
	int fd;
	char key[192];			/* of Degraded */
};

static void sync_key(const struct file_sink *f, char ret[192])
{
	snprintf(ret, 192, "fsync:%s:%s", f->sink.name, f->sink.stream->program);
}

static bool sink_is_gone(const struct file_sync *y)
{
	const struct stream *st = sinkd_find(y->sinkd, strrchr(y->key, ':') + 1);
	char key[192];

	for (size_t i = 0; st && i < st->n_sinks; i++) {
		if (st->sinks[i]->type != &sink_file)
			continue;
		sync_key(file_sink_of(st->sinks[i]), key);
		if (!strcmp(key, y->key))
			return false;
	}
	return true;
}

static void on_synced(uv_fs_t *req)
{
	struct file_sync *y = container_of(req, struct file_sync, req);

	if (y->sinkd->stopping)
		;
	else if (req->result == 0)
		svc_degraded(y->sinkd->svc, y->key, NULL);
	else if (sink_is_gone(y))
		log_warning("%s: lines may not be on the disk: %s", y->key, strerror(-(int)req->result));
	else
		svc_degraded(y->sinkd->svc, y->key, "%s: lines may not be on the disk: %s", y->key,
			     strerror(-(int)req->result));
	uv_fs_req_cleanup(req);
	close(y->fd);
	y->sinkd->syncs--;
	sinkd_handle_closed(y->sinkd);
	free(y);
}

/* True: it is under way. */
static bool sync_elsewhere(struct file_sink *f, int fd)
{
	struct sinkd *sk = f->sink.stream->sinkd;
	struct file_sync *y = sk->syncs < FILE_SYNCS_MAX && !sk->stopping ? calloc(1, sizeof(*y)) : NULL;

	if (!y)
		return false;
	y->sinkd = sk;
	y->fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	sync_key(f, y->key);
	if (y->fd < 0 || uv_fs_fdatasync(svc_loop(sk->svc), &y->req, y->fd, on_synced) < 0) {
		closep(&y->fd);
		free(y);
		return false;
	}
	sk->syncs++;
	sk->handles++;
	return true;
}

void file_sync_start(struct file_sink *f, int fd)
{
	/* A pile of them, no descriptor to spare, or no loop any more: here and now. */
	if (!sync_elsewhere(f, fd) && fdatasync(fd) < 0)
		log_warning("%s: %m", file_options_of(f)->path);
}

#define PUSH_BYTES (1u << 20)
#define PUSHES_MAX 8u		/* a disk that is slower gets no more of them: forcing waits for it anyway */

struct push {
	uv_work_t req;
	struct sinkd *sinkd;
	int fd;
	uint64_t from, to;
};

/* What fails here fails again when it is forced, and is said then. */
static void push(uv_work_t *req)
{
	const struct push *p = container_of(req, struct push, req);

	(void)sync_file_range(p->fd, (off_t)p->from, (off_t)(p->to - p->from), SYNC_FILE_RANGE_WRITE);
}

static void on_pushed(uv_work_t *req, int status)
{
	struct push *p = container_of(req, struct push, req);

	(void)status;
	close(p->fd);
	p->sinkd->syncs--;
	sinkd_handle_closed(p->sinkd);
	free(p);
}

static bool push_elsewhere(struct sinkd *sk, int fd, uint64_t from, uint64_t to)
{
	struct push *p = sk->syncs < PUSHES_MAX && !sk->stopping ? malloc(sizeof(*p)) : NULL;

	if (!p)
		return false;
	*p = (struct push){ .sinkd = sk, .from = from, .to = to, .fd = fcntl(fd, F_DUPFD_CLOEXEC, 3) };
	if (p->fd < 0 || uv_queue_work(svc_loop(sk->svc), &p->req, push, on_pushed) < 0) {
		closep(&p->fd);
		free(p);
		return false;
	}
	sk->syncs++;
	sk->handles++;
	return true;
}

void file_push(struct file_sink *f)
{
	int fsync = file_options_of(f)->rules.fsync;
	uint64_t to = f->size / 4096 * 4096;

	if (fsync != FILE_FSYNC_INTERVAL && fsync != FILE_FSYNC_ROTATE)
		return;
	f->pushed = MIN(f->pushed, to);		/* somebody may have made it shorter */
	if (to - f->pushed >= PUSH_BYTES && push_elsewhere(f->sink.stream->sinkd, f->fd, f->pushed, to))
		f->pushed = to;
}

void file_sync_forget(struct sink *s)
{
	char key[192];

	sync_key(file_sink_of(s), key);
	svc_degraded(s->stream->sinkd->svc, key, NULL);
}
