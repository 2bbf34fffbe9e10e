/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Keeps the buffers of all programs, and shares them with channeld. A loaderd that begins anew waits for channeld to
 * offer them; if neither has them any more, new ones are made, and how much was in the old ones is unknown. */
#include "buffers.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "../common/buffers_link.h"
#include "../common/paths.h"
#include "../common/pins.h"

#define LINKS_MAX 4		/* channeld, and those of its predecessors that are not closed yet */
#define GRACE_MS  5000		/* for a channeld that lives to come */

struct buffers_keeper {
	struct loaderd *d;
	int fd;
	uv_poll_t poll;
	struct buffers_link *links[LINKS_MAX];
	struct buffers *sets;
	struct buffers_opening *openings;
	uint64_t grace_until;		/* of uv_now(); 0: whoever has buffers has offered them */
};

struct buffers_opening **buffers_openings(struct buffers_keeper *k)
{
	return &k->openings;
}

struct loaderd *buffers_daemon(struct buffers_keeper *k)
{
	return k->d;
}

/* ---- what is kept ------------------------------------------------------------------------------------------------ */

static struct buffers *find(const struct buffers_keeper *k, const char *program)
{
	struct buffers *b = k->sets;

	while (b && strcmp(b->program, program))
		b = b->next;
	return b;
}

static void key_of(const char *program, char ret[96])
{
	snprintf(ret, 96, "buffers:%s", program);
}

void buffers_drop(struct buffers_keeper *k, const char *program)
{
	char key[96];

	if (!k)
		return;
	key_of(program, key);
	svc_degraded(k->d->svc, key, NULL);
	for (struct buffers **at = &k->sets; *at; at = &(*at)->next) {
		struct buffers *b = *at;

		if (strcmp(b->program, program))
			continue;
		*at = b->next;
		buffers_free(b);
		return;
	}
}

struct buffers *buffers_kept(struct buffers_keeper *k, const char *program, uint64_t generation)
{
	struct buffers *b = find(k, program);

	if (b && b->generation == generation)
		return b;
	if (b)
		buffers_drop(k, program);
	b = buffers_new(program, generation);
	if (!b)
		return NULL;
	b->next = k->sets;
	return k->sets = b;
}

static bool is_missing(const struct buffers_keeper *k, const struct entry *e, size_t channel)
{
	const struct manifest_channel *c = (const struct manifest_channel *)e->manifest->channels.items + channel;
	const struct buffers *b = find(k, e->name);

	return c->type == CHANNEL_PERF_BUFFER && !(b && buffers_has(b, channel));
}

static bool is_complete(const struct buffers_keeper *k, const struct entry *e)
{
	for (size_t i = 0; i < e->manifest->channels.n; i++)
		if (is_missing(k, e, i))
			return false;
	return true;
}

static void share(struct buffers_keeper *k, const char *program)
{
	const struct buffers *b = find(k, program);

	for (int i = 0; b && i < LINKS_MAX; i++)
		if (k->links[i])
			buffers_link_send(k->links[i], b);
}

static void on_connection(uv_poll_t *p, int status, int events);

void buffers_loaded(struct buffers_keeper *k, const char *program)
{
	share(k, program);
}

/* ---- new ones for those that are gone ---------------------------------------------------------------------------- */

static void on_reopened(void *arg, int err, size_t n, const char *text)
{
	struct entry *e = arg;
	char key[96];

	(void)n;
	key_of(e->name, key);
	if (err)	/* at the next look again */
		svc_degraded(e->d->svc, key, "%s: its per-CPU buffers are gone, and there are no new ones: %s",
			     e->name, text);
	else
		svc_degraded(e->d->svc, key, NULL);
	if (!err && is_complete(e->d->buffers, e))
		share(e->d->buffers, e->name);
}

static int reopen(struct buffers_keeper *k, struct entry *e, size_t channel)
{
	struct manifest_channel *c = (struct manifest_channel *)e->manifest->channels.items + channel;
	struct buffers_request r = {
		.entry = e, .generation = e->manifest->generation, .channel = channel, .bytes = c->size,
		.done = on_reopened, .arg = e,
	};
	/* Said before it is done: a loaderd that dies in between must not forget it. */
	int err = entry_say_lost(e, c, "its per-CPU buffers");

	if (err)
		return err;
	r.array = pin_get(e->name, c->item, PIN_MAP, c->map);
	return r.array < 0 ? r.array : buffers_open(k, &r);
}

void buffers_look(struct buffers_keeper *k)
{
	uv_poll_start(&k->poll, UV_READABLE, on_connection);
	if (k->grace_until && uv_now(k->d->loop) >= k->grace_until)
		k->grace_until = 0;
	for (struct entry *e = k->d->entries; e && !k->grace_until; e = e->next) {
		int err = 0;

		if (!e->manifest || e->refused || e->state == ENTRY_LOADING || buffers_opening_of(k, e->name))
			continue;
		for (size_t i = 0; i < e->manifest->channels.n && !err; i++)
			if (is_missing(k, e, i))
				err = reopen(k, e, i);
		if (err)
			on_reopened(e, err, 0, strerror(-err));
	}
}

