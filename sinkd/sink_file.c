/* SPDX-License-Identifier: GPL-2.0-or-later */
/* JSON Lines into a file. What makes it exact: the file itself says what it has. A sink that was killed between writing
 * lines and publishing its cursor finds the id of the file's last line in the spool, and goes on behind it. */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/file.h>
#include <sys/syscall.h>

#include "../common/crc32c.h"
#include "../common/paths.h"
#include "sink_file.h"

/* ---- what the manifest asks for ---- */

static void default_path(const char *program, char ret[PATH_MAX])
{
	snprintf(ret, PATH_MAX, "%s/%s.jsonl", path_log(), program);
}

static int file_options(struct sinkd *sk, const char *program, const struct yaml_node *n, void *ret,
			char ret_cursor[SINK_NAME_MAX])
{
	cleanup(arena_freep) struct arena *a = arena_new(0);
	struct file_options *o = ret;
	struct file_route route = { .rules = sk->conf->file.rules };
	char usual[PATH_MAX];
	struct diag d = {};
	int r = a ? file_route_parse(a, n, &sk->conf->file.rules, &route, &d) : -ENOMEM;

	default_path(program, usual);
	if (r < 0)
		snprintf(o->error, sizeof(o->error), "%.255s", d.error[0] ? d.error : strerror(-r));
	diag_fini(&d);
	o->rules = route.rules;
	if (!route.path)
		snprintf(o->path, sizeof(o->path), "%s", usual);
	else if (route.path[0] == '/')
		snprintf(o->path, sizeof(o->path), "%s", route.path);
	else if (snprintf(o->path, sizeof(o->path), "%s/%s",
			  sk->conf->file.roots.n ? sk->conf->file.roots.s[0] : path_log(), route.path) >=
		 (int)sizeof(o->path))
		snprintf(o->error, sizeof(o->error), "path: too long");
	if (!strcmp(o->path, usual))
		snprintf(ret_cursor, SINK_NAME_MAX, "file");
	else
		snprintf(ret_cursor, SINK_NAME_MAX, "file:%08x", crc32c(0, o->path, strlen(o->path)));
	return r == -ENOMEM ? r : 0;
}

/* ---- where it may lie ---- */

/* What is left of @path beneath @root; NULL: it lies elsewhere. */
static const char *beneath(const char *path, const char *root)
{
	size_t n = strlen(root);

	while (n && root[n - 1] == '/')
		n--;
	if (strncmp(path, root, n) || path[n] != '/')
		return NULL;
	path += n;
	while (*path == '/')
		path++;
	return *path ? path : NULL;
}

static const char *allowed_root(const struct sinkd *sk, const char *path)
{
	const struct conf_strs *roots = &sk->conf->file.roots;

	for (size_t i = 0; i < roots->n; i++)
		if (beneath(path, roots->s[i]))
			return roots->s[i];
	if (roots->n)
		return NULL;
	return beneath(path, path_log()) ? path_log() : beneath(path, path_state()) ? path_state() : NULL;
}

static int file_open_dir(struct file_sink *f)
{
	const char *path = file_options_of(f)->path, *root = allowed_root(f->sink.stream->sinkd, path), *rest, *slash;
	struct open_how how = {
		.flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS,
	};
	cleanup(closep) int fd = -1;
	char folder[PATH_MAX] = ".";

	if (!root)
		return sink_fail(&f->sink, -EPERM, "%s: lies beneath none of the folders that file: roots: allows",
				 path);
	rest = beneath(path, root);
	slash = strrchr(rest, '/');
	if (slash)
		snprintf(folder, sizeof(folder), "%.*s", (int)(slash - rest), rest);
	rest = slash ? slash + 1 : rest;
	if (!*rest || !strcmp(rest, ".") || !strcmp(rest, "..") || strlen(rest) > NAME_MAX - 11)
		return sink_fail(&f->sink, -EINVAL, "%s: is not the name of a file", path);
	fd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return sink_fail(&f->sink, -errno, "%s: %m", root);
	f->dir = syscall(SYS_openat2, fd, folder, &how, sizeof(how));
	if (f->dir < 0) {
		int err = errno;

		f->dir = -1;
		return sink_fail(&f->sink, -err, "%s: %s", path,
				 err == ELOOP || err == EXDEV ? "leads out of its root, or over a symbolic link" :
								strerror(err));
	}
	snprintf(f->base, sizeof(f->base), "%s", rest);
	return 0;
}

