/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the ledger says of a spool. Rows are looked at here, not sent. */
#include <errno.h>
#include <limits.h>
#include <sys/stat.h>

#include "abi/names.h"
#include "common/paths.h"
#include "common/program.h"
#include "common/spool.h"
#include "svc_stub.h"

static char kind[16];
static uint64_t drained, ok;		/* of the event's row */

void bus_rows_begin(struct bus_rows *r, sd_bus_message *call)
{
	(void)r, (void)call;
}

void bus_row_begin(struct bus_rows *r)
{
	(void)r;
}

void bus_row_str(struct bus_rows *r, const char *key, const char *value)
{
	(void)r;
	if (!strcmp(key, "kind"))
		snprintf(kind, sizeof(kind), "%s", value);
}

void bus_row_strf(struct bus_rows *r, const char *key, const char *fmt, ...)
{
	(void)r, (void)key, (void)fmt;
}

void bus_row_u64(struct bus_rows *r, const char *key, uint64_t value)
{
	(void)r;
	if (!strcmp(kind, "event") && !strcmp(key, "drained"))
		drained = value;
	if (!strcmp(kind, "event") && !strcmp(key, "ok"))
		ok = value;
}

void bus_row_bool(struct bus_rows *r, const char *key, bool value)
{
	(void)r, (void)key, (void)value;
}

void bus_row_end(struct bus_rows *r)
{
	(void)r;
}

int bus_rows_send(struct bus_rows *r)
{
	(void)r;
	return 0;
}

int bus_fail(sd_bus_error *error, const char *name, const char *fmt, ...)
{
	(void)error, (void)name, (void)fmt;
	return -EINVAL;
}

static void expect(uint64_t generation, uint64_t events)
{
	struct manifest_channel channel = {
		.name = "c", .type = CHANNEL_RING_BUFFER, .item = "i", .map = "m", .map_id = 7,
	};
	struct manifest_route route = { .event_name = "e" };
	struct manifest m = {
		.program = "p", .generation = generation, .channels = { &channel, 1 }, .routes = { &route, 1 },
	};
	struct bus_rows rows = {};

	drained = ok = UINT64_MAX;
	ledger_append(&m, &rows);
	assert_int_equal(drained, events);
	assert_int_equal(ok, events);
}

/* The program is loaded anew, and its worker has not made room for itself yet. */
static void the_spool_of_an_earlier_load_says_nothing_about_this_one(void **state)
{
	char folder[] = "/dev/shm/ledger-test.XXXXXX", path[PATH_MAX], spools[64];
	struct spool_writer w = {};

	(void)state;
	assert_non_null(mkdtemp(folder));
	setenv(AGENT_ENV_RUNTIME, folder, 1);
	snprintf(spools, sizeof(spools), "%s/spool", folder);
	assert_int_equal(mkdir(spools, 0755), 0);
	assert_int_equal(path_spool("p", path), 0);
	assert_int_equal(spool_writer_open(&w, path, "p", 0, NULL), 0);
	w.next.generation = 4;
	w.next.n_sources = w.next.n_routes = 1;
	w.next.sources[0] = (struct spool_source){ .id = 7, .drained = 5 };
	w.next.routes[0].ok = 5;
	spool_commit(&w);
	expect(4, 5);
	expect(5, 0);
	spool_writer_close(&w);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rmdir(spools), 0);
	assert_int_equal(rmdir(folder), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_spool_of_an_earlier_load_says_nothing_about_this_one),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("channeld/ledger", tests, NULL, NULL);
}
