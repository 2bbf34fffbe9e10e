/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One perf event array gets its buffers: ebpf-broker opens a perf event on each CPU, which comes into the array and is
 * mapped here. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>

#include "broker_client.h"
#include "buffers.h"

struct buffers_opening {
	struct buffers_opening *next;
	struct buffers_keeper *keeper;
	char program[AGENT_NAME_MAX + 1];
	struct buffers_request request;
	uint32_t slots;			/* of the array */
	int err;			/* the first */
	char text[256];			/* why; without an error: CPUs that have none */
	size_t missing, n;
	int fds[];			/* by CPU; -1: none */
};

static void opening_unlink(struct buffers_opening *o)
{
	struct buffers_opening **at = buffers_openings(o->keeper);

	while (*at && *at != o)
		at = &(*at)->next;
	if (*at)
		*at = o->next;
}

static void opening_free(struct buffers_opening *o)
{
	opening_unlink(o);
	for (size_t cpu = 0; cpu < o->n; cpu++)
		closep(&o->fds[cpu]);
	closep(&o->request.array);
	free(o);
}

static int fail(struct buffers_opening *o, int err, const char *fmt, ...) printf_like(3, 4);
static int fail(struct buffers_opening *o, int err, const char *fmt, ...)
{
	va_list args;

	if (o->err)
		return o->err;
	o->err = err;
	va_start(args, fmt);
	vsnprintf(o->text, sizeof(o->text), fmt, args);
	va_end(args);
	return err;
}

static int fail_to_map(struct buffers_opening *o, size_t cpu, int err)
{
	unsigned long kib = o->request.bytes / 1024;

	if (err == -EPERM)
		return fail(o, err, "%lu KiB for each of %zu CPUs is more locked memory than this user may have: make "
			    "`buffer:` smaller, or raise the sysctl kernel.perf_event_mlock_kb or LimitMEMLOCK= of "
			    "ebpf-loaderd.service", kib, o->n);
	if (err == -E2BIG)
		return fail(o, err, "the program would have more than %d per-CPU buffers", BUFFERS_MAX);
	return fail(o, err, "%lu KiB for CPU %zu: %s", kib, cpu, strerror(-err));
}

static int put_in(struct buffers_opening *o, struct buffers *kept, uint32_t cpu)
{
	uint32_t pages = o->request.bytes / (size_t)sysconf(_SC_PAGESIZE);
	int fd = take_fd(&o->fds[cpu]), err;

	err = buffers_add(kept, o->request.channel, cpu, pages, fd, PROT_READ | PROT_WRITE);
	if (err < 0)
		return fail_to_map(o, cpu, err);
	if (bpf_map_update_elem(o->request.array, &cpu, &fd, BPF_ANY) < 0)
		return fail(o, -errno, "the kernel does not take the buffer of CPU %u: %s", cpu, strerror(errno));
	return 0;
}

static void note_missing(struct buffers_opening *o, size_t cpu)
{
	size_t len = strlen(o->text);

	snprintf(o->text + len, sizeof(o->text) - len, "%s%zu", len ? ", " : "", cpu);
}

static void finish(struct buffers_opening *o)
{
	struct buffers *kept = o->err ? NULL : buffers_kept(o->keeper, o->program, o->request.generation);
	size_t n = 0;
	int err = o->err;

	if (!err && !kept)
		err = fail(o, -ENOMEM, "out of memory");
	for (size_t cpu = 0; !err && cpu < o->n; cpu++) {
		if (o->fds[cpu] < 0 || cpu >= o->slots) {
			note_missing(o, cpu);
			continue;
		}
		err = put_in(o, kept, cpu);
		n++;
	}
	if (!err && n == 0)
		err = fail(o, -ENODEV, "no CPU can have a buffer");
	if (!err)	/* the same descriptor by which they were put in */
		err = buffers_add(kept, o->request.channel, BUFFER_IS_ARRAY, 0, take_fd(&o->request.array), 0);
	if (err && !o->err)
		fail(o, err, "its array is of no use: %s", strerror(-err));
	if (err && kept)
		buffers_remove(kept, o->request.channel);
	opening_unlink(o);		/* whoever is told may forget it, or begin another */
	o->request.done(o->request.arg, err, n, o->text);
	opening_free(o);
}

static void on_opened(void *arg, unsigned cpu, int err, const char *text, int fd)
{
	struct buffers_opening *o = arg;

	o->fds[cpu] = fd;
	if (err && err != -ENODEV)	/* ENODEV: this CPU is not there now */
		fail(o, err, "a perf event on CPU %u: %s", cpu, text[0] ? text : strerror(-err));
	if (--o->missing == 0)
		finish(o);
}

static int ask_all(struct buffers_opening *o)
{
	struct loaderd *d = buffers_daemon(o->keeper);
	int err = 0;

	o->missing = o->n;
	for (size_t cpu = 0; cpu < o->n && !err; cpu++) {
		char text[32];

		snprintf(text, sizeof(text), BROKER_OUTPUT "%zu", cpu);
		err = broker_ask(d->broker, BROKER_PERF_EVENT, text, on_opened, o, cpu);
	}
	if (err)
		broker_forget(d->broker, o);
	return err;
}

static int read_slots(int array, uint32_t *ret)
{
	struct bpf_map_info info = { 0 };
	uint32_t len = sizeof(info);

	if (bpf_obj_get_info_by_fd(array, &info, &len) < 0)
		return -errno;
	if (info.type != BPF_MAP_TYPE_PERF_EVENT_ARRAY)
		return -EINVAL;
	*ret = info.max_entries;
	return 0;
}

int buffers_open(struct buffers_keeper *k, const struct buffers_request *r)
{
	int cpus = libbpf_num_possible_cpus(), err;
	struct buffers_opening *o = cpus > 0 ? calloc(1, sizeof(*o) + (size_t)cpus * sizeof(int)) : NULL;

	if (!o) {
		close(r->array);
		return -ENOMEM;
	}
	o->keeper = k;
	o->request = *r;
	o->n = (size_t)cpus;
	memset(o->fds, 0xff, o->n * sizeof(int));
	strcpy(o->program, r->entry->name);
	err = read_slots(r->array, &o->slots);
	if (!err) {
		o->next = *buffers_openings(k);
		*buffers_openings(k) = o;
		err = ask_all(o);
	}
	if (err)
		opening_free(o);
	return err;
}

void buffers_forget(struct buffers_keeper *k, const void *arg)
{
	for (struct buffers_opening *o = k ? *buffers_openings(k) : NULL, *next; o; o = next) {
		next = o->next;
		if (arg && o->request.arg != arg)
			continue;
		broker_forget(buffers_daemon(k)->broker, o);
		opening_free(o);
	}
}

bool buffers_opening_of(struct buffers_keeper *k, const char *program)
{
	const struct buffers_opening *o = *buffers_openings(k);

	while (o && strcmp(o->program, program))
		o = o->next;
	return o != NULL;
}
