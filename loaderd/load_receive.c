/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What loaderd hands over before a load begins. */
#include <errno.h>
#include <string.h>

#include "../common/spawn.h"
#include "load.h"

void received_fini(struct received *r)
{
	closep(&r->document);
	for (size_t k = 0; k < PROGRAM_MAX_ITEMS; k++) {
		closep(&r->artifacts[k].fd);
		closep(&r->initfiles[k].fd);
	}
}

static int take_file(struct load *l, struct received_file *files, const struct job_message *m, int fd)
{
	struct received_file *f = &files[m->value < PROGRAM_MAX_ITEMS ? m->value : 0];

	if (m->value >= PROGRAM_MAX_ITEMS || fd < 0 || f->fd >= 0)
		return -EBADMSG;
	f->path = arena_strdup(l->arena, m->a);
	if (!f->path)
		return -ENOMEM;
	f->fd = fd;
	return 0;
}

/* 1: that was all. Takes @fd if it returns no error. */
static int take_message(struct load *l, struct received *r, const struct job_message *m, int fd)
{
	switch (m->type) {
	case JOB_BEGIN:
		if (r->document >= 0)
			return -EBADMSG;
		r->document = fd;
		l->generation = m->value;
		r->file = arena_strdup(l->arena, m->a);
		r->base = arena_strdup(l->arena, m->b);
		return r->file && r->base ? 0 : -ENOMEM;
	case JOB_LIMITS:
		l->limits = (struct load_limits){ .memory = m->value, .deadline_ns = m->more };
		return 0;
	case JOB_ARTIFACT:
		return take_file(l, r->artifacts, m, fd);
	case JOB_INITFILE:
		return take_file(l, r->initfiles, m, fd);
	case JOB_GO:
		return r->document >= 0 ? 1 : -EBADMSG;
	default:
		return -EBADMSG;
	}
}

int load_receive(struct load *l, struct received *ret)
{
	struct job_message m;
	int err = 0;

	ret->document = -1;
	for (size_t k = 0; k < PROGRAM_MAX_ITEMS; k++)
		ret->artifacts[k].fd = ret->initfiles[k].fd = -1;
	while (!err) {
		int fd = -1;
		size_t n_fds = 1;
		ssize_t n = fdpass_receive(l->sock, &m, sizeof(m), &fd, &n_fds);

		if (n != sizeof(m) || m.a[PATH_MAX - 1] || m.b[PATH_MAX - 1])
			return -EBADMSG;
		err = take_message(l, ret, &m, n_fds ? fd : -1);
	}
	return err < 0 ? err : 0;
}
