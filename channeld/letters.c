/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "letters.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "../common/json.h"
#include "../common/log.h"
#include "../common/paths.h"
#include "envelope.h"

static const char *const reasons[] = {
#define X(upper, lower, help) [SPOOL_DROP_##upper] = #lower,
	SPOOL_DROP_LIST(X)
#undef X
};

/* ---- what was written before ----------------------------------------------------------------------------- */

static int compare(const void *a, const void *b)
{
	const struct letter_id *x = a, *y = b;

	if (x->source != y->source)
		return x->source < y->source ? -1 : 1;
	if (x->pos != y->pos)
		return x->pos < y->pos ? -1 : 1;
	return x->event < y->event ? -1 : x->event > y->event;
}

/* The id and the reason of a line as letters_write() makes them. */
static bool parse_line(const char *line, uint32_t boot, struct letter_id *ret)
{
	const char *id = strstr(line, "\"id\":\""), *reason = strstr(line, "\"reason\":\"");
	unsigned of_boot, event;
	uint16_t drop = 0;

	if (!id || !reason || sscanf(id + strlen("\"id\":\""), "%x-%" SCNx32 "-%" SCNx64 "-%x", &of_boot, &ret->source,
				     &ret->pos, &event) != 4 || of_boot != boot)
		return false;
	reason += strlen("\"reason\":\"");
	while (drop < SPOOL_N_DROPS && (strncmp(reason, reasons[drop], strlen(reasons[drop])) != 0 ||
					reason[strlen(reasons[drop])] != '"'))
		drop++;
	ret->event = event;
	ret->drop = drop;
	return drop < SPOOL_N_DROPS;
}

static bool is_committed(const struct spool_commit *c, const struct letter_id *id)
{
	for (size_t i = 0; i < c->n_sources; i++)
		if (c->sources[i].id == id->source)
			return id->pos < (c->sources[i].next & ~SPOOL_SOURCE_WITHIN);
	return true;		/* a source of another load */
}

static int keep(struct letters *l, const struct letter_id *id)
{
	struct letter_id *more = reallocarray(l->known, l->n_known + 1, sizeof(*more));

	if (!more)
		return -ENOMEM;
	l->known = more;
	l->known[l->n_known++] = *id;
	return 0;
}

/* *ret_whole: where its last whole line ends. */
static int read_known(struct letters *l, int fd, const struct spool_commit *commit, uint64_t *ret_whole)
{
	cleanup(fclosep) FILE *f = fdopen(dup(fd), "r");
	cleanup(freep) char *line = NULL;
	size_t room = 0;
	ssize_t n;
	int err = 0;

	if (!f)
		return -errno;
	*ret_whole = 0;
	while (err == 0 && (n = getline(&line, &room, f)) > 0 && line[n - 1] == '\n') {
		struct letter_id id;

		*ret_whole += (uint64_t)n;
		if (parse_line(line, l->boot, &id) && !is_committed(commit, &id))
			err = keep(l, &id);
	}
	return err;
}

