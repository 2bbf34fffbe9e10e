/* SPDX-License-Identifier: GPL-2.0-or-later */
/* PATH → PATH.1 → PATH.2 … A kill in between leaves at most a gap in the numbers, never a lost file. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>

#include "sink_file.h"

void file_rotated_name(const struct file_sink *f, unsigned n, char ret[NAME_MAX + 1])
{
	snprintf(ret, NAME_MAX + 1, "%.*s.%u", NAME_MAX - 11, f->base, n);
}

bool file_rotate_due(const struct file_sink *f, uint64_t next_line)
{
	const struct file_rules *rules = &file_options_of(f)->rules;
	struct timespec now;

	if (!f->size)
		return false;
	if (rules->rotate_size &&
	    (next_line ? f->size + next_line > rules->rotate_size : f->size >= rules->rotate_size))
		return true;
	if (!rules->rotate_time_ns)
		return false;
	clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec * (int64_t)NSEC_PER_SEC + now.tv_nsec - f->born_ns >= (int64_t)rules->rotate_time_ns;
}

static bool exists(const struct file_sink *f, unsigned n)
{
	char name[NAME_MAX + 1];

	file_rotated_name(f, n, name);
	return faccessat(f->dir, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static int move(struct file_sink *f, const char *from, const char *to)
{
	if (renameat(f->dir, from, f->dir, to) < 0)
		return sink_fail(&f->sink, -errno, "%s: cannot be rotated: %m", file_options_of(f)->path);
	return 0;
}

/* Makes room at number 1: everything up to the first gap moves up by one; without a gap the oldest is written over. */
static int shift(struct file_sink *f)
{
	char from[NAME_MAX + 1], to[NAME_MAX + 1];
	unsigned keep = file_options_of(f)->rules.keep, gap = 1;
	int r;

	while (gap < keep && exists(f, gap))
		gap++;
	for (unsigned i = gap; i > 1; i--) {
		file_rotated_name(f, i - 1, from);
		file_rotated_name(f, i, to);
		r = move(f, from, to);
		if (r < 0)
			return r;
	}
	/* `keep` may have been larger before. */
	for (unsigned i = keep + 1; exists(f, i); i++) {
		file_rotated_name(f, i, to);
		if (unlinkat(f->dir, to, 0) < 0)
			break;
	}
	return 0;
}

int file_rotate(struct file_sink *f)
{
	int fsync = file_options_of(f)->rules.fsync;
	char to[NAME_MAX + 1];
	int r = shift(f);

	if (r < 0)
		return r;
	file_rotated_name(f, 1, to);
	r = move(f, f->base, to);
	if (r < 0)
		return r;
	/* With FILE_FSYNC_BATCH that is done. */
	if (fsync == FILE_FSYNC_ROTATE || fsync == FILE_FSYNC_INTERVAL)
		file_sync_start(f, f->fd);
	flock(f->fd, LOCK_UN);
	close(f->fd);
	f->fd = -1;
	return file_open_current(f, O_EXCL);
}
