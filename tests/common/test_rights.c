/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Each case is a child that takes the rights of a process and then tries what it must not, and what it needs. */
#include "rundir.h"

#include <bpf/bpf.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/capability.h>
#include <linux/perf_event.h>
#include <pthread.h>
#include <sched.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "common/rights.h"

/* A probe: the errno of what it tried, 0 if it was let through. */
#define TRY(call) ({ errno = 0; (long)(call) < 0 ? errno : 0; })
#define REFUSED   EPERM

static int map = -1, other_process;

static int probe_mount(void) { return TRY(mount("none", "/nowhere", "tmpfs", 0, NULL)); }
static int probe_ptrace(void) { return TRY(ptrace(PTRACE_ATTACH, other_process, NULL, NULL)); }
static int probe_inet(void) { return TRY(socket(AF_INET, SOCK_STREAM, 0)); }
static int probe_inet6(void) { return TRY(socket(AF_INET6, SOCK_DGRAM, 0)); }
static int probe_packet(void) { return TRY(socket(AF_PACKET, SOCK_RAW, 0)); }
static int probe_inet_high_bits(void) { return TRY(syscall(SYS_socket, 1ULL << 32 | AF_INET, SOCK_STREAM, 0)); }
static int probe_netlink(void) { return TRY(socket(AF_NETLINK, SOCK_RAW, 0)); }
static int probe_unix(void) { return TRY(socket(AF_UNIX, SOCK_STREAM, 0)); }
static int probe_unshare(void) { return TRY(unshare(CLONE_NEWUSER)); }
static int probe_io_uring(void) { return TRY(syscall(SYS_io_uring_setup, 1, NULL)); }
static int probe_setuid(void) { return TRY(syscall(SYS_setuid, 65534)); }
static int probe_personality(void) { return TRY(syscall(SYS_personality, 0xffffffff)); }
static int probe_open(void) { return TRY(open("/etc/passwd", O_RDONLY)); }
static int probe_create(void) { return TRY(open("/tmp/ebpf-agent-test-rights", O_WRONLY | O_CREAT | O_EXCL, 0600)); }
static int probe_kill(void) { return TRY(kill(other_process, 0)); }
static int probe_clone3(void) { return TRY(syscall(SYS_clone3, NULL, 0)); }
static int probe_exec(void) { return TRY(execl("/nowhere", "x", NULL)); }
static int probe_exec_memory(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? errno : 0;
}
static int probe_fork(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	return pid < 0 ? errno : wait_status(pid);
}
static int probe_perf(void)
{
	struct perf_event_attr a = { .type = PERF_TYPE_SOFTWARE, .size = sizeof(a), .config = PERF_COUNT_SW_CPU_CLOCK };

	return TRY(syscall(SYS_perf_event_open, &a, 0, -1, -1, 0));
}
static int probe_map_create(void) { return TRY(bpf_map_create(BPF_MAP_TYPE_ARRAY, "x", 4, 4, 1, NULL)); }
static int probe_pin_open(void)
{
	union bpf_attr a = { .pathname = (uintptr_t) "/nowhere" };

	return TRY(syscall(SYS_bpf, BPF_OBJ_GET, &a, sizeof(a)));
}
static int probe_lookup(void)
{
	uint32_t key = 0, value;

	return TRY(bpf_map_lookup_elem(map, &key, &value));
}
/* The command is an int to the kernel and 64 bits to the filter. */
static int probe_bpf_high_bits(void)
{
	union bpf_attr a = { .map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 4, .max_entries = 1 };

	return TRY(syscall(SYS_bpf, 1ULL << 32 | BPF_MAP_CREATE, &a, sizeof(a)));
}
static void *do_nothing(void *arg) { return arg; }
static int probe_thread(void)
{
	pthread_t t;
	int err = pthread_create(&t, NULL, do_nothing, NULL);

	return err ? err : pthread_join(t, NULL);
}
static int probe_work(void)
{
	int fd = eventfd(0, EFD_CLOEXEC);
	uint64_t one = 1;
	struct stat st;
	void *p = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (fd < 0 || write(fd, &one, 8) != 8 || read(fd, &one, 8) != 8 || fstat(fd, &st) < 0 || p == MAP_FAILED)
		return errno ?: EIO;
	close(fd);
	return munmap(p, 1 << 20);
}

struct expect {
	const char *name;
	int (*probe)(void);
	int want;	/* errno */
};
#define NOT_REFUSED (-1)
#define ANYTHING    (-2)
#define ROW(p, w) { #p, probe_##p, w }

struct probes {
	const struct rights *rights;
	const struct expect *rows;
	size_t n;
};

static uint64_t status_caps(const char *field)
{
	char line[256];
	uint64_t v = UINT64_MAX;
	FILE *f = fopen("/proc/self/status", "re");

	while (f && fgets(line, sizeof(line), f))
		if (strncmp(line, field, strlen(field)) == 0)
			v = strtoull(line + strlen(field), NULL, 16);
	if (f)
		fclose(f);
	return v;
}