static int open_file(struct letters *l, const char *program, const struct spool_commit *commit)
{
	char path[PATH_MAX], older[PATH_MAX + 2];
	cleanup(closep) int fd = -1, old = -1;
	uint64_t whole = 0;
	int err = path_dead_letter(program, path);

	if (err < 0)
		return err;
	snprintf(older, sizeof(older), "%s.1", path);
	old = open(older, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (old >= 0)
		err = read_known(l, old, commit, &whole);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
	if (fd < 0)
		return -errno;
	if (err == 0)
		err = read_known(l, fd, commit, &whole);
	/* The last one may have died while it wrote. */
	if (err == 0 && ftruncate(fd, (off_t)whole) < 0)
		err = -errno;
	if (err < 0)
		return err;
	l->fd = take_fd(&fd);
	l->size = whole;
	return 0;
}

int letters_open(struct letters *l, const char *program, struct processor_area *area, uint32_t boot,
		 const struct spool_commit *commit)
{
	int err;

	*l = (struct letters){ .fd = -1, .boot = boot, .area = area };
	err = open_file(l, program, commit);
	if (l->n_known)
		qsort(l->known, l->n_known, sizeof(*l->known), compare);
	return err;
}

enum spool_drop letters_find(const struct letters *l, const struct letter_id *id)
{
	const struct letter_id *found = NULL;

	if (l->n_known)
		found = bsearch(id, l->known, l->n_known, sizeof(*id), compare);
	return found ? found->drop : SPOOL_N_DROPS;
}

void letters_exchange(struct letters *l, int fd)
{
	struct stat st;

	if (!l->area) {
		close(fd);
		return;
	}
	closep(&l->fd);
	l->fd = fd;
	l->size = fstat(fd, &st) == 0 ? (uint64_t)st.st_size : 0;
	l->torn = 0;
}

void letters_close(struct letters *l)
{
	if (!l->area)
		return;
	closep(&l->fd);
	free(l->known);
	*l = (struct letters){ .fd = -1 };
}

/* ---- writing --------------------------------------------------------------------------------------------- */

static char *hex(const void *data, size_t len)
{
	static const char digits[] = "0123456789abcdef";
	const unsigned char *from = data;
	char *text = malloc(2 * len + 1), *out = text;

	if (!text)
		return NULL;
	for (size_t i = 0; i < len; i++) {
		*out++ = digits[from[i] >> 4];
		*out++ = digits[from[i] & 15];
	}
	*out = '\0';
	return text;
}

static char *members(const struct letters *l, const struct letter *m)
{
	cleanup(freep) char *bytes = hex(m->data, m->len);
	struct json j = {};

	if (!bytes)
		return NULL;
	json_open_object(&j, NULL);
	json_strf(&j, "id", "%x-%x-%" PRIx64 "-%x-0", l->boot, m->id.source, m->id.pos, m->id.event);
	json_str(&j, "program", m->program);
	json_str(&j, "channel", m->channel);
	json_str(&j, "event", m->event);
	json_str(&j, "processor", m->processor);
	json_str(&j, "reason", reasons[m->id.drop]);
	if (m->how_len)
		json_strf(&j, "how", "%.*s", (int)m->how_len, m->how);
	json_u64(&j, "length", m->len);
	json_str(&j, "bytes", bytes);
	json_close_object(&j);
	return json_finish(&j, NULL);
}

/* The line, with as many spaces before its end as it takes to cover what lies there. */
static char *render(const struct letters *l, const struct letter *m, size_t *ret_len)
{
	cleanup(freep) char *inner = members(l, m);
	struct envelope_clock clock = {};
	size_t len, wanted;
	char *line;

	if (!inner)
		return NULL;
	envelope_clock_set(&clock, m->wall_ns / NSEC_PER_SEC);
	line = malloc(clock.head_len + 16 + strlen(inner) + l->torn + 2);
	if (!line)
		return NULL;
	len = (size_t)sprintf(line, "%.*s%09uZ\",%s", (int)clock.head_len, clock.head,
			      (unsigned)(m->wall_ns % NSEC_PER_SEC), inner + 1);
	for (wanted = MAX(len + 1, l->torn); len + 1 < wanted; len++)
		line[len] = ' ';
	line[len++] = '\n';
	*ret_len = len;
	return line;
}

void letters_write(struct letters *l, const struct letter *m)
{
	cleanup(freep) char *line = NULL;
	size_t len;
	ssize_t n;

	if (letters_find(l, &m->id) != SPOOL_N_DROPS)
		return;
	line = l->fd >= 0 ? render(l, m, &len) : NULL;
	/* Beyond the double size nobody exchanges it any more. */
	if (!line || l->size + len > 2 * l->area->limits.letters_size) {
		l->area->letters_lost++;
		return;
	}
	n = pwrite(l->fd, line, len, (off_t)l->size);
	if (n != (ssize_t)len) {
		l->torn = n > 0 ? MAX(l->torn, (uint64_t)n) : l->torn;
		l->area->letters_lost++;
		return;
	}
	l->size += len;
	l->torn = 0;
	l->area->rows[m->row].letters++;
}
