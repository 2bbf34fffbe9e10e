/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From sinkd to stdout, losing nothing and repeating nothing. A pipe per sinkd: what a dead one left in its pipe is
 * read to the end before the next one's, which repeats from the cursor; what was printed already is known by its id. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "../common/spool.h"
#include "run_out.h"

#define PIPE_SIZE (1 << 20)	/* fewer switches between sinkd and us; what the kernel does not give is done without */

/* A terminal or pipe that blocks would stop the supervision as well. The flag belongs to the open file, which others
 * share with us, so we open our own. */
static int open_stdout(struct out *o)
{
	struct stat st;
	int fd;

	if (fstat(1, &st) < 0)
		return -errno;
	o->is_socket = S_ISSOCK(st.st_mode);
	o->is_file = S_ISREG(st.st_mode);
	if (S_ISFIFO(st.st_mode) || S_ISCHR(st.st_mode)) {
		fd = open("/proc/self/fd/1", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
		if (fd >= 0) {
			o->fd = fd;
			return 0;
		}
	}
	o->fd = fcntl(1, F_DUPFD_CLOEXEC, 3);
	return o->fd < 0 ? -errno : 0;
}

int out_init(struct out *o, bool json, bool color)
{
	*o = (struct out){ .json = json, .style.color = color, .fd = -1 };
	o->streams = calloc(OUT_STREAMS, sizeof(*o->streams));
	return o->streams ? open_stdout(o) : -ENOMEM;
}

void out_fini(struct out *o)
{
	for (size_t i = 0; i < o->n_pipes; i++)
		close(o->pipes[i]);
	o->n_pipes = 0;
	free(take(o->streams));
	buf_fini(&o->text);
	closep(&o->fd);
	o->fd = -1;
}

int out_pipe(struct out *o)
{
	int p[2];

	if (o->n_pipes == OUT_PIPES)
		return -EAGAIN;		/* stdout is stuck, and sinkd dies and dies: it has to wait */
	if (pipe2(p, O_CLOEXEC) < 0)
		return -errno;
	fcntl(p[0], F_SETFL, O_NONBLOCK);
	(void)fcntl(p[0], F_SETPIPE_SZ, PIPE_SIZE);
	o->pipes[o->n_pipes++] = p[0];
	return p[1];
}

/* ---- which were printed already ------------------------------------------------------------------------- */

/* The value of a string member of the envelope: quotes inside strings are escaped, so the first match is the member. */
static const char *member(const char *line, size_t len, const char *key, size_t *ret_len)
{
	const char *p = memmem(line, len, key, strlen(key)), *end;

	if (!p)
		return NULL;
	p += strlen(key);
	end = memchr(p, '"', len - (size_t)(p - line));
	if (!end)
		return NULL;
	*ret_len = (size_t)(end - p);
	return p;
}

static bool same_stream(const struct out_stream *s, const char *program, size_t len, const struct spool_rec *id)
{
	return s->boot == id->boot && s->source == id->source && s->event == id->event && strlen(s->program) == len &&
	       !memcmp(s->program, program, len);
}

static struct out_stream *new_stream(struct out *o, const char *program, size_t len, const struct spool_rec *id)
{
	struct out_stream *s = &o->streams[0];

	if (o->n_streams < OUT_STREAMS) {
		s = &o->streams[o->n_streams++];
	} else {
		for (size_t i = 1; i < OUT_STREAMS; i++)
			if (o->streams[i].used < s->used)
				s = &o->streams[i];
	}
	*s = (struct out_stream){ .boot = id->boot, .source = id->source, .event = id->event };
	memcpy(s->program, program, len);
	return s;
}

static bool was_printed(struct out *o, const char *line, size_t len)
{
	struct out_stream *s = NULL;
	struct spool_rec id = {};
	const char *program, *text;
	size_t program_len, id_len;

	program = member(line, len, ",\"program\":\"", &program_len);
	text = member(line, len, ",\"id\":\"", &id_len);
	if (!program || !text || program_len >= sizeof(s->program) || spool_id_parse(text, id_len, &id) < 0)
		return false;	/* what cannot be told apart is printed */
	for (size_t i = 0; i < o->n_streams && !s; i++)
		if (same_stream(&o->streams[i], program, program_len, &id))
			s = &o->streams[i];
	if (s && (id.source_pos < s->pos || (id.source_pos == s->pos && id.result <= s->result)))
		return true;
	s = s ?: new_stream(o, program, program_len, &id);
	s->pos = id.source_pos;
	s->result = id.result;
	s->used = ++o->clock;
	return false;
}

void out_line(struct out *o, const char *line, size_t len)
{
	if (was_printed(o, line, len))
		return;
	if (o->json)
		buf_add(&o->text, line, len);
	else
		event_text(&o->style, line, len, &o->text);
}

/* ---- reading and writing -------------------------------------------------------------------------------- */

static void drop_pipe(struct out *o)
{
	close(o->pipes[0]);
	memmove(o->pipes, o->pipes + 1, --o->n_pipes * sizeof(o->pipes[0]));
	/* Half a line of a dead sinkd: the next one repeats it whole. */
	o->lines.start = o->lines.end = 0;
	o->lines.skipping = false;
}

static void read_pipe(struct out *o)
{
	const char *line;
	ssize_t n;
	size_t len;

	while (o->n_pipes && o->text.len - o->done < OUT_MAX) {
		n = lines_read(&o->lines, o->pipes[0]);
		if (n == -EAGAIN || n == -EINTR)
			return;
		if (n <= 0) {
			drop_pipe(o);
			continue;
		}
		while ((line = lines_next(&o->lines, &len)))
			if (!o->closed)
				out_line(o, line, len);
	}
}

static ssize_t write_some(const struct out *o)
{
	const char *p = o->text.s + o->done;
	size_t n = o->text.len - o->done;

	if (o->is_socket)
		return send(o->fd, p, n, MSG_DONTWAIT | MSG_NOSIGNAL);
	/* Where it could not be opened anew it blocks; poll() has promised room for so much. */
	if (!o->is_file && !(fcntl(o->fd, F_GETFL) & O_NONBLOCK))
		n = MIN(n, (size_t)PIPE_BUF);
	return write(o->fd, p, n);
}

/* True: there may be room for more. */
static bool write_out(struct out *o)
{
	struct pollfd p = { .fd = o->fd, .events = POLLOUT };
	ssize_t n;

	if (o->closed || o->done == o->text.len)
		return false;
	if (!o->is_file && (poll(&p, 1, 0) <= 0 || !(p.revents & (POLLOUT | POLLERR | POLLHUP))))
		return false;
	n = write_some(o);
	if (n < 0) {
		if (errno == EAGAIN || errno == EINTR)
			return false;
		o->error = errno == EPIPE ? 0 : errno;
		o->closed = true;
		return false;
	}
	o->done += (size_t)n;
	return true;
}

size_t out_poll(const struct out *o, struct pollfd *ret)
{
	bool waiting = o->done < o->text.len;
	size_t n = 0;

	if (o->n_pipes && o->text.len - o->done < OUT_MAX)
		ret[n++] = (struct pollfd){ .fd = o->pipes[0], .events = POLLIN };
	/* Without events it still tells when the reader is gone. */
	if (!o->closed && !o->is_file)
		ret[n++] = (struct pollfd){ .fd = o->fd, .events = waiting ? POLLOUT : 0 };
	return n;
}

static void check_reader(struct out *o)
{
	struct pollfd p = { .fd = o->fd };

	if (!o->closed && !o->is_file && poll(&p, 1, 0) > 0 && p.revents & (POLLERR | POLLHUP | POLLNVAL))
		o->closed = true;
}

void out_look(struct out *o)
{
	read_pipe(o);
	while (write_out(o))
		;
	check_reader(o);
	if (o->done == o->text.len || o->closed)
		o->text.len = o->done = 0;
	else if (o->done > OUT_MAX / 2) {
		memmove(o->text.s, o->text.s + o->done, o->text.len - o->done);
		o->text.len -= o->done;
		o->done = 0;
	}
}

bool out_finished(const struct out *o)
{
	return !o->n_pipes && (o->closed || o->done == o->text.len);
}
