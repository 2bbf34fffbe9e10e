/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `ebpfctl load` and `unload`, as children of a run. */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "../common/spawn.h"
#include "run_phase.h"

static void start_verb(struct run *r, char **argv)
{
	/* stdout is for events alone. */
	struct spawn_fd fds[] = { { r->super.null_fd, 0 }, { r->super.null_fd, 1 } };
	char **env = super_env(&r->super, NULL);
	struct spawn s = { .path = r->self, .argv = argv, .envp = env, .fds = fds, .n_fds = 2, .keep_caps = true,
			   .new_session = true };
	pid_t pid = env ? spawn(&s) : -ENOMEM;

	strv_free(env);
	r->verb = pid > 0 ? pid : 0;
	r->verb_name = argv[1];
	r->asked = r->super.children[RUN_LOADERD].pid;
	if (pid < 0)
		ctl_error("%s: %s", r->self, strerror(-pid));
}

void run_verb_load(struct run *r)
{
	char *argv[r->n_files + 4];
	int n = 0;

	argv[n++] = "ebpfctl";
	argv[n++] = "load";
	argv[n++] = "--";
	for (int i = 0; i < r->n_files; i++)
		argv[n++] = r->files[i];
	argv[n] = NULL;
	start_verb(r, argv);
}

void run_verb_unload(struct run *r)
{
	char *argv[] = { "ebpfctl", "unload", "--all", r->force ? "--force" : NULL, NULL };

	start_verb(r, argv);
}

bool run_verb_ended(struct run *r, bool *ret_ok)
{
	int how = 0;

	if (r->verb && waitpid(r->verb, &how, WNOHANG) == 0)
		return false;
	*ret_ok = r->verb && WIFEXITED(how) && WEXITSTATUS(how) == 0;
	r->verb = 0;
	r->verb_killed = WIFSIGNALED(how);
	if (r->verb_killed) {
		r->verb_deaths++;
		ctl_error("`%s` was killed (SIG%s)", r->verb_name, sigabbrev_np(WTERMSIG(how)) ?: "?");
	}
	return true;
}

void run_verb_kill(struct run *r)
{
	if (!r->verb)
		return;
	kill(r->verb, SIGKILL);
	while (waitpid(r->verb, NULL, 0) < 0 && errno == EINTR)
		;
	r->verb = 0;
}