static int try_all(void *arg)
{
	const struct probes *p = arg;
	int bad = 0, err = rights_apply(p->rights);

	if (err < 0) {
		print_message("# rights_apply: %s\n", strerror(-err));
		return 100;
	}
	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1 && !(p->rights->allow & RIGHTS_STRICT))
		bad++;
	for (size_t i = 0; i < p->n; i++) {
		int got = p->rows[i].probe();

		if (p->rows[i].want == ANYTHING ||
		    (p->rows[i].want == NOT_REFUSED ? got != REFUSED : got == p->rows[i].want))
			continue;
		fprintf(stderr, "# %s: %s, not %s\n", p->rows[i].name, strerror(got), strerror(p->rows[i].want));
		bad++;
	}
	return bad;
}

static void check(const struct rights *r, const struct expect *rows, size_t n)
{
	struct probes p = { r, rows, n };

	if (rights_missing(r->start_caps)) {
		print_message("# skipped: the capabilities of this row are not there to be kept\n");
		skip();
	}
	assert_int_equal(in_child(try_all, &p), 0);
}
#define CHECK(rights, ...)                                                    \
	({                                                                    \
		const struct expect rows_[] = { __VA_ARGS__ };                \
		check(rights, rows_, ARRAY_SIZE(rows_));                      \
	})

#ifdef AGENT_SAN	/* LeakSanitizer needs what these refuse: rights_filter.c */
#define STRICT_ROW(p, w) ROW(p, ANYTHING)
#else
#define STRICT_ROW(p, w) ROW(p, w)
#endif
/* What nobody may. */
#define NOBODY                                                                                                        \
	NOBODY_AT_ALL, ROW(inet, REFUSED), ROW(inet6, REFUSED), ROW(inet_high_bits, REFUSED)
#define NOBODY_AT_ALL                                                                                                 \
	ROW(mount, REFUSED), ROW(packet, REFUSED), ROW(unshare, REFUSED), ROW(io_uring, REFUSED),                     \
		ROW(personality, REFUSED),                                                                            \
		ROW(clone3, ENOSYS), STRICT_ROW(ptrace, REFUSED), ROW(work, 0), ROW(thread, 0)

static void a_worker_may_only_look_up(void **state)
{
	(void)state;
	CHECK(&rights_worker, NOBODY, ROW(unix, REFUSED),
	      ROW(netlink, REFUSED), ROW(perf, REFUSED), ROW(map_create, REFUSED),
	      ROW(pin_open, REFUSED), ROW(bpf_high_bits, REFUSED), ROW(create, REFUSED),
	      ROW(exec, REFUSED), ROW(setuid, REFUSED),
	      STRICT_ROW(open, REFUSED), STRICT_ROW(kill, REFUSED), STRICT_ROW(fork, REFUSED),
	      STRICT_ROW(exec_memory, REFUSED),
	      ROW(lookup, map >= 0 ? 0 : EBADF));
}

static void sinkd_writes_files_talks_to_brokers_and_has_no_bpf(void **state)
{
	(void)state;
	CHECK(&rights_sinkd, NOBODY_AT_ALL, ROW(inet, 0), ROW(inet6, 0), ROW(unix, 0),
	      ROW(netlink, REFUSED), ROW(perf, REFUSED), ROW(map_create, REFUSED),
	      ROW(lookup, REFUSED), ROW(pin_open, REFUSED), ROW(setuid, REFUSED), ROW(exec, REFUSED),
	      STRICT_ROW(fork, REFUSED), ROW(open, 0), ROW(create, 0));
	unlink("/tmp/ebpf-agent-test-rights");
}

static void channeld_starts_workers_and_is_nobody_else(void **state)
{
	(void)state;
	CHECK(&rights_channeld, NOBODY, ROW(unix, 0),
	      ROW(netlink, REFUSED), ROW(perf, REFUSED), ROW(setuid, REFUSED),
	      ROW(exec, ENOENT),
	      ROW(fork, 0), ROW(pin_open, ENOENT), ROW(open, 0));
}

static void loaderd_and_the_load_child_may_load(void **state)
{
	(void)state;
	CHECK(&rights_loaderd, NOBODY, ROW(unix, 0),
	      ROW(netlink, 0), ROW(perf, NOT_REFUSED), ROW(map_create, 0),
	      ROW(setuid, REFUSED),
	      ROW(exec, ENOENT), ROW(fork, 0));
	CHECK(&rights_load, NOBODY, ROW(netlink, 0), ROW(perf, NOT_REFUSED), ROW(map_create, 0), ROW(setuid, REFUSED));
}

static void the_broker_opens_for_reading_and_perf_events_alone(void **state)
{
	(void)state;
	CHECK(&rights_broker, NOBODY, ROW(unix, REFUSED),
	      ROW(netlink, REFUSED), ROW(perf, NOT_REFUSED), ROW(map_create, REFUSED), ROW(open, 0),
	      ROW(exec, REFUSED), ROW(setuid, REFUSED), ROW(create, REFUSED), STRICT_ROW(fork, REFUSED),
	      ROW(lookup, REFUSED));
	unlink("/tmp/ebpf-agent-test-rights");
}

