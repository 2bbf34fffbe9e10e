/* SPDX-License-Identifier: GPL-2.0-or-later */
/* twins N: N processes, one after the other, whose two threads end at the same instant, with status 7. Prints each
 * one's pid. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static atomic_int arrived;

static void *end_together(void *arg)
{
	atomic_fetch_add(&arrived, 1);
	while (atomic_load(&arrived) < 2)
		;
	syscall(SYS_exit, 7);
	return arg;
}

int main(int argc, char **argv)
{
	int n = argc > 1 ? atoi(argv[1]) : 1;

	for (int i = 0; i < n; i++) {
		pid_t pid = fork();
		pthread_t other;

		if (pid == 0) {
			if (pthread_create(&other, NULL, end_together, NULL))
				_exit(1);
			end_together(NULL);
		}
		if (pid < 0 || waitpid(pid, NULL, 0) != pid)
			return 1;
		printf("%d\n", pid);
	}
	return 0;
}