/* ---- opening ---- */

/* When the file was begun. Where the file system does not know: now. */
static int64_t file_birth(int fd)
{
	struct timespec now;
	struct statx x;

	if (statx(fd, "", AT_EMPTY_PATH, STATX_BTIME, &x) == 0 && (x.stx_mask & STATX_BTIME))
		return x.stx_btime.tv_sec * (int64_t)NSEC_PER_SEC + x.stx_btime.tv_nsec;
	clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec * (int64_t)NSEC_PER_SEC + now.tv_nsec;
}

int file_open_current(struct file_sink *f, int flags)
{
	const char *path = file_options_of(f)->path;
	cleanup(closep) int fd = -1;
	struct stat st;

	/* Non-blocking: a FIFO in its place must not hold us up. */
	fd = openat(f->dir, f->base,
		    O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC | flags, FILE_MODE);
	if (fd < 0)
		return sink_fail(&f->sink, -errno, "%s: %m", path);
	if (fstat(fd, &st) < 0)
		return sink_fail(&f->sink, -errno, "%s: %m", path);
	if (!S_ISREG(st.st_mode) || st.st_nlink > 1)
		return sink_fail(&f->sink, -EINVAL, "%s: is not a regular file with one name", path);
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return sink_fail(&f->sink, -EBUSY, "%s: another sink writes to it", path);
	f->size = st.st_size;
	f->pushed = f->size;
	f->born_ns = file_birth(fd);
	f->dirty = false;
	f->named = true;
	f->fd = take_fd(&fd);
	return 0;
}

static int file_open(struct sink *s)
{
	struct file_sink *f = file_sink_of(s);
	const struct file_options *o = file_options_of(f);
	int r;

	f->dir = f->fd = -1;
	if (o->error[0])
		return sink_fail(s, -EINVAL, "%s", o->error);
	r = file_open_dir(f);
	if (r == 0)
		r = file_open_current(f, 0);
	if (r == 0)
		r = file_resume(f);
	return r;
}

/* ---- writing ---- */

/* Takes away what was written beyond @size: part of a line. If this fails as well, opening the file again finds the
 * torn tail. */
static bool file_cut(struct file_sink *f, uint64_t size)
{
	if (ftruncate(f->fd, size) == 0)
		return true;
	log_debug("%s: %m", file_options_of(f)->path);
	return false;
}

/* Joins lines that fit a write and the file: returns how many. */
static size_t file_join(struct file_sink *f, const struct sink_rec *const *recs, size_t n, size_t *ret_len)
{
	const struct file_rules *rules = &file_options_of(f)->rules;
	char *to = f->sink.stream->sinkd->join;
	size_t i, len = 0;

	for (i = 0; i < n; i++) {
		size_t line = recs[i]->rec.line_len;

		if (len + line + 1 > SINKD_JOIN_SIZE ||
		    (i && rules->rotate_size && f->size + len + line + 1 > rules->rotate_size))
			break;
		memcpy(to + len, recs[i]->line, line);
		to[len + line] = '\n';
		len += line + 1;
	}
	*ret_len = len;
	return i;
}

/* Counts the whole lines among the first @bytes of what was written. */
static uint64_t file_account(const struct sink_rec *const *recs, size_t n, uint64_t bytes, struct sink_result *res)
{
	uint64_t whole = 0;

	for (size_t i = 0; i < n && whole + recs[i]->rec.line_len + 1 <= bytes; i++) {
		whole += recs[i]->rec.line_len + 1;
		res->done++;
		res->acked++;
	}
	res->bytes += whole;
	return whole;
}

/* All @len bytes, or those before an error: a short write alone does not say why. */
static int write_all(int fd, const char *buf, size_t len, uint64_t *ret_written)
{
	uint64_t done = 0;
	int r = 0;

	while (done < len && r == 0) {
		ssize_t k = write(fd, buf + done, len - done);

		if (k > 0)
			done += k;
		else if (k == 0)
			r = -EIO;
		else if (errno != EINTR)
			r = -errno;
	}
	*ret_written = done;
	return r;
}

/* What finds no room is given up, and the rest of its batch with it: in the file no line of a batch stands behind one
 * that was given up, so after a kill the file's last line still says where to go on. */
