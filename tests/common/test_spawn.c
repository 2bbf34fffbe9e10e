/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The children are shells, and this binary itself ("./test_spawn parent"). */
#include "rundir.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include "common/spawn.h"

#define SOME_UID 61001
#define SOME_GID 61002

#define SHELL(script) ((char *[]){ "sh", "-c", (char *)(script), NULL })

static void run(struct spawn s, char *ret, size_t size)
{
	int out[2];
	struct spawn_fd fds[8];
	ssize_t n;
	size_t len = 0;
	pid_t pid;

	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	for (size_t i = 0; i < s.n_fds; i++)
		fds[i] = s.fds[i];
	fds[s.n_fds++] = (struct spawn_fd){ out[1], STDOUT_FILENO };
	s.fds = fds;
	s.path = "/bin/sh";
	pid = spawn(&s);
	assert_true(pid > 0);
	close(out[1]);
	while ((n = read(out[0], ret + len, size - 1 - len)) > 0)
		len += n;
	ret[len] = '\0';
	close(out[0]);
	assert_int_equal(wait_status(pid), 0);
}

static void descriptors_are_exactly_those_named(void **state)
{
	char text[512];
	int leaked = open("/dev/null", O_RDONLY);	/* without O_CLOEXEC */
	struct spawn s = { .argv = SHELL("cd /proc/self/fd && echo *") };

	(void)state;
	assert_true(leaked > 2);
	run(s, text, sizeof(text));
	/* 3 is what the shell reads the folder by; one that leaked would make it 4. */
	assert_null(strstr(text, " 4"));
	assert_true(strncmp(text, "0 1 2", 5) == 0);
	close(leaked);
}

static void descriptors_may_change_places(void **state)
{
	char text[64];
	int a[2], b[2];

	(void)state;
	assert_int_equal(pipe2(a, O_CLOEXEC), 0);
	assert_int_equal(pipe2(b, O_CLOEXEC), 0);
	assert_int_equal(write(a[1], "A\n", 2), 2);
	assert_int_equal(write(b[1], "B\n", 2), 2);
	close(a[1]);
	close(b[1]);
	struct spawn_fd fds[] = { { a[0], b[0] }, { b[0], a[0] } };
	char script[64];

	snprintf(script, sizeof(script), "cat <&%d; cat <&%d", a[0], b[0]);
	struct spawn s = { .argv = SHELL(script), .fds = fds, .n_fds = 2, .keep_caps = true };

	run(s, text, sizeof(text));
	assert_string_equal(text, "B\nA\n");
	close(a[0]);
	close(b[0]);
}

static void what_fails_in_the_child_is_told_here(void **state)
{
	struct spawn s = { .path = "/nowhere/at/all", .argv = SHELL("") };
	struct spawn_fd bad = { 999, 3 };

	(void)state;
	assert_int_equal(spawn(&s), -ENOENT);
	s.path = "/etc/passwd";
	assert_int_equal(spawn(&s), -EACCES);
	s.path = "/bin/sh";
	s.fds = &bad;
	s.n_fds = 1;
	assert_int_equal(spawn(&s), -EBADF);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);	/* nothing is left to be reaped */
	assert_int_equal(errno, ECHILD);
}

static void identity_and_capabilities_are_exactly_those_named(void **state)
{
	char text[1024];
	struct spawn s = { .argv = SHELL("grep -E '^(Uid|Gid|Groups|Cap...):' /proc/self/status"),
			   .change_id = true, .uid = SOME_UID, .gid = SOME_GID, .ambient_caps = 1 << CAP_KILL };

	(void)state;
	if (geteuid() != 0) {
		print_message("# skipped: changing identity needs root\n");
		skip();
	}
	run(s, text, sizeof(text));
	assert_string_equal(text,
			    "Uid:\t61001\t61001\t61001\t61001\nGid:\t61002\t61002\t61002\t61002\nGroups:\t61002 \n"
				  "CapInh:\t0000000000000020\nCapPrm:\t0000000000000020\nCapEff:\t0000000000000020\n"
				  "CapBnd:\t0000000000000020\nCapAmb:\t0000000000000020\n");
	s.ambient_caps = 0;
	run(s, text, sizeof(text));
	assert_non_null(strstr(text, "CapPrm:\t0000000000000000\n"));
}

static void roots_child_has_only_what_is_named_too(void **state)
{
	char text[1024];
	struct spawn s = { .argv = SHELL("grep -E '^(CapPrm|CapEff):' /proc/self/status"),
			   .ambient_caps = 1 << CAP_KILL };

	(void)state;
	if (geteuid() != 0) {
		print_message("# skipped: needs root\n");
		skip();
	}
	run(s, text, sizeof(text));
	assert_string_equal(text, "CapPrm:\t0000000000000020\nCapEff:\t0000000000000020\n");
}

