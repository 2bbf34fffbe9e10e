// SPDX-License-Identifier: GPL-2.0-or-later
/* ticker N [FIRST [PER_SECOND]]: N events of tests/bpf/tick.bpf.c, numbered from FIRST (0), under $TICK_MAGIC. With
 * $TICK_HOP each comes from another CPU than the one before it. */
#include <sched.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
#include <sys/syscall.h>

static void hop(void)
{
	static cpu_set_t all;
	static int at = -1;
	cpu_set_t one;

	if (at < 0)
		sched_getaffinity(0, sizeof(all), &all);
	do
		at = (at + 1) % CPU_SETSIZE;
	while (!CPU_ISSET(at, &all));
	CPU_ZERO(&one);
	CPU_SET(at, &one);
	sched_setaffinity(0, sizeof(one), &one);
}

int main(int argc, char **argv)
{
	long n = argc > 1 ? atol(argv[1]) : 0, first = argc > 2 ? atol(argv[2]) : 0,
	     rate = argc > 3 ? atol(argv[3]) : 0;
	const char *text = getenv("TICK_MAGIC"), *hops = getenv("TICK_HOP");
	long magic = text ? atol(text) : 0x5eed;
	struct timespec next;

	if (n <= 0)
		return 2;
	clock_gettime(CLOCK_MONOTONIC, &next);
	for (long i = 0; i < n; i++) {
		if (hops)
			hop();
		syscall(SYS_getpriority, magic, first + i);
		if (!rate || (i + 1) % (rate >= 1000 ? rate / 1000 : 1))
			continue;
		next.tv_nsec += rate >= 1000 ? 1000000 : 1000000000 / rate;
		if (next.tv_nsec >= 1000000000) {
			next.tv_nsec -= 1000000000;
			next.tv_sec++;
		}
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &next, NULL);
	}
	return 0;
}
