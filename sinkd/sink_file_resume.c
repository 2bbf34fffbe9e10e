/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "sink_file.h"

/* Room for a torn line and the whole one before it: no line is as long as SPOOL_REC_MAX. */
#define WINDOW (2 * SPOOL_REC_MAX)

static const char id_key[] = ",\"id\":\"";

/* The first such key is the line's own: only ts, host, program, channel and event stand before it, and a quote within
 * their values is escaped. */
static int line_id(const char *line, size_t len, struct spool_rec *ret)
{
	const char *id = memmem(line, len, id_key, sizeof(id_key) - 1), *end;

	if (!id)
		return -ENODATA;
	id += sizeof(id_key) - 1;
	end = memchr(id, '"', line + len - id);
	if (!end || spool_id_parse(id, end - id, ret) < 0)
		return -ENODATA;
	return 0;
}

/* Behind the last line feed: nothing, the beginning of one of our lines, or zeros (a crash of the machine leaves
 * them). */
static bool tail_is_ours(const char *tail, size_t len)
{
	return !len || (len < SPOOL_REC_MAX && (tail[0] == '{' || tail[0] == '\0'));
}

/* The id in the last whole line of @fd, and where that line ends. -ENODATA: it has no line, or none with an id
 * (*ret_end is set all the same); -EBADMSG: what it ends with is none of our lines, torn or whole. */
static int file_last_id(int fd, struct spool_rec *ret_id, uint64_t *ret_end)
{
	cleanup(freep) char *buf = malloc(WINDOW);
	const char *feed, *begin;
	struct stat st;
	ssize_t n;
	size_t tail;

	if (!buf)
		return -ENOMEM;
	if (fstat(fd, &st) < 0)
		return -errno;
	n = pread(fd, buf, WINDOW, MAX((off_t)0, st.st_size - (off_t)WINDOW));
	if (n < 0)
		return -errno;
	feed = memrchr(buf, '\n', n);
	begin = feed ? feed + 1 : buf;
	tail = buf + n - begin;
	if (!tail_is_ours(begin, tail) || (!feed && n == WINDOW))
		return -EBADMSG;
	*ret_end = st.st_size - tail;
	if (!feed)
		return -ENODATA;
	begin = memrchr(buf, '\n', feed - buf);
	begin = begin ? begin + 1 : buf;
	return line_id(begin, feed - begin, ret_id);
}

static int newest_rotated_id(struct file_sink *f, struct spool_rec *ret)
{
	for (unsigned i = 1; i <= file_options_of(f)->rules.keep; i++) {
		cleanup(closep) int fd = -1;
		char name[NAME_MAX + 1];
		struct stat st;
		uint64_t end;

		file_rotated_name(f, i, name);
		fd = openat(f->dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
		if (fd >= 0)
			return fstat(fd, &st) == 0 && S_ISREG(st.st_mode) ? file_last_id(fd, ret, &end) : -ENODATA;
	}
	return -ENODATA;
}

int file_resume(struct file_sink *f)
{
	const char *path = file_options_of(f)->path;
	struct spool_rec id;
	uint64_t end = 0;
	int r = file_last_id(f->fd, &id, &end);

	if (r == -EBADMSG)
		return sink_fail(&f->sink, r, "%s: does not end like a file of this agent; nothing is added to it",
				 path);
	if (r < 0 && r != -ENODATA)
		return sink_fail(&f->sink, r, "%s: %s", path, strerror(-r));
	if (end < f->size) {
		if (ftruncate(f->fd, end) < 0)
			return sink_fail(&f->sink, -errno, "%s: %m", path);
		f->size = end;
	}
	if (r == -ENODATA && !f->size)
		r = newest_rotated_id(f, &id);
	if (r == 0 && file_sync_batch(f) < 0)
		return -EIO;
	if (r == 0)
		r = stream_skip_to_id(f->sink.stream, &f->sink, &id);
	if (r == -EBADMSG || r == -EAGAIN)
		return sink_fail(&f->sink, r, "%s: waits for its spool", path);
	return 0;
}
