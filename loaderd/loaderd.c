/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The daemon's life: the ground it needs, its start and its end. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "../common/paths.h"
#include "../common/pins.h"
#include "broker_client.h"
#include "buffers.h"
#include "bus_job.h"

void loaderd_hint(struct loaderd *d, const char *program)
{
	if (d->to_channeld)
		wire_send(d->to_channeld, HINT_MANIFEST, program);
	if (d->to_sinkd)
		wire_send(d->to_sinkd, HINT_MANIFEST, program);
}

static int make_dir(const char *dir, const char *name, mode_t mode)
{
	char path[PATH_MAX];

	if (snprintf(path, sizeof(path), "%s/%s", dir, name) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	if (mkdir(path, mode & 0777) == 0)	/* a unit may not make folders that hand on their group */
		return chmod(path, mode) ? -errno : 0;	/* whatever the umask is */
	if (errno == EEXIST)
		return 0;
	log_error("%s cannot be made: %s", path, strerror(errno));
	return -errno;
}

static void on_told(void *arg, unsigned tag, int err, const char *text, int fd)
{
	const struct loaderd *d = arg;

	closep(&fd);
	if (err)
		log_error("ebpf-broker refuses the folder %s: %s", d->conf->artifacts.roots.s[tag], text);
}

static int tell_roots(struct loaderd *d)
{
	const struct conf_strs *roots = &d->conf->artifacts.roots;
	int err = 0;

	for (size_t k = 0; k < roots->n && !err; k++)
		err = broker_ask(d->broker, BROKER_ROOT, roots->s[k], on_told, d, k);
	return err ? err : broker_ask(d->broker, BROKER_ROOTS_END, "", on_told, d, 0);
}

static int connect_hints(struct loaderd *d)
{
	int err = wire_connect("channeld", &d->to_channeld);

	return err ? err : wire_connect("sinkd", &d->to_sinkd);
}

static int check_ground(struct loaderd *d)
{
	int err = pin_check_mount();

	if (err) {
		log_error("%s/bpf is no bpffs (%s): nothing could be pinned", path_runtime(), strerror(-err));
		return err;
	}
	err = make_dir(path_runtime(), "manifest", 02750);
	if (!err)
		err = make_dir(path_state(), "artifacts", 02750);
	if (!err)
		generation_read(d);
	return err;
}

int loaderd_start(struct svc *s, void **ret_self)
{
	struct loaderd *d = calloc(1, sizeof(*d));
	int err;

	if (!d)
		return -ENOMEM;
	d->svc = s;
	d->loop = svc_loop(s);
	d->conf = svc_conf(s);
	d->declared_due = true;
	unload_init(d);
	err = check_ground(d);
	if (!err)
		err = broker_client_new(d->loop, svc_helper_fd(s), &d->broker);
	if (!err)
		err = tell_roots(d);
	if (!err)
		err = connect_hints(d);
	if (!err)
		err = adopt_all(d);
	if (!err)
		err = buffers_keeper_new(d, &d->buffers);
	if (err) {
		loaderd_stop(d);
		return err;
	}
	*ret_self = d;
	return 0;
}

int loaderd_reload(void *self, const void *conf)
{
	struct loaderd *d = self;

	/* The broker was told its folders once; they change with a restart. */
	d->conf = conf;
	declared_look(d, true);
	return 0;
}

static void tell_status(const struct loaderd *d)
{
	size_t n[3] = { 0 };

	for (const struct entry *e = d->entries; e; e = e->next)
		n[e->state]++;
	svc_status(d->svc, "%zu program%s loaded, %zu loading, %zu draining", n[ENTRY_LOADED],
		   n[ENTRY_LOADED] == 1 ? "" : "s", n[ENTRY_LOADING], n[ENTRY_DRAINING]);
}

void loaderd_look(void *self)
{
	struct loaderd *d = self;

	if (d->declared_due)
		declared_look(d, false);
	entry_look(d);
	buffers_look(d->buffers);
	unload_look(d);
	bus_job_look(d);
	tell_status(d);
}

static void on_timer_closed(uv_handle_t *h)
{
	free(h->data);
}

void loaderd_stop(void *self)
{
	struct loaderd *d = self;

	d->stopping = true;
	if (d->broker)
		job_drop_all(d);
	unload_drop_all(d);
	declared_free(d);
	while (d->entries)
		entry_remove(d->entries);	/* what is loaded stays loaded */
	bus_job_free_all(d);
	buffers_keeper_free(take(d->buffers));
	broker_client_free(d->broker);
	wire_free(d->to_channeld);
	wire_free(d->to_sinkd);
	uv_close((uv_handle_t *)&d->drain_timer, on_timer_closed);
}
