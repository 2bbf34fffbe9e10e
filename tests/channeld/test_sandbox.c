/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a sandbox may and may not do, seen from inside and from /proc, and the launcher's side of the bargain. */
#include "sandbox_fixture.h"

#include <dirent.h>
#include <sys/mman.h>

#include "../../abi/batch.h"
#include "../../channeld/processor_child.h"
#include "../../common/rights.h"

static char result[4096];

static void on_result(void *arg, uint64_t cookie, enum spool_drop drop, const char *json, size_t len,
		      const uint64_t *key)
{
	(void)arg, (void)cookie, (void)key;
	assert_int_equal(drop, SPOOL_N_DROPS);
	snprintf(result, sizeof(result), "%.*s", (int)len, json);
}

static void on_any(void *arg, uint64_t cookie, enum spool_drop drop, const char *json, size_t len,
		   const uint64_t *key)
{
	(void)key;
	(void)arg, (void)cookie, (void)drop, (void)json, (void)len;
}

static struct processor *run_one(struct fixture *f, const char *so)
{
	struct processor *p = fixture_start(f, so, "process");

	assert_int_equal(processor_add(p, &fixture_call, ".123", 4, 0), 0);
	if (processor_run(p, on_result, NULL) < 0)
		fail_msg("%s", processor_error(p));
	return p;
}

/* What came of @attempt: an errno, 0 if it worked. */
static int outcome(const char *prefix, const char *attempt)
{
	char key[64];
	const char *at;

	snprintf(key, sizeof(key), "\"%s%s\":", prefix, attempt);
	at = strstr(result, key);
	if (!at)
		fail_msg("no %s in %s", key, result);
	return atoi(at + strlen(key));
}

static const struct refusal *refusal_of(const struct refusals *r, const char *call)
{
	char name[REFUSALS_NAME_MAX];

	for (size_t i = 0; i < REFUSALS_MAX && r->calls[i].n; i++) {
		refusals_name(r->calls[i].nr, name);
		if (!strcmp(name, call))
			return &r->calls[i];
	}
	return NULL;
}

/* Each by its name, as often as it was tried; no other call, and none that a library tries of itself. */
static void every_attempt_is_told(const struct refusals *r)
{
	static const struct {
		const char *call;
		uint64_t n;	/* by tests/so/attempts.c, when it was loaded and when it was called */
	} wanted[] = {
		{ "unlinkat", 2 }, { "memfd_create", 2 }, { "socket", 4 }, { "bpf", 2 }, { "perf_event_open", 2 },
		{ "ptrace", 4 }, { "process_vm_readv", 2 }, { "kill", 6 }, { "tgkill", 6 }, { "rt_sigqueueinfo", 2 },
		{ "pidfd_open", 2 }, { "clone", 4 }, { "unshare", 2 }, { "execve", 2 }, { "setresuid", 2 },
		{ "keyctl", 2 }, { "userfaultfd", 2 }, { "io_uring_setup", 2 }, { "mount", 2 }, { "fcntl", 2 },
		{ "prctl", 2 }, { "prlimit64", 4 }, { "mmap", 6 }, { "mlock", 2 }, { "ftruncate", 2 },
		{ "openat", 4 }, { "newfstatat", 1 },	/* while it is loaded they go on */
	};
	char all[REFUSALS_TEXT_MAX];
	uint64_t sum = 0;

	refusals_text(r, all);
	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++) {
		const struct refusal *got = refusal_of(r, wanted[i].call);

		if (!got || got->n != wanted[i].n)
			fail_msg("%s: %llu of %llu in %s", wanted[i].call, got ? (unsigned long long)got->n : 0,
				 (unsigned long long)wanted[i].n, all);
		sum += wanted[i].n;
	}
	if (r->n != sum)
		fail_msg("%llu, not %llu: %s", (unsigned long long)r->n, (unsigned long long)sum, all);
}

static void every_attempt_is_refused(void **state)
{
	static struct processor_row row;
	struct fixture *f = *state;
	static const char *const refused[] = {
		"unlink",	 "memfd",	"socket_inet", "socket_unix", "bpf",	  "perf",
		"ptrace",	 "traceme",	"vm_readv",    "kill_parent", "kill_all", "kill_probe",
		"tgkill_parent", "tgkill_kill", "sigqueue",    "pidfd_open",  "fork",	  "unshare",
		"exec",		 "setuid",	"keyctl",      "userfaultfd", "io_uring", "mount",
		"setfl",	 "rlimit",	"rlimit_cpu",	"mmap_shared",	"mmap_stack",	"truncate",
		"mremap",	 "mmap_huge",	"mlock",	"tgkill_high",	"clone_namespace",
	};
	static const char *const files[] = { "open_passwd", "open_dir", "create", "proc", "stat" };
	static const char *const prefixes[] = { "", "load." };
	struct processor *p;

	f->row = &row;
	p = run_one(f, "attempts");
	f->row = NULL;
	for (size_t k = 0; k < ARRAY_SIZE(prefixes); k++) {
		for (size_t i = 0; i < ARRAY_SIZE(refused); i++)
			if (outcome(prefixes[k], refused[i]) != EPERM)
				fail_msg("%s%s: %s", prefixes[k], refused[i],
					 strerror(outcome(prefixes[k], refused[i])));
		assert_int_equal(outcome(prefixes[k], "clone3"), ENOSYS);
		assert_int_equal(outcome(prefixes[k], "tgkill_own"), 0);
		assert_int_equal(outcome(prefixes[k], "mmap"), 0);
	}
	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		assert_int_equal(outcome("", files[i]), EPERM);
	assert_int_equal(outcome("", "dumpable"), EPERM);
	/* While it is loaded, Landlock is what stands between it and files, where there is one. */
	if (outcome("load.", "open_passwd") == 0)
		print_message("# no Landlock on this kernel\n");
	else
		for (size_t i = 0; i < 4; i++)
			assert_int_equal(outcome("load.", files[i]), EACCES);
	every_attempt_is_told(&row.refusals);
	processor_free(p);
}

