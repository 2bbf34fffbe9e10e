/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ebpf-broker: opens artifacts beneath allowed folders, and perf events of tracepoints, kprobes and BPF output, for a
 * loaderd that may do neither. It holds CAP_DAC_READ_SEARCH (tracefs is root's) and CAP_SYS_ADMIN (Debian's kernels
 * give perf events to nothing less: kernel.perf_event_paranoid=3), knows two requests, and can make hardly a system
 * call beyond those that they need. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <linux/perf_event.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>

#include "../common/rights.h"
#include "../common/spawn.h"
#include "broker.h"

#ifdef AGENT_SAN
/* Looking for leaks needs /proc/self/task, which is closed to a process with capabilities of its own, and ptrace. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "detect_leaks=0";
}
#endif

struct broker {
	char roots[BROKER_ROOTS_MAX][PATH_MAX];	/* in place: without one of them nothing beneath it could be loaded */
	size_t n_roots;
	bool sealed;		/* the roots are told once: whoever takes over loaderd later cannot widen them */
};

static int refuse(struct broker_answer *a, int err, const char *text)
{
	a->err = err;
	snprintf(a->text, sizeof(a->text), "%s", text);
	return err;
}

static int add_root(struct broker *b, const char *path, struct broker_answer *a)
{
	if (b->sealed)
		return refuse(a, -EPERM, "the folders were told already");
	if (path[0] != '/')
		return refuse(a, -EINVAL, "not an absolute folder");
	if (b->n_roots == BROKER_ROOTS_MAX)
		return refuse(a, -E2BIG, "too many folders");
	snprintf(b->roots[b->n_roots++], sizeof(b->roots[0]), "%s", path);
	return 0;
}

/* What follows @root in @path, or NULL when it is not beneath. */
static const char *beneath(const char *root, const char *path)
{
	size_t len = strlen(root);

	while (len > 0 && root[len - 1] == '/')
		len--;
	if (strncmp(root, path, len) || path[len] != '/')
		return NULL;
	path += len;
	while (*path == '/')
		path++;
	return *path ? path : NULL;
}

static int open_beneath(const char *root, const char *rest)
{
	/* O_PATH first: opening a FIFO or a device, even without blocking, can already do something. */
	struct open_how how = {
		.flags = O_PATH | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
	};
	cleanup(closep) int dir = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	long fd;

	if (dir < 0)
		return -errno;
	fd = syscall(SYS_openat2, dir, rest, &how, sizeof(how));
	return fd < 0 ? -errno : (int)fd;
}

