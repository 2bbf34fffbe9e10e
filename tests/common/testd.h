/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A daemon for tests: the test itself, started again as "testd"; and as its helper, when it finds itself called so. */
#ifndef EBPF_AGENT_TESTS_TESTD_H
#define EBPF_AGENT_TESTS_TESTD_H

#include "testbus.h"

#include "common/svc.h"

#define NAME "org.ebpfagent.test1"
#define PATH "/org/ebpfagent/test1"

struct testd_conf {
	uint64_t size;
};

struct testd {
	struct svc *svc;
	uv_timer_t timer;	/* what a daemon must not forget to close */
	unsigned looks;
};

static const struct conf_key keys[] = {
	{ "size", CONF_SIZE, offsetof(struct testd_conf, size), "1K", .min = 1, .max = 1 << 20, .help = "something" },
	{ 0 },
};
static const struct conf_schema schema = { .name = "testd.yaml", .size = sizeof(struct testd_conf), .keys = keys };

static inline void tell(struct testd *d)
{
	const struct testd_conf *c = svc_conf(d->svc);

	svc_status(d->svc, "size %d looks %u", (int)c->size, d->looks);
}

static inline int start(struct svc *s, void **ret_self)
{
	struct testd *d = calloc(1, sizeof(*d));

	d->svc = s;
	uv_timer_init(svc_loop(s), &d->timer);
	d->timer.data = d;
	*ret_self = d;
	tell(d);
	return 0;
}

static inline int reload(void *self, const void *conf)
{
	const struct testd_conf *c = conf;

	(void)self;
	return c->size == 13 ? -EDOM : 0;	/* valid to the table, not to the daemon */
}

static inline void look(void *self)
{
	struct testd *d = self;

	d->looks++;
	tell(d);
}

static inline void on_timer_closed(uv_handle_t *h)
{
	free(h->data);
}

static inline void stop(void *self)
{
	struct testd *d = self;

	if (!getenv("TEST_LEAK"))
		uv_close((uv_handle_t *)&d->timer, on_timer_closed);
}

static inline int method_degrade(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct testd *d = userdata;
	const char *text;

	(void)error;
	sd_bus_message_read(m, "s", &text);
	svc_degraded(d->svc, "test:it", *text ? "%s" : NULL, text);
	return sd_bus_reply_method_return(m, "i", svc_helper_fd(d->svc));
}

/* An object beside the daemon's own, and what tells of it. */
static const sd_bus_vtable child[] = {
	SD_BUS_VTABLE_START(0),
	SD_BUS_METHOD("Degrade", "s", "i", method_degrade, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_VTABLE_END,
};

static inline int offer(void *self, sd_bus *bus)
{
	int err = sd_bus_add_object_manager(bus, NULL, PATH);

	return err < 0 ? err : sd_bus_add_object_vtable(bus, NULL, PATH "/child", NAME ".Child", child, self);
}

static inline void named(void *self)
{
	struct testd *d = self;

	if (sd_bus_emit_object_added(svc_bus(d->svc), PATH "/child") < 0)
		svc_degraded(d->svc, "test:named", "cannot be said");
}

static const sd_bus_vtable methods[] = {
	SD_BUS_VTABLE_START(0),
	SD_BUS_METHOD("Degrade", "s", "i", method_degrade, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_VTABLE_END,
};

static const struct rights with_helper = { .helper = "test_svc" };
static struct svc_def testd = {
	.name = "testd", .bus = "test1", .about = "a daemon for tests", .conf_size = sizeof(struct testd_conf),
	.schema = &schema,
	.methods = methods, .offer = offer, .named = named,
	.start = start, .reload = reload, .look = look, .stop = stop,
};

/* Says its pid in a file; goes when the daemon closes its end. */
static inline int helper_main(void)
{
	char c, path[128], text[16];

	testbus_path("helper", path);
	snprintf(text, sizeof(text), "%d", getpid());
	testbus_write(path, text);
	return read(3, &c, 1) != 0;
}

/* The exit status, if @argv asks for the daemon or its helper; else -1. */
static inline int testd_main(int argc, char **argv)
{
	static const struct rights none = { 0 };
	const char *helper = getenv("TEST_HELPER");

	if (helper && strcmp(argv[0], with_helper.helper) == 0) {
		snprintf(rundir, sizeof(rundir), "%s", helper);
		return helper_main();
	}
	if (strcmp(argv[0], testd.name) != 0)
		return -1;
	testd.rights = helper ? &with_helper : &none;
	return svc_main(&testd, argc, argv);
}

#endif