static void file_drop(struct file_sink *f, size_t n, struct sink_result *res)
{
	res->done += n;
	res->dropped[SINK_DROP_DISK_FULL] += n;
	(void)sink_fail(&f->sink, -ENOSPC, "%s: no space left: lines are given up, and counted as disk_full",
			file_options_of(f)->path);
	f->sink.gave_up_ns = uv_hrtime();
	sink_degraded(&f->sink);
}

static int file_write(struct file_sink *f, const struct sink_rec *const *recs, size_t n, struct sink_result *res)
{
	uint64_t written, whole;
	size_t len, lines = file_join(f, recs, n, &len), before = res->done;
	int r = write_all(f->fd, f->sink.stream->sinkd->join, len, &written);

	whole = file_account(recs, lines, written, res);
	f->size += whole;
	f->dirty = true;
	file_push(f);
	if ((whole == written || file_cut(f, f->size)) && (r == -ENOSPC || r == -EDQUOT) &&
	    file_options_of(f)->rules.when_full == FILE_DROP) {
		file_drop(f, n - (res->done - before), res);
		return 0;
	}
	return r < 0 ? sink_fail(&f->sink, r, "%s: %s", file_options_of(f)->path, strerror(-r)) : 0;
}

/* *ret_sync: what it was given cannot be forced to the disk. */
static int file_put(struct file_sink *f, const struct sink_rec *const *recs, size_t n, struct sink_result *res,
		    int *ret_sync)
{
	int r = 0;

	while (r == 0 && res->done < n) {
		if (file_rotate_due(f, recs[res->done]->rec.line_len + 1)) {
			*ret_sync = file_sync_batch(f);
			r = *ret_sync < 0 ? *ret_sync : file_rotate(f);
		}
		if (r == 0)
			r = file_write(f, recs + res->done, n - res->done, res);
	}
	return r;
}

static int file_deliver(struct sink *s, const struct sink_rec *const *recs, size_t n, struct sink_result *res)
{
	struct file_sink *f = file_sink_of(s);
	struct stat st;
	int r, sync = 0;

	/* Somebody may have removed or emptied it. */
	if (fstat(f->fd, &st) < 0 || st.st_nlink == 0)
		return -ESTALE;
	f->size = st.st_size;
	r = file_put(f, recs, n, res, &sync);
	if (sync == 0)
		sync = file_sync_batch(f);
	if (sync < 0)
		*res = (struct sink_result){};	/* opening it again tells what is there */
	return sync < 0 ? sync : r;
}

/* ---- every second ---- */

static bool file_moved_away(const struct file_sink *f)
{
	struct stat ours, there;

	return fstat(f->fd, &ours) == 0 && (fstatat(f->dir, f->base, &there, AT_SYMLINK_NOFOLLOW) < 0 ||
					    ours.st_dev != there.st_dev || ours.st_ino != there.st_ino);
}

static void file_idle(struct sink *s)
{
	struct file_sink *f = file_sink_of(s);
	const struct file_rules *rules = &file_options_of(f)->rules;

	if (file_moved_away(f)) {	/* logrotate, rm */
		sink_close(s);
		return;
	}
	if (rules->fsync == FILE_FSYNC_INTERVAL && f->dirty &&
	    uv_hrtime() - f->synced_ns + 100 * NSEC_PER_MSEC >= rules->fsync_interval_ns) {
		f->dirty = false;
		f->synced_ns = uv_hrtime();
		file_sync_start(f, f->fd);
	}
	if (file_rotate_due(f, 0) && file_rotate(f) < 0)
		sink_close(s);
}

static void file_close(struct sink *s)
{
	struct file_sink *f = file_sink_of(s);

	if (s->open && f->fd >= 0) {
		if (f->dirty && file_options_of(f)->rules.fsync == FILE_FSYNC_INTERVAL)
			file_sync_start(f, f->fd);
		flock(f->fd, LOCK_UN);	/* the duplicate that is being synced would hold it */
	}
	if (f->fd > 0)
		close(f->fd);
	if (f->dir > 0)
		close(f->dir);
	f->dir = f->fd = -1;
}

const struct sink_type sink_file = {
	.name = "file",
	.size = sizeof(struct file_sink),
	.options_size = sizeof(struct file_options),
	.options = file_options,
	.open = file_open,
	.deliver = file_deliver,
	.idle = file_idle,
	.close = file_close,
	.forget = file_sync_forget,
};