static void the_launcher_changes_identity_and_has_no_bpf(void **state)
{
	(void)state;
	CHECK(&rights_launcher, NOBODY, ROW(netlink, REFUSED), ROW(perf, REFUSED), ROW(map_create, REFUSED),
	      ROW(fork, 0),
	      ROW(exec, ENOENT), ROW(setuid, 0));
}

static void tagd_and_xdpd_start_nothing(void **state)
{
	(void)state;
	CHECK(&rights_tagd, NOBODY, ROW(unix, 0),
	      ROW(netlink, REFUSED), ROW(perf, REFUSED), ROW(exec, REFUSED),
	      ROW(setuid, REFUSED));
	CHECK(&rights_xdpd, NOBODY, ROW(unix, 0),
	      ROW(netlink, 0), ROW(perf, REFUSED), ROW(exec, REFUSED), ROW(map_create, 0));
}

/* ---- capabilities -------------------------------------------------------------------------------------------- */

static int caps_are_exact(void *arg)
{
	const struct rights *r = arg;
	uint64_t ambient = r->allow & RIGHTS_ALLOW_EXEC ? r->caps : 0;

	if (rights_apply(r) < 0)
		return 100;
	return status_caps("CapPrm:") != r->caps || status_caps("CapEff:") != r->caps ||
	       status_caps("CapInh:") != ambient ||
	       status_caps("CapAmb:") != ambient || status_caps("CapBnd:") != r->caps || status_caps("Seccomp:") != 2;
}

static void capabilities_are_exactly_the_rows(void **state)
{
	static const struct rights *const rows[] = { &rights_loaderd, &rights_load, &rights_broker, &rights_tagd,
						     &rights_channeld,
						     &rights_launcher, &rights_sinkd, &rights_xdpd };

	(void)state;
	if (rights_missing(RIGHTS_CAP(CAP_SETPCAP))) {
		print_message("# skipped: needs root\n");
		skip();
	}
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (rows[i] == &rights_broker)
			continue;	/* strict: it cannot read its own status; e2e sees it from outside */
		assert_int_equal(in_child(caps_are_exact, (void *)rows[i]), 0);
	}
}

static void *wait_for_end(void *arg)
{
	pause();
	return arg;
}

static int with_a_second_thread(void *arg)
{
	const struct rights *r = arg;
	pthread_t t;
	bool dropped = r == &rights_load;

	if (dropped && rights_drop_caps(r) < 0)
		return 100;
	if (pthread_create(&t, NULL, wait_for_end, NULL) != 0)
		return 101;
	return rights_apply(r) != (dropped ? 0 : -EBUSY);
}

static void a_thread_that_would_keep_capabilities_is_noticed(void **state)
{
	(void)state;
	if (rights_missing(rights_load.start_caps)) {
		print_message("# skipped: needs root\n");
		skip();
	}
	assert_int_equal(in_child(with_a_second_thread, (void *)&rights_sinkd), 0);
	assert_int_equal(in_child(with_a_second_thread, (void *)&rights_load), 0);
}

static int keep_what_is_not_there(void *arg)
{
	(void)arg;
	if (rights_drop_caps(&rights_sinkd) < 0)
		return 100;
	return rights_apply(&rights_load) != -EPERM || rights_missing(rights_load.caps) != rights_load.caps;
}

static void capabilities_that_are_not_there_cannot_be_kept(void **state)
{
	char text[64];

	(void)state;
	assert_int_equal(in_child(keep_what_is_not_there, NULL), 0);
	rights_caps_text(rights_load.caps, text, sizeof(text));
	assert_string_equal(text, "CAP_NET_ADMIN, CAP_PERFMON, CAP_BPF");
	rights_caps_text(rights_load.caps, text, 10);	/* cut, not overrun */
	assert_true(strlen(text) < 10);
	rights_caps_text(0, text, sizeof(text));
	assert_string_equal(text, "");
}

static int setup(void **state)
{
	(void)state;
	map = bpf_map_create(BPF_MAP_TYPE_ARRAY, "rights_test", 4, 4, 1, NULL);
	other_process = getpid();	/* the children's parent */
	unlink("/tmp/ebpf-agent-test-rights");
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_worker_may_only_look_up),
		cmocka_unit_test(sinkd_writes_files_talks_to_brokers_and_has_no_bpf),
		cmocka_unit_test(channeld_starts_workers_and_is_nobody_else),
		cmocka_unit_test(loaderd_and_the_load_child_may_load),
		cmocka_unit_test(the_broker_opens_for_reading_and_perf_events_alone),
		cmocka_unit_test(the_launcher_changes_identity_and_has_no_bpf),
		cmocka_unit_test(tagd_and_xdpd_start_nothing),
		cmocka_unit_test(capabilities_are_exactly_the_rows),
		cmocka_unit_test(a_thread_that_would_keep_capabilities_is_noticed),
		cmocka_unit_test(capabilities_that_are_not_there_cannot_be_kept),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