static void status_line(pid_t pid, const char *key, char ret[128])
{
	char path[64], line[256];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	f = fopen(path, "r");
	assert_non_null(f);
	*ret = 0;
	while (fgets(line, sizeof(line), f))
		if (!strncmp(line, key, strlen(key)) && line[strlen(key)] == ':')
			snprintf(ret, 128, "%.*s", (int)strcspn(line + strlen(key) + 2, "\n"), line + strlen(key) + 2);
	fclose(f);
}

static unsigned count_fds(pid_t pid)
{
	char path[64];
	unsigned n = 0;
	DIR *d;

	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	d = opendir(path);
	assert_non_null(d);
	for (struct dirent *e; (e = readdir(d));)
		n += e->d_name[0] != '.';
	closedir(d);
	return n;
}

static void a_sandbox_has_no_rights(void **state)
{
	static const char *const caps[] = { "CapInh", "CapPrm", "CapEff", "CapAmb" };
	struct processor *p = run_one(*state, "plain");
	pid_t pid = processor_pid(p);
	unsigned uids[4], gids[4];
	char s[128], path[64];
	FILE *f;

	for (size_t i = 0; i < ARRAY_SIZE(caps); i++) {
		status_line(pid, caps[i], s);
		assert_string_equal(s, "0000000000000000");
	}
	status_line(pid, "Name", s);	/* although it was started by a descriptor */
	assert_string_equal(s, "ebpf-sandbox");
	status_line(pid, "Seccomp", s);
	assert_string_equal(s, "2");
	status_line(pid, "NoNewPrivs", s);
	assert_string_equal(s, "1");
	status_line(pid, "Uid", s);
	assert_int_equal(sscanf(s, "%u %u %u %u", &uids[0], &uids[1], &uids[2], &uids[3]), 4);
	status_line(pid, "Gid", s);
	assert_int_equal(sscanf(s, "%u %u %u %u", &gids[0], &gids[1], &gids[2], &gids[3]), 4);
	for (int i = 0; i < 4; i++) {
		assert_in_range(uids[i], 60706, 60769);
		assert_int_equal(uids[i], uids[0]);
		assert_int_equal(gids[i], uids[0]);
	}
	status_line(pid, "Groups", s);
	assert_int_equal(atoi(s), uids[0]);
	/* 0, 1, 2, and the two eventfds. */
	assert_int_equal(count_fds(pid), 5);
	snprintf(path, sizeof(path), "/proc/%d/environ", pid);
	f = fopen(path, "r");
	assert_non_null(f);
	assert_int_equal(fread(s, 1, sizeof(s), f), sizeof(SANDBOX_ENVIRONMENT));
	assert_string_equal(s, SANDBOX_ENVIRONMENT);
	fclose(f);
	processor_free(p);
}

static void living_sandboxes_have_uids_of_their_own(void **state)
{
	struct processor *p[8];
	char uid[8][128];

	for (size_t i = 0; i < 8; i++) {
		p[i] = run_one(*state, "plain");
		status_line(processor_pid(p[i]), "Uid", uid[i]);
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(uid[i], uid[k]);
	}
	for (size_t i = 0; i < 8; i++)
		processor_free(p[i]);
}

static void a_sandbox_ends_with_its_processor(void **state)
{
	struct processor *p = run_one(*state, "plain");
	pid_t pid = processor_pid(p);

	processor_free(p);
	assert_true(fixture_gone(pid));
}

static void a_sandbox_ends_with_the_launcher(void **state)
{
	struct fixture f = { 0 };
	struct processor *p;
	pid_t pid;

	(void)state;
	fixture_launcher(&f, 0, "60706-60716");
	p = run_one(&f, "plain");
	pid = processor_pid(p);
	assert_int_equal(kill(f.launcher, SIGKILL), 0);
	assert_true(fixture_gone(pid));
	assert_int_equal(processor_add(p, &fixture_call, "1234", 4, 0), 0);
	assert_int_equal(processor_run(p, on_result, NULL), -ECONNRESET);
	assert_non_null(strstr(processor_error(p), "launcher is gone"));
	processor_free(p);
	assert_int_equal(waitpid(f.launcher, NULL, 0), f.launcher);
	close(f.control);
	close(f.worker);
}

