/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Processors that do what they should not, each on records whose first byte is the letter of the misdeed ('.' is a
 * record to be echoed). `process` knows them all, so that one test can mix them. */
#include "batch.h"
#include "tracer.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

void process(struct tracer_ctx *ctx);

static volatile int *volatile nowhere = (int *)16;

static void scribble(struct tracer_ctx *ctx)
{
	/* The page of the record, and all results that will be. */
	memset((void *)((uintptr_t)ctx->ring.data.data & ~4095UL), 0xff, 4096);
	memset(ctx->res.data.data, 0xff, (size_t)ctx->res.data.cap);
	ctx->ring.data.len = -1;
	ctx->res.data.data = (void *)8;
	ctx->res.data.cap = -1;
	ctx->res.len = 16;
}

/* All of the area: rows, lengths, flags, whatever lies before and behind. */
static void scribble_all(struct tracer_ctx *ctx)
{
	char *in = (char *)((uintptr_t)ctx->ring.data.data & ~4095UL);

	for (size_t i = 0; i < 4096 * 2; i++)
		in[-1 - (long)i] = (char)rand();
	memset(in, 0xff, (1u << 20) + (1u << 16));
}

/* Says that the batch is done, and takes it back, for ever. */
static void *take_back(void *arg)
{
	volatile struct batch_area *a = arg;

	for (;;) {
		for (int i = 0; i < 3; i++)
			a->done_seq = a->seq;
		a->done_seq = a->seq - 1;
	}
	return NULL;
}

static void start_to_take_back(struct tracer_ctx *ctx)
{
	char *in = (char *)((uintptr_t)ctx->ring.data.data & ~4095UL);
	pthread_t thread;

	pthread_create(&thread, NULL, take_back, in - BATCH_IN_OFFSET);
	tracer_printf(ctx, "\"taken back\"");
}

static void *die_later(void *arg)
{
	usleep(50000);
	*nowhere = 1;
	return arg;
}

static void start_to_die(struct tracer_ctx *ctx)
{
	pthread_t thread;

	pthread_create(&thread, NULL, die_later, NULL);
	tracer_printf(ctx, "\"later\"");
}

static void *ask_for_ever(void *arg)
{
	for (;;)
		(void)getsid(0);
	return arg;
}

static void start_to_ask(struct tracer_ctx *ctx)
{
	pthread_t thread;

	for (int i = 0; i < 8; i++)
		pthread_create(&thread, NULL, ask_for_ever, NULL);
	tracer_printf(ctx, "\"asking\"");
}

/* A call that is trapped, where the trap cannot be caught. */
static void try_deaf(void)
{
	sigset_t all;

	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, NULL);
	syscall(SYS_bpf, 0, NULL, 0);
}

/* As if it was being loaded still. */
static void open_as_loading(struct tracer_ctx *ctx)
{
	char *in = (char *)((uintptr_t)ctx->ring.data.data & ~4095UL);
	struct batch_area *a = (struct batch_area *)(in - BATCH_IN_OFFSET);

	a->ready = 0;
	tracer_printf(ctx, "\"%s\"",
		      open("/usr/lib", O_RDONLY | O_DIRECTORY) < 0 && errno == EPERM ? "refused" : "open");
	a->ready = 1;
}

/* What honest libraries do while all signals are blocked: refused or not, nobody dies of it. */
static void *act_deaf(void *arg)
{
	pthread_attr_t attr;
	pthread_t thread;
	sigset_t all;
	void *map;

	(void)arg;
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, NULL);
	/* As glibc 2.41 does for getrandom(3). */
	map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, 8 /* MAP_DROPPABLE */ | MAP_ANONYMOUS, -1, 0);
	if (map == MAP_FAILED && errno == EPERM)
		return "mmap";
	if (isatty(1) || errno == EPERM)
		return "isatty";
	(void)open("/etc/hosts", O_RDONLY);
	(void)fcntl(4, F_SETFL, 0);
	(void)system("true");
	pthread_attr_init(&attr);
	pthread_attr_setinheritsched(&attr, PTHREAD_EXPLICIT_SCHED);
	if (pthread_create(&thread, &attr, act_deaf, NULL) == 0)
		return "thread";
	return NULL;
}

static void act_deaf_in_a_thread(struct tracer_ctx *ctx)
{
	void *what = "no thread";
	pthread_t thread;

	if (pthread_create(&thread, NULL, act_deaf, NULL) == 0)
		pthread_join(thread, &what);
	tracer_printf(ctx, "\"%s\"", what ? (char *)what : "alive");
}

static void catch_traps(struct tracer_ctx *ctx)
{
	tracer_printf(ctx, "\"%s\"", signal(SIGSYS, SIG_IGN) == SIG_ERR && errno == EPERM ? "refused" : "caught");
	if (syscall(SYS_bpf, 0, NULL, 0) >= 0 || errno != EPERM)
		ctx->res.len = 0;
}

void process(struct tracer_ctx *ctx)
{
	const char *ev = tracer_event(ctx, 1);

	switch (ev ? *ev : 0) {
	case 'e':	/* says it failed, with a result nevertheless */
		tracer_printf(ctx, "{}");
		tracer_fail(ctx, 7);
		break;
	case 'l':	/* too long by one */
		ctx->res.len = (uint32_t)ctx->res.data.cap + 1;
		break;
	case 'L':
		ctx->res.len = UINT32_MAX;
		break;
	case 'm':	/* as long as may be */
		memset(ctx->res.data.data, '7', (size_t)ctx->res.data.cap);
		ctx->res.len = (uint32_t)ctx->res.data.cap;
		break;
	case 'u':	/* no UTF-8 */
		tracer_raw(ctx, "\"\xc3\x28\"", 4);
		break;
	case 'U':	/* a surrogate */
		tracer_raw(ctx, "\"\xed\xa0\x80\"", 5);
		break;
	case 'j':	/* no JSON */
		tracer_printf(ctx, "{\"a\":}");
		break;
	case 'J':	/* two values, and an empty line between them */
		tracer_printf(ctx, "{}\n\n{}");
		break;
	case 'f':
		break;
	case 'c':
		*nowhere = 1;
		break;
	case 'a':
		abort();
	case 'x':
		exit(0);
	case 'T':	/* ends only the thread that called it */
		pthread_exit(NULL);
	case 'h':
		for (;;)
			__asm__ volatile("");
	case 'S':	/* stops itself */
		raise(SIGSTOP);
		tracer_printf(ctx, "\"stop refused\"");
		break;
	case 'K':
		raise(SIGKILL);
		tracer_printf(ctx, "\"kill refused\"");
		break;
	case 'M':	/* all memory there is */
		for (void *p; (p = malloc(1 << 20));)
			memset(p, 1, 1 << 20);
		abort();
	case 's':
		scribble(ctx);
		break;
	case 'A':
		scribble_all(ctx);
		break;
	case 'D':
		start_to_take_back(ctx);
		break;
	case 'Z':
		start_to_die(ctx);
		break;
	case 'F':
		start_to_ask(ctx);
		break;
	case 'b':
		try_deaf();
		break;
	case 'B':
		catch_traps(ctx);
		break;
	case 'H':
		act_deaf_in_a_thread(ctx);
		break;
	case 'O':
		open_as_loading(ctx);
		break;
	case 'o':	/* out of turn: everything rung full */
		for (int fd = 3; fd < 16; fd++)
			(void)!write(fd, &(uint64_t){ UINT64_MAX - 1 }, 8);
		tracer_printf(ctx, "\"rung\"");
		break;
	default:
		tracer_string(ctx, ctx->ring.data.data, (size_t)ctx->ring.data.len);
	}
}
