/* SPDX-License-Identifier: GPL-2.0-or-later */
/* bpf/exec.bpf.c on tasks that hold anything, with reads that fault, rings that are full or locked, and others that
 * come in between: every attempt is a record or counted, and no record is longer than its kind. */
#include "fuzz.h"

#define on_exit exec_on_exit	/* libc has one */
#include "bpf/exec.bpf.c"

#include "user.h"

static struct fuzz source;

static void meanwhile(enum user_helper h, struct user_map *m)
{
	unsigned what = fuzz_below(&source, 8);

	(void)h;
	if (what == 1)
		user_consume(m);
	else if (what == 2)
		user_produce(m, fuzz_u64(&source) % (4 << 20));
	else if (what == 3)
		m->locked = !m->locked;
}

static void check_records(void)
{
	const struct agent_counts *c = user_per_cpu(&exec_events_counts, 0);

	must(user.n_reserved == 0);
	must(c->produced == user.n_records + c->ring_full + c->nmi);
	for (const struct user_record *r = user.records; r; r = r->next) {
		const struct exec_event *e = (const void *)r->data;

		must(r->size >= sizeof(*e) && r->size <= sizeof(*e) + EXEC_ARGS_MAX);
		must(e->kind == EXEC || (e->kind == EXIT && r->size == sizeof(*e)));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz f = { data, size };
	struct mm_struct mm;
	struct signal_struct sig;
	struct task_struct task[3];
	unsigned long long ctx[] = { (uintptr_t)&task[0] };

	user_reset();
	USER_ADD_RING(exec_events);
	USER_ADD_MAP(exec_events_counts);
	USER_ADD_MAP(scratch);
	USER_ADD_MAP(ended);
	fuzz_bytes(&f, task, sizeof(task));
	fuzz_bytes(&f, &sig, sizeof(sig));
	mm.arg_start = 0x1000;
	mm.arg_end = fuzz_below(&f, 4) ? 0x1000 + f.left : fuzz_u64(&f);
	sig.live.counter = fuzz_below(&f, 2);
	task[0].mm = &mm;
	task[0].signal = &sig;
	if (fuzz_below(&f, 4))
		task[0].group_leader = &task[1];
	if (fuzz_below(&f, 4))
		task[0].real_parent = &task[2];
	user_kernel_memory(task, sizeof(task));
	user_kernel_memory(&mm, sizeof(mm));
	user_kernel_memory(&sig, sizeof(sig));
	user_process_memory(0x1000, f.p, f.left);
	user.fault_in = fuzz_below(&f, 32);
	user.meanwhile = meanwhile;
	source = f;
	for (unsigned n = 4; n; n--) {
		on_exec(ctx);
		on_exit(ctx);
	}
	check_records();
	user_reset();
	return 0;
}
