// SPDX-License-Identifier: GPL-2.0-or-later
/* spawner N PARENTS SEED LOG [PAUSE_US]: starts N children from PARENTS processes, each an exec of this very binary
 * under a name of its own with random arguments, that ends with a random exit code or by a signal, and writes what
 * it did to LOG:
 *
 * 	PID PPID COMM STATUS ["ARG","ARG",…]		STATUS: "exit:N" or "signal:N"
 *
 * one line each, in the form that tests print events in. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAX_ARGS 8

struct child {
	pid_t pid;
	int exit_code, signal;
	char comm[16];
	char args[MAX_ARGS][64];
	int n_args;
};

/* The child: "self child CODE SIGNAL …" ends as it is told. */
static int be_child(char **argv)
{
	struct rlimit no_core = { 0, 0 };
	int sig = atoi(argv[3]);

	setrlimit(RLIMIT_CORE, &no_core);
	if (sig) {
		signal(sig, SIG_DFL);
		raise(sig);
	}
	return atoi(argv[2]);
}

static void random_text(char *s, size_t size)
{
	static const char chars[] = "abcdefghijklmnopqrstuvwxyz0123456789 \"\\/'=,{}[]\t";
	size_t len = rand() % (size - 1);

	for (size_t i = 0; i < len; i++)
		s[i] = chars[rand() % (sizeof(chars) - 1)];
	s[len] = 0;
}

static void plan(struct child *c, int i)
{
	static const int signals[] = { SIGKILL, SIGTERM, SIGSEGV, SIGABRT, SIGUSR1, SIGHUP };

	memset(c, 0, sizeof(*c));
	if (rand() % 4 == 0)
		c->signal = signals[rand() % 6];
	else
		c->exit_code = rand() % 256;
	snprintf(c->comm, sizeof(c->comm), "kid-%d", i);
	snprintf(c->args[0], 64, "%s", c->comm);
	snprintf(c->args[1], 64, "child");
	snprintf(c->args[2], 64, "%d", c->exit_code);
	snprintf(c->args[3], 64, "%d", c->signal);
	c->n_args = 4 + rand() % (MAX_ARGS - 3);
	for (int a = 4; a < c->n_args; a++)
		random_text(c->args[a], 64);
}

static void launch(struct child *c, const char *dir)
{
	char path[512], *argv[MAX_ARGS + 1] = { 0 };

	snprintf(path, sizeof(path), "%s/%s", dir, c->comm);
	if (symlink("/proc/self/exe", path) && errno != EEXIST)
		exit(9);
	for (int a = 0; a < c->n_args; a++)
		argv[a] = c->args[a];
	c->pid = fork();
	if (c->pid == 0) {
		execv(path, argv);
		_exit(127);
	}
}

static void print_json(FILE *f, const char *s)
{
	fputc('"', f);
	for (; *s; s++) {
		if (*s == '"' || *s == '\\')
			fprintf(f, "\\%c", *s);
		else if (*s == '\t')
			fputs("\\t", f);
		else
			fputc(*s, f);
	}
	fputc('"', f);
}

static void record(FILE *log, const struct child *c)
{
	fprintf(log, "%d %d %s %s:%d [", c->pid, getpid(), c->comm, c->signal ? "signal" : "exit",
		c->signal ? c->signal : c->exit_code);
	for (int a = 0; a < c->n_args; a++) {
		if (a)
			fputc(',', log);
		print_json(log, c->args[a]);
	}
	fputs("]\n", log);
	fflush(log);
}

static int be_parent(int first, int n, unsigned seed, const char *path, int pause_us)
{
	char dir[] = "/tmp/ebpf-agent-spawner.XXXXXX", command[600];
	FILE *log = fopen(path, "a");
	struct child c;
	int status;

	if (!log || !mkdtemp(dir))
		return 9;
	srand(seed);
	for (int i = first; i < first + n; i++) {
		plan(&c, i);
		launch(&c, dir);
		if (waitpid(c.pid, &status, 0) < 0)
			return 9;
		if (c.signal ? WTERMSIG(status) != c.signal : WEXITSTATUS(status) != c.exit_code)
			return 8;
		record(log, &c);
		snprintf(command, sizeof(command), "%s/%s", dir, c.comm);
		unlink(command);
		if (pause_us)
			usleep(pause_us);
	}
	rmdir(dir);
	return fclose(log) ? 9 : 0;
}

int main(int argc, char **argv)
{
	int n, parents, bad = 0, status;

	if (argc > 3 && !strcmp(argv[1], "child"))
		return be_child(argv);
	if (argc < 5)
		return 2;
	n = atoi(argv[1]);
	parents = atoi(argv[2]);
	for (int p = 0; p < parents; p++) {
		int first = n * p / parents, last = n * (p + 1) / parents;

		if (fork() == 0)
			_exit(be_parent(first, last - first, atoi(argv[3]) + p, argv[4], argc > 5 ? atoi(argv[5]) : 0));
	}
	while (wait(&status) > 0)
		bad |= status;
	return bad ? 1 : 0;
}
