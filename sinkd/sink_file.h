/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The file sink, between its three files. */
#ifndef EBPF_AGENT_SINKD_SINK_FILE_H
#define EBPF_AGENT_SINKD_SINK_FILE_H

#include "stream.h"

#define FILE_MODE 0640

/* What a route asks for; flat, so that two can be compared by memcmp(). */
struct file_options {
	struct file_rules rules;
	char error[256];		/* what was wrong with the entry */
	char path[PATH_MAX];		/* absolute; zeros behind it */
};

struct file_sink {
	struct sink sink;
	int dir, fd;			/* -1: not open; dir is O_PATH */
	char base[NAME_MAX + 1];
	uint64_t size;			/* of the file, as last seen */
	int64_t born_ns;		/* wall time: when the file was begun */
	uint64_t synced_ns;
	uint64_t pushed;		/* bytes that are on their way to the disk, whole pages */
	bool dirty;			/* written to since the last fsync was asked for */
	bool named;			/* since then the folder may have its name anew */
};

static inline struct file_sink *file_sink_of(struct sink *s)
{
	return container_of(s, struct file_sink, sink);
}

static inline const struct file_options *file_options_of(const struct file_sink *f)
{
	return f->sink.options;
}

/* Opens (or makes, with @flags O_EXCL) the file itself, in f->dir, and locks it. */
int file_open_current(struct file_sink *f, int flags);

/* sink_file_sync.c */
/* With fsync: batch, before anything that is in the file counts as delivered: its bytes, and its name in the folder.
 * 0, or sink_fail(). */
int file_sync_batch(struct file_sink *f);
/* Forces @fd to the disk in another thread, by a duplicate: the caller may close it. What fails is said. */
void file_sync_start(struct file_sink *f, int fd);
/* With fsync: interval or rotate, before that: a megabyte that is there is sent on its way to the disk, in another
 * thread, so that little is left to be forced at once, which would hold up the writes meanwhile. */
void file_push(struct file_sink *f);
/* Takes back what was said of it. */
void file_sync_forget(struct sink *s);

/* sink_file_rotate.c */
bool file_rotate_due(const struct file_sink *f, uint64_t next_line);
int file_rotate(struct file_sink *f);
void file_rotated_name(const struct file_sink *f, unsigned n, char ret[NAME_MAX + 1]);

/* sink_file_resume.c: truncates a torn tail, and moves the cursor behind what the file has already. */
int file_resume(struct file_sink *f);

#endif
