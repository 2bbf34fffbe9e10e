/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <signal.h>
#include <string.h>
#include <sys/mman.h>

#include "stream.h"

static struct sinkd *volatile of;
static long page;

static bool within(const char *at, const void *begin, uint64_t size)
{
	return at >= (const char *)begin && at < (const char *)begin + size;
}

static struct stream *whose(const char *at)
{
	for (struct stream *st = of ? of->streams : NULL; st; st = st->next)
		if (st->open && (within(at, st->reader.head, SPOOL_HEAD_SIZE) ||
				 within(at, st->reader.data, 2 * st->reader.data_size)))
			return st;
	return NULL;
}

/* Runs where the read faulted, in the one thread that touches streams: the list is as that thread left it. */
static void on_sigbus(int sig, siginfo_t *info, void *context)
{
	char *at = (char *)((uintptr_t)info->si_addr & ~(uintptr_t)(page - 1));
	struct stream *st = whose(at);

	(void)context;
	if (st && mmap(at, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == at) {
		st->torn = true;
		return;
	}
	signal(sig, SIG_DFL);		/* not ours: the instruction is run again, and kills */
}

void sigbus_install(struct sinkd *sk)
{
	struct sigaction sa = { .sa_sigaction = on_sigbus, .sa_flags = SA_SIGINFO };

	of = sk;
	page = sysconf(_SC_PAGESIZE);
	sigemptyset(&sa.sa_mask);
	if (sk)
		sigaction(SIGBUS, &sa, NULL);
	else
		signal(SIGBUS, SIG_DFL);
}