static void an_exhausted_range_is_refused_and_recovers(void **state)
{
	struct fixture f = { 0 };
	struct processor *a, *b, *c = NULL;
	pid_t pid;

	(void)state;
	fixture_launcher(&f, 0, "61451-61452");
	a = run_one(&f, "plain");
	b = run_one(&f, "plain");
	assert_int_equal(fixture_new(&f, &c), -EUSERS);
	assert_non_null(strstr(f.d.error, "every uid of the range is in use"));
	pid = processor_pid(a);
	processor_free(a);
	assert_true(fixture_gone(pid));
	a = run_one(&f, "plain");
	processor_free(a);
	processor_free(b);
	fixture_end(&f);
}

static void a_launcher_without_the_right_to_change_identities_refuses(void **state)
{
	struct fixture f = { 0 };
	struct processor *p = NULL;
	int r;

	(void)state;
	fixture_launcher(&f, 65534, LAUNCHER_DEFAULT_UIDS);
	fixture_processor(&f, "plain", "process");
	r = fixture_new(&f, &p);
	assert_true(r == -EPERM || r == -ECONNRESET);
	assert_null(p);
	fixture_end(&f);
}

static void bad_ranges_are_refused(void **state)
{
	static const char *const bad[] = { "0-10", "10", "20-10", "1-100000", "60706-60769x", "" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct fixture f = { 0 };
		int status;

		fixture_launcher(&f, 0, bad[i]);
		assert_int_equal(waitpid(f.launcher, &status, 0), f.launcher);
		assert_int_equal(WEXITSTATUS(status), EXIT_FAILURE);
		close(f.control);
		close(f.worker);
	}
}

static void one_connection_has_one_sandbox(void **state)
{
	struct fixture *f = *state;
	struct processor_child c = { .conn = -1 };
	int fds[5];

	assert_int_equal(child_connect(&c, f->worker), 0);
	for (int i = 0; i < 5; i++)
		fds[i] = memfd_create("x", MFD_CLOEXEC);
	/* An empty area: it ends at once, and says so. */
	assert_int_equal(child_start(&c, "process", 0, fds, 5), 0);
	assert_int_equal(child_receive(&c), 0);
	assert_int_equal(c.pid, 0);
	assert_int_equal(c.status, EXIT_FAILURE);
	assert_int_equal(ftruncate(fds[0], 1 << 20), 0);
	assert_int_equal(child_start(&c, "process", 0, fds, 5), 0);
	if (child_start(&c, "process", 0, fds, 5) == 0)
		fail_msg("a second one");
	child_disconnect(&c);
	for (int i = 0; i < 5; i++)
		close(fds[i]);
}

static int run_confined(struct processor *p)
{
	const char *record = ".c.";
	int r = rights_apply(&rights_worker);

	for (int i = 0; i < 3 && r == 0; i++)
		r = processor_add(p, &fixture_call, record + i, 1, (uint64_t)i);
	return r < 0 ? r : processor_run(p, on_any, NULL);
}

/* The worker's filter comes after processor_new(): nothing that a restart needs may be refused by it. */
static void a_confined_worker_still_restarts_sandboxes(void **state)
{
	struct processor *p = fixture_start(*state, "misbehave", "process");
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0)
		_exit(run_confined(p) == 0 && processor_restarts(p) == 2 ? 0 : 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	processor_free(p);
}

static void messages_that_are_none_are_passed_over(void **state)
{
	struct fixture *f = *state;
	struct launcher_request req = { .type = LAUNCHER_SPAWN };
	int fds[8] = { 0 };
	char junk[64] = "W";

	assert_int_equal(fdpass_send(f->worker, junk, 1, NULL, 0), 0);
	assert_int_equal(fdpass_send(f->worker, junk, sizeof(junk), fds, 8), 0);
	assert_int_equal(fdpass_send(f->control, junk, 3, fds, 3), 0);
	memset(req.functions, 'x', sizeof(req.functions));
	assert_int_equal(fdpass_send(f->control, &req, sizeof(req), fds, 4), 0);
	processor_free(run_one(f, "plain"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_attempt_is_refused),
		cmocka_unit_test(a_sandbox_has_no_rights),
		cmocka_unit_test(living_sandboxes_have_uids_of_their_own),
		cmocka_unit_test(a_sandbox_ends_with_its_processor),
		cmocka_unit_test(a_sandbox_ends_with_the_launcher),
		cmocka_unit_test(an_exhausted_range_is_refused_and_recovers),
		cmocka_unit_test(a_launcher_without_the_right_to_change_identities_refuses),
		cmocka_unit_test(bad_ranges_are_refused),
		cmocka_unit_test(one_connection_has_one_sandbox),
		cmocka_unit_test(a_confined_worker_still_restarts_sandboxes),
		cmocka_unit_test(messages_that_are_none_are_passed_over),
	};

	if (fixture_not_root("test_sandbox"))
		return 0;
	return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