/* ---- channeld ---------------------------------------------------------------------------------------------------- */

/* Its rows are what the manifest speaks of. */
static bool fits(const struct buffers *b, const struct entry *e)
{
	const struct manifest_channel *c = e->manifest->channels.items;

	for (size_t i = 0; i < b->n; i++) {
		const struct buffer *row = &b->rows[i];

		if (row->channel >= e->manifest->channels.n || c[row->channel].type != CHANNEL_PERF_BUFFER)
			return false;
		if (row->pages && row->pages * (uint64_t)sysconf(_SC_PAGESIZE) != c[row->channel].size)
			return false;
	}
	return true;
}

/* What this loaderd made or was given already counts: then it has the same, or something newer. */
static void on_received(void *arg, struct buffers *b)
{
	struct buffers_keeper *k = arg;
	const struct entry *e = entry_find(k->d, b->program);

	if (!e || !e->manifest || e->state == ENTRY_LOADING || e->manifest->generation != b->generation ||
	    find(k, b->program) || buffers_opening_of(k, b->program) || !fits(b, e)) {
		buffers_free(b);
		return;
	}
	b->next = k->sets;
	k->sets = b;
	log_info("%s: its per-CPU buffers are taken over from channeld", b->program);
}

static void on_offered(void *arg, struct buffers_link *l)
{
	struct buffers_keeper *k = arg;

	k->grace_until = 0;
	buffers_look(k);
	for (const struct entry *e = k->d->entries; e; e = e->next) {
		const struct buffers *b = find(k, e->name);

		if (b && e->manifest && e->state != ENTRY_LOADING && is_complete(k, e))
			buffers_link_send(l, b);
	}
}

static void on_link_closed(void *arg, struct buffers_link *l)
{
	struct buffers_keeper *k = arg;

	for (int i = 0; i < LINKS_MAX; i++)
		if (k->links[i] == l)
			k->links[i] = NULL;
}

/* The folder of the spools is its own. */
static uid_t uid_of_channeld(void)
{
	char path[PATH_MAX];
	struct stat st;

	if (path_spool("x", path))
		return 0;
	*strrchr(path, '/') = '\0';
	return stat(path, &st) ? 0 : st.st_uid;
}

static void on_connection(uv_poll_t *p, int status, int events)
{
	static const struct buffers_link_ops ops = {
		.received = on_received, .offered = on_offered, .closed = on_link_closed,
	};
	struct buffers_keeper *k = container_of(p, struct buffers_keeper, poll);
	int fd = accept4(k->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK), place = 0, err;

	(void)status, (void)events;
	if (fd < 0 && errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
		uv_poll_stop(p);	/* out of descriptors, say: not before the next look again */
	if (fd < 0)
		return;
	while (place < LINKS_MAX && k->links[place])
		place++;
	if (place == LINKS_MAX || !buffers_peer_is(fd, uid_of_channeld())) {
		close(fd);
		return;
	}
	err = buffers_link_new(k->d->loop, fd, PROT_READ | PROT_WRITE, &ops, k, &k->links[place]);
	if (err)
		log_error("channeld cannot be given buffers: %s", strerror(-err));
}

/* ---- life -------------------------------------------------------------------------------------------------------- */

int buffers_keeper_new(struct loaderd *d, struct buffers_keeper **ret)
{
	struct buffers_keeper *k = calloc(1, sizeof(*k));
	int err;

	if (!k)
		return -ENOMEM;
	k->d = d;
	k->grace_until = uv_now(d->loop) + GRACE_MS;
	k->fd = buffers_listen();
	err = k->fd < 0 ? k->fd : uv_poll_init(d->loop, &k->poll, k->fd);
	if (err) {
		log_error("the socket for channeld cannot be made: %s", strerror(-err));
		closep(&k->fd);
		free(k);
		return err;
	}
	uv_poll_start(&k->poll, UV_READABLE, on_connection);
	*ret = k;
	return 0;
}

static void on_closed(uv_handle_t *h)
{
	struct buffers_keeper *k = container_of((uv_poll_t *)h, struct buffers_keeper, poll);

	close(k->fd);
	free(k);
}

void buffers_keeper_free(struct buffers_keeper *k)
{
	if (!k)
		return;
	buffers_forget(k, NULL);
	for (int i = 0; i < LINKS_MAX; i++)
		buffers_link_close(k->links[i]);
	while (k->sets)
		buffers_drop(k, k->sets->program);
	uv_close((uv_handle_t *)&k->poll, on_closed);
}