static int reopen_regular(int path_fd, struct broker_answer *a)
{
	char self[32];
	struct stat st;
	int fd;

	if (fstat(path_fd, &st))
		return refuse(a, -errno, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return refuse(a, -EINVAL, "not a regular file");
	if (st.st_size > BROKER_ARTIFACT_MAX)
		return refuse(a, -EFBIG, "larger than 64 MiB");
	snprintf(self, sizeof(self), "/proc/self/fd/%d", path_fd);
	fd = open(self, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return refuse(a, -errno, strerror(errno));
	return fd;
}

static int open_artifact(const struct broker *b, const char *path, struct broker_answer *a)
{
	int err = 0;

	for (size_t i = 0; i < b->n_roots; i++) {
		const char *rest = beneath(b->roots[i], path);
		cleanup(closep) int fd = -1;

		if (!rest)
			continue;
		fd = open_beneath(b->roots[i], rest);
		if (fd >= 0)
			return reopen_regular(fd, a);
		err = fd;
	}
	if (err == -EXDEV || err == -ELOOP)
		return refuse(a, -EPERM, "leads out of the allowed folder by a link or '..'");
	if (err)
		return refuse(a, err, strerror(-err));
	return refuse(a, -EPERM, "not beneath a folder that artifacts may lie in (artifacts: roots: in loaderd.yaml)");
}

/* ---- perf events ------------------------------------------------------------------------------------------------ */

/* How long a name of a kernel symbol, a category or a tracepoint is at the start of @s. */
static size_t name_length(const char *s)
{
	return strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");
}

/* A small number that the kernel says in a file. */
static int read_number(int dir, const char *path, uint32_t *ret)
{
	cleanup(closep) int fd = openat(dir, path, O_RDONLY | O_CLOEXEC);
	char text[16];
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = read(fd, text, sizeof(text) - 1);
	text[MAX(n, 0)] = '\0';
	return sscanf(text, "%u", ret) == 1 ? 0 : -EIO;
}

/* "CATEGORY/NAME" */
static int describe_tracepoint(const char *what, struct perf_event_attr *attr, struct broker_answer *a)
{
	static const char *const folders[] = { "/sys/kernel/tracing/events", "/sys/kernel/debug/tracing/events" };
	size_t category = name_length(what);
	const char *name = what + category + 1;
	cleanup(closep) int events = -1;
	char path[PATH_MAX + 8];
	uint32_t id;
	int err;

	if (!category || what[category] != '/' || !*name || name[name_length(name)])
		return refuse(a, -EINVAL, "not a tracepoint's name");
	for (size_t i = 0; i < ARRAY_SIZE(folders) && events < 0; i++)
		events = open(folders[i], O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (events < 0)
		return refuse(a, -ENODEV, "tracefs is not mounted at /sys/kernel/tracing");
	snprintf(path, sizeof(path), "%s/id", what);
	err = read_number(events, path, &id);
	if (err)
		return refuse(a, err, err == -ENOENT ? "this kernel has no such tracepoint" : strerror(-err));
	attr->type = PERF_TYPE_TRACEPOINT;
	attr->config = id;
	return 0;
}

/* "FUNCTION[+OFFSET]"; @function must last as long as @attr, which points to it. */
static int describe_kprobe(const char *what, char *function, struct perf_event_attr *attr, struct broker_answer *a)
{
	size_t len = strspn(what, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.");
	char *end = (char *)what + len;
	uint32_t type;

	if (!len || len >= NAME_MAX || (*end && (*end != '+' || !end[1])))
		return refuse(a, -EINVAL, "not a function's name");
	if (*end)
		attr->probe_offset = strtoull(end + 1, &end, 0);
	if (*end)
		return refuse(a, -EINVAL, "not an offset into a function");
	if (read_number(AT_FDCWD, "/sys/bus/event_source/devices/kprobe/type", &type))
		return refuse(a, -ENODEV, "this kernel has no kprobes");
	memcpy(function, what, len);
	function[len] = '\0';
	attr->type = type;
	attr->kprobe_func = (uintptr_t)function;
	return 0;
}

#define KPROBE_RETURN 1		/* /sys/bus/event_source/devices/kprobe/format/retprobe: config:0 */

/* Where BPF programs on one CPU put what they have to say. Wakes when the buffer is half full (watermark 0), not at
 * each record: that costs the program an interrupt each time (9 us, measured in a virtual machine), and the reader
 * looks by itself. Since Linux 6.0 it says how many found no room. */
static int open_output(const char *cpu_text, struct broker_answer *a)
{
	struct perf_event_attr attr = {
		.size = sizeof(attr),
		.type = PERF_TYPE_SOFTWARE,
		.config = PERF_COUNT_SW_BPF_OUTPUT,
		.sample_type = PERF_SAMPLE_RAW | PERF_SAMPLE_TIME,
		.sample_period = 1,
		.watermark = 1,
		.read_format = PERF_FORMAT_ID | PERF_FORMAT_LOST,
		.use_clockid = 1,
		.clockid = CLOCK_MONOTONIC,
	};
	unsigned cpu;
	char more;
	long fd;

	if (sscanf(cpu_text, "%u%c", &cpu, &more) != 1 || cpu > INT_MAX)
		return refuse(a, -EINVAL, "not a CPU's number");
	fd = syscall(SYS_perf_event_open, &attr, -1, (int)cpu, -1, PERF_FLAG_FD_CLOEXEC);
	if (fd < 0 && errno == EINVAL) {
		attr.read_format &= ~PERF_FORMAT_LOST;
		fd = syscall(SYS_perf_event_open, &attr, -1, (int)cpu, -1, PERF_FLAG_FD_CLOEXEC);
	}
	return fd < 0 ? refuse(a, -errno, strerror(errno)) : (int)fd;
}

/* Tracepoints and kprobes fire wherever they are hit, whichever CPU the event was opened on, once a BPF link attaches
 * to it. */
static int open_perf_event(const char *section, struct broker_answer *a)
{
	struct perf_event_attr attr = { .size = sizeof(attr), .sample_period = 1 };
	char function[NAME_MAX];
	long fd;
	int err;

	if (!strncmp(section, BROKER_OUTPUT, strlen(BROKER_OUTPUT)))
		return open_output(section + strlen(BROKER_OUTPUT), a);
	if (!strncmp(section, "tracepoint/", 11))
		err = describe_tracepoint(section + 11, &attr, a);
	else if (!strncmp(section, "kprobe/", 7))
		err = describe_kprobe(section + 7, function, &attr, a);
	else if (!strncmp(section, "kretprobe/", 10))
		err = describe_kprobe(section + 10, function, &attr, a), attr.config = KPROBE_RETURN;
	else
		err = refuse(a, -EINVAL, "no perf event of that kind");
	if (err)
		return err;
	fd = syscall(SYS_perf_event_open, &attr, -1, 0, -1, PERF_FLAG_FD_CLOEXEC);
	if (fd < 0)
		return refuse(a, -errno, errno == ENOENT ? "this kernel has no such function" : strerror(errno));
	return (int)fd;
}

/* Returns an fd to hand over, or something negative. */
static int serve(struct broker *b, const struct broker_request *r, struct broker_answer *a)
{
	switch (r->type) {
	case BROKER_ROOT:
		add_root(b, r->text, a);
		return -1;
	case BROKER_ROOTS_END:
		b->sealed = true;
		return -1;
	case BROKER_ARTIFACT:
		return open_artifact(b, r->text, a);
	case BROKER_PERF_EVENT:
		return open_perf_event(r->text, a);
	default:
		refuse(a, -ENOSYS, "unknown request");
		return -1;
	}
}

int main(void)
{
	static struct broker broker;
	struct broker_request request;
	int status = 0;

	if (rights_apply(&rights_broker)) {
		fprintf(stderr, "ebpf-broker: cannot drop its rights\n");
		return 1;
	}
	for (;;) {
		struct broker_answer answer = { 0 };
		cleanup(closep) int fd = -1;
		size_t no_fds = 0;
		ssize_t n = fdpass_receive(BROKER_FD, &request, sizeof(request), NULL, &no_fds);

		if (n == -EINTR)
			continue;
		if (n <= 0)
			break;		/* loaderd is gone */
		if (n != sizeof(request) || request.text[sizeof(request.text) - 1]) {
			refuse(&answer, -EBADMSG, "malformed request");
		} else {
			fd = serve(&broker, &request, &answer);
		}
		if (fdpass_send(BROKER_FD, &answer, sizeof(answer), &fd, fd >= 0)) {
			status = 1;
			break;
		}
	}
	return status;
}
