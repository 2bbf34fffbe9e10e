/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A processor out of the manifest: its object, the names of its functions, its initfile. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "../common/program.h"
#include "clock.h"
#include "processor_private.h"
#include "sealed.h"

#define ARTIFACT_MAX (256u << 20)
#define INITFILE_MAX (256u << 20)
#define FUNCTION_DEFAULT_NAME "process"

static const struct manifest_item *find_item(const struct manifest *m, const char *name)
{
	const struct manifest_item *items = m->items.items;

	for (size_t i = 0; i < m->items.n && name; i++)
		if (!strcmp(items[i].name, name))
			return &items[i];
	return NULL;
}

/* The place of @name among the names, UINT16_MAX: it is not one of them. */
static uint16_t number_of(const char *names, const char *name)
{
	size_t len = strlen(name);
	uint16_t n = 0;

	for (const char *s = names; *s; n++) {
		size_t this = strcspn(s, (const char[]){ BATCH_SEPARATOR, '\0' });

		if (this == len && memcmp(s, name, len) == 0)
			return n;
		s += this + (s[this] == BATCH_SEPARATOR);
	}
	return UINT16_MAX;
}

uint16_t processor_function(const struct processor *p, const char *name)
{
	return number_of(p->functions, name);
}

/* Behind those that are there already. -ENAMETOOLONG. */
static int add_function(struct processor *p, const char *name)
{
	size_t used = strlen(p->functions), room = sizeof(p->functions) - used;

	if (number_of(p->functions, name) != UINT16_MAX)
		return 0;
	if ((size_t)snprintf(p->functions + used, room, "%s%s", used ? (const char[]){ BATCH_SEPARATOR, '\0' } : "",
			     name) < room)
		return 0;
	p->functions[used] = '\0';
	return -ENAMETOOLONG;
}

/* All that routes of the manifest ask of @item. */
static int add_functions(struct processor *p, const struct manifest *m, const char *item)
{
	const struct manifest_route *routes = m->routes.items;
	int err = 0;

	for (size_t i = 0; i < m->routes.n && err == 0; i++) {
		if (routes[i].processor && !strcmp(routes[i].processor, item))
			err = add_function(p, routes[i].function ?: FUNCTION_DEFAULT_NAME);
		if (err == 0 && routes[i].hash_item && !strcmp(routes[i].hash_item, item))
			err = add_function(p, routes[i].hash_function);
	}
	return err;
}

/* Those of type init, which come with each new sandbox, and the file that they are handed. */
static int add_inits(struct processor *p, const struct manifest_item *item)
{
	const struct manifest_function *f = item->functions.items;
	struct stat st;
	int r = 0;

	for (size_t i = 0; i < item->functions.n && r == 0 && p->n_inits < ARRAY_SIZE(p->inits); i++) {
		if (f[i].type != FUNCTION_INIT)
			continue;
		r = add_function(p, f[i].name);
		p->inits[p->n_inits++] = processor_function(p, f[i].name);
	}
	if (r < 0 || p->n_inits == 0 || !item->initfile_artifact)
		return r;
	r = sealed_copy(item->initfile_artifact, INITFILE_MAX, &p->file);
	if (r == 0 && fstat(p->file, &st) < 0)
		r = -errno;
	if (r == 0)
		p->file_len = (uint32_t)st.st_size;
	return r;
}

static void processor_freep(struct processor **p)
{
	processor_free(*p);
}

int processor_new(const struct manifest *m, const char *name, int launcher_sock, const struct processor_limits *limits,
		  struct processor_row *row, struct processor **ret, struct diag *d)
{
	const struct manifest_item *item = find_item(m, name);
	cleanup(processor_freep) struct processor *p = NULL;
	int r;

	if (!item || !item->artifact)
		return diag_fail(d, -EINVAL, m->file, 0, "no processor called %s in the manifest", name ?: "(null)");
	p = calloc(1, sizeof(*p));
	if (!p)
		return -ENOMEM;
	p->so = p->file = p->child.conn = p->listener.sock = p->listener.fd = -1;
	p->limits = limits ?: &processor_default_limits;
	p->health = (struct health){ p->limits, row ?: &p->own_row, p->name };
	p->health.row->used = 1;
	snprintf(p->name, sizeof(p->name), "%s/%s", m->program ?: "", item->name);
	r = add_functions(p, m, item->name);
	if (r < 0)
		return diag_fail(d, r, m->file, 0, "processor %s: the names of its functions are too long together",
				 p->name);
	r = add_inits(p, item);
	if (r < 0)
		return diag_fail(d, r, m->file, 0, "processor %s: %s: %s", p->name,
				 item->initfile_artifact ?: "its init functions", strerror(-r));
	r = sealed_copy(item->artifact, ARTIFACT_MAX, &p->so);
	if (r < 0)
		return diag_fail(d, r, m->file, 0, "processor %s: %s: %s", p->name, item->artifact, strerror(-r));
	r = batch_init(&p->batch);
	for (size_t i = 0; i < MIN(m->channels.n, (size_t)BATCH_MAX_CHANNELS); i++)
		p->batch.channels[i] = ((const struct manifest_channel *)m->channels.items)[i].name;
	if (r == 0)
		r = child_connect(&p->child, launcher_sock);
	if (r < 0)
		return diag_fail(d, r, m->file, 0, "processor %s: %s", p->name, strerror(-r));
	if (!health_due(&p->health, clock_monotonic()))
		r = sandbox_start(p);
	if (r < 0)
		return diag_fail(d, r, m->file, 0, "%s", p->error);
	*ret = take(p);
	return 0;
}

void processor_free(struct processor *p)
{
	if (!p)
		return;
	child_disconnect(&p->child);
	listener_close(&p->listener);
	batch_fini(&p->batch);
	closep(&p->so);
	closep(&p->file);
	free(p);
}
