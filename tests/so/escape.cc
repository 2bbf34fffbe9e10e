// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* The same in C++: exceptions that leave process(). Event DEED * 20 + 10 does the deed of that number, all others are
 * answered.
 *
 * deed: throw_int so_crash
 * deed: throw_and_catch ok
 * deed: throw_out_of_memory so_crash
 * deed: call_pure_virtual so_crash
 * deed: terminate so_crash
 * deed: throw_in_thread so_crash
 */
#include "tracer.h"

#include <cstdio>
#include <exception>
#include <new>
#include <pthread.h>
#include <stdexcept>
#include <string>
#include <vector>

struct tick {
	uint64_t ts_ns, n;
};

struct pure {
	pure() { call(); }
	void call() { say(); }
	virtual void say() = 0;
};
struct derived : pure {
	void say() override {}
};

static void *throw_there(void *)
{
	throw std::runtime_error("there");
}

static void in_thread()
{
	pthread_t thread;

	if (pthread_create(&thread, nullptr, throw_there, nullptr) == 0)
		pthread_join(thread, nullptr);
}

static std::string caught()
{
	try {
		throw std::runtime_error("caught");
	} catch (const std::exception &e) {
		return e.what();
	}
}

static void misbehave(uint64_t deed, struct tracer_ctx *)
{
	switch (deed) {
	case 0: throw 42;
	case 1: if (caught() != "caught") std::terminate(); break;
	case 2: throw std::bad_alloc();
	case 3: delete new derived; break;
	case 4: std::terminate();
	case 5: in_thread(); break;
	}
}

TRACER_EXPORT void process(struct tracer_ctx *ctx)
{
	const struct tick *t = (const struct tick *)ctx->ring.data.data;

	if (t->n % 20 == 10)
		misbehave(t->n / 20, ctx);
	tracer_printf(ctx, "{\"n\":%llu}", (unsigned long long)t->n);
}