static void signals_are_as_at_boot(void **state)
{
	char text[256];
	struct spawn s = { .argv = SHELL("grep -E '^Sig(Blk|Ign):' /proc/self/status") };
	sigset_t some, before;

	(void)state;
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&some);
	sigaddset(&some, SIGTERM);
	sigprocmask(SIG_BLOCK, &some, &before);
	run(s, text, sizeof(text));
	sigprocmask(SIG_SETMASK, &before, NULL);
	signal(SIGPIPE, SIG_DFL);
	assert_string_equal(text, "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
}

/* A parent that starts a child of its own, says its pid, and waits to be killed. */
static int parent_main(bool root)
{
	struct spawn s = { .path = "/bin/sleep", .argv = (char *[]){ "sleep", "60", NULL } };
	char text[32];
	pid_t pid;
	int n;

	if (root) {
		s.change_id = true;
		s.uid = SOME_UID;
		s.gid = SOME_GID;
		s.ambient_caps = 1 << CAP_KILL;
	}
	pid = spawn(&s);
	n = snprintf(text, sizeof(text), "%d\n", pid);
	if (write(STDOUT_FILENO, text, n) < 0)
		return 1;
	pause();
	return 0;
}

static void a_child_dies_with_its_parent(void **state)
{
	char *self = realpath("/proc/self/exe", NULL), text[32] = "";
	int out[2];
	struct spawn s = { .path = self, .argv = (char *[]){ "test_spawn", "parent", NULL }, .keep_caps = true,
			   .n_fds = 1 };
	pid_t parent, child;

	(void)state;
	assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), 0);	/* so that its end can be waited for */
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	struct spawn_fd fd = { out[1], STDOUT_FILENO };

	s.fds = &fd;
	parent = spawn(&s);
	assert_true(parent > 0);
	assert_true(read(out[0], text, sizeof(text) - 1) > 0);
	child = atoi(text);
	assert_true(child > 0);
	kill(parent, SIGKILL);
	assert_int_equal(wait_status(parent), 128 + SIGKILL);
	assert_int_equal(wait_status(child), 128 + SIGKILL);
	prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0);
	close(out[0]);
	close(out[1]);
	free(self);
}

static void descriptors_pass_a_socket(void **state)
{
	int sock[2], p[2], got[8];
	char data[16];
	size_t n = 8;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sock), 0);
	assert_int_equal(pipe2(p, O_CLOEXEC), 0);
	assert_int_equal(fdpass_send(sock[0], "hello", 5, p, 2), 0);
	assert_int_equal(fdpass_receive(sock[1], data, sizeof(data), got, &n), 5);
	assert_int_equal(n, 2);
	assert_true(fcntl(got[0], F_GETFD) & FD_CLOEXEC);
	assert_int_equal(write(got[1], "x", 1), 1);
	assert_int_equal(read(p[0], data, 1), 1);
	close(got[0]);
	close(got[1]);

	/* None wanted, one sent: refused, and not leaked. */
	assert_int_equal(fdpass_send(sock[0], "hello", 5, p, 1), 0);
	n = 0;
	assert_int_equal(fdpass_receive(sock[1], data, sizeof(data), NULL, &n), -EMSGSIZE);
	assert_int_equal(fcntl(got[0], F_GETFD), -1);
	/* Longer than there is room for. */
	assert_int_equal(fdpass_send(sock[0], "0123456789abcdefg", 17, NULL, 0), 0);
	assert_int_equal(fdpass_receive(sock[1], data, sizeof(data), NULL, &n), -EMSGSIZE);
	assert_int_equal(fdpass_send(sock[0], "", 0, NULL, 0), -EINVAL);
	close(sock[0]);
	assert_int_equal(fdpass_receive(sock[1], data, sizeof(data), NULL, NULL), 0);
	assert_int_equal(fdpass_send(sock[1], "x", 1, NULL, 0), -EPIPE);
	close(sock[1]);
	close(p[0]);
	close(p[1]);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(descriptors_are_exactly_those_named),
		cmocka_unit_test(descriptors_may_change_places),
		cmocka_unit_test(what_fails_in_the_child_is_told_here),
		cmocka_unit_test(identity_and_capabilities_are_exactly_those_named),
		cmocka_unit_test(roots_child_has_only_what_is_named_too),
		cmocka_unit_test(signals_are_as_at_boot),
		cmocka_unit_test(a_child_dies_with_its_parent),
		cmocka_unit_test(descriptors_pass_a_socket),
	};

	if (argc > 1 && strcmp(argv[1], "parent") == 0)
		return parent_main(geteuid() == 0);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
