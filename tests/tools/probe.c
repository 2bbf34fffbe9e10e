// SPDX-License-Identifier: GPL-2.0-or-later
/* probe PID: makes a running process try what it must not be able to do, from within: stops it by ptrace, puts a
 * system call into its registers, runs it, and puts everything back. Prints a line per attempt: "NAME ERRNO-NAME"
 * or "NAME ok". What ran is the very binary that ships, with the very filter that it put on itself.
 *
 * probe PID pin PATH: tries BPF_OBJ_GET of that path as well. */
#include <elf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#if defined(__x86_64__)
typedef struct user_regs_struct regs_t;
#define INSN_LEN 2
static const unsigned char syscall_insn[INSN_LEN] = { 0x0f, 0x05 };
static void set_call(regs_t *r, long nr, const long *a)
{
	r->rax = nr;
	r->orig_rax = -1;
	r->rdi = a[0]; r->rsi = a[1]; r->rdx = a[2]; r->r10 = a[3]; r->r8 = a[4]; r->r9 = a[5];
}
#define PC(r)     ((r).rip)
#define SP(r)     ((r).rsp)
#define RESULT(r) ((long)(r).rax)
#elif defined(__aarch64__)
typedef struct user_regs_struct regs_t;
#define INSN_LEN 4
static const unsigned char syscall_insn[INSN_LEN] = { 0x01, 0x00, 0x00, 0xd4 };
static void set_call(regs_t *r, long nr, const long *a)
{
	r->regs[8] = nr;
	for (int i = 0; i < 6; i++)
		r->regs[i] = a[i];
}
#define PC(r)     ((r).pc)
#define SP(r)     ((r).sp)
#define RESULT(r) ((long)(r).regs[0])
#else
#error "probe: how does this machine make system calls?"
#endif

static pid_t pid;
static pid_t victim;	/* a process that may be traced without anybody being stopped for good */

static void die(const char *what)
{
	fprintf(stderr, "probe: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void get(regs_t *r)
{
	struct iovec v = { r, sizeof(*r) };

	if (ptrace(PTRACE_GETREGSET, pid, NT_PRSTATUS, &v))
		die("GETREGSET");
}

static void set(regs_t *r)
{
	struct iovec v = { r, sizeof(*r) };

	if (ptrace(PTRACE_SETREGSET, pid, NT_PRSTATUS, &v))
		die("SETREGSET");
}

static void peek(unsigned long at, void *buf, size_t len)
{
	struct iovec l = { buf, len }, r = { (void *)at, len };

	if (process_vm_readv(pid, &l, 1, &r, 1, 0) != (ssize_t)len)
		die("read memory");
}

static void poke(unsigned long at, const void *buf, size_t len)
{
	for (size_t i = 0; i < len; i += sizeof(long)) {
		long word;

		memcpy(&word, (const char *)buf + i, sizeof(word));
		if (ptrace(PTRACE_POKEDATA, pid, at + i, word))
			die("POKEDATA");
	}
}

/* The address of a system call instruction in the process's own text (its libc or vdso). */
static unsigned long find_insn(void)
{
	char path[64], line[512], perms[8];
	unsigned long from, to;
	FILE *maps;

	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	maps = fopen(path, "r");
	if (!maps)
		die(path);
	while (fgets(line, sizeof(line), maps)) {
		unsigned char *text;

		if (sscanf(line, "%lx-%lx %7s", &from, &to, perms) != 3 || perms[2] != 'x' || !strstr(line, "libc"))
			continue;
		text = malloc(to - from);
		if (!text)
			die("malloc");
		peek(from, text, to - from);
		for (unsigned long i = 0; i + INSN_LEN <= to - from; i += INSN_LEN == 4 ? 4 : 1) {
			if (!memcmp(text + i, syscall_insn, INSN_LEN)) {
				free(text);
				fclose(maps);
				return from + i;
			}
		}
		free(text);
	}
	fclose(maps);
	errno = ENOENT;
	die("no system call instruction");
	return 0;
}

/* Runs one system call in the process, with @data (may be NULL) on its stack; AT_DATA stands for its address. */
#define AT_DATA 0x7eadbeefL
static long inject(unsigned long insn, long nr, const long *args, const void *data, size_t len)
{
	char kept[1024], padded[1024] = { 0 };
	regs_t before, r;
	long a[6];
	unsigned long at;
	bool trapped = false;
	int status;

	get(&before);
	r = before;
	at = (SP(before) - 4096) & ~15UL;
	memcpy(a, args, sizeof(a));
	for (int i = 0; i < 6; i++)
		if (a[i] == AT_DATA)
			a[i] = at;
	peek(at, kept, sizeof(kept));
	if (data)
		memcpy(padded, data, len);
	poke(at, padded, sizeof(padded));
	set_call(&r, nr, a);
	PC(r) = insn;
	set(&r);
	do {
		if (ptrace(PTRACE_SINGLESTEP, pid, 0, 0) || waitpid(pid, &status, __WALL) < 0)
			die("step");
		trapped |= WIFSTOPPED(status) && WSTOPSIG(status) == SIGSYS;
	} while (WIFSTOPPED(status) && WSTOPSIG(status) != SIGTRAP);
	if (!WIFSTOPPED(status)) {
		fprintf(stderr, "probe: the process died of it\n");
		exit(3);
	}
	get(&r);
	poke(at, kept, sizeof(kept));
	set(&before);
	return trapped ? -EPERM : RESULT(r);	/* a sandbox's handler says so: channeld/sandbox_trap.c */
}

static void report(const char *name, long result)
{
	if (result < 0 && result > -4096)
		printf("%s %s\n", name, strerrorname_np(-result));
	else
		printf("%s ok\n", name);
}

static void attempts(unsigned long insn, const char *pin)
{
	union bpf_attr map = { .map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 4, .max_entries = 1 };
	struct { union bpf_attr attr; char path[256]; } get = { 0 };
	char text[64] = "/tmp\0/tmp\0none";
	long fd;

	report("mount", inject(insn, SYS_mount, (long[6]){ AT_DATA, AT_DATA, AT_DATA, 0, 0, 0 }, text, sizeof(text)));
	report("unshare", inject(insn, SYS_unshare, (long[6]){ CLONE_NEWNS }, NULL, 0));
	report("ptrace", inject(insn, SYS_ptrace, (long[6]){ PTRACE_SEIZE, victim, 0, 0 }, NULL, 0));
	report("inet", fd = inject(insn, SYS_socket, (long[6]){ AF_INET, SOCK_STREAM, 0 }, NULL, 0));
	if (fd >= 0)
		inject(insn, SYS_close, (long[6]){ fd }, NULL, 0);
	report("bpf_map_create", fd = inject(insn, SYS_bpf, (long[6]){ BPF_MAP_CREATE, AT_DATA, sizeof(map) }, &map,
					     sizeof(map)));
	if (fd >= 0)
		inject(insn, SYS_close, (long[6]){ fd }, NULL, 0);
	report("kill_init", inject(insn, SYS_kill, (long[6]){ 1, 0 }, NULL, 0));
	report("open_shadow", fd = inject(insn, SYS_openat, (long[6]){ -100, AT_DATA, 0 }, "/etc/shadow", 12));
	if (fd >= 0)
		inject(insn, SYS_close, (long[6]){ fd }, NULL, 0);
	if (!pin)
		return;
	snprintf(get.path, sizeof(get.path), "%s", pin);
	/* The attribute needs the path's address, which inject() knows: the same stack slot, behind the attribute. */
	{
		regs_t r;

		ptrace(PTRACE_GETREGSET, pid, NT_PRSTATUS, &(struct iovec){ &r, sizeof(r) });
		get.attr.pathname = ((SP(r) - 4096) & ~15UL) + offsetof(typeof(get), path);
	}
	report("open_pin",
	       fd = inject(insn, SYS_bpf, (long[6]){ BPF_OBJ_GET, AT_DATA, sizeof(get.attr) }, &get, sizeof(get)));
	if (fd >= 0)
		inject(insn, SYS_close, (long[6]){ fd }, NULL, 0);
}

int main(int argc, char **argv)
{
	unsigned long insn;
	int status;

	if (argc < 2)
		return 2;
	pid = atoi(argv[1]);
	if (ptrace(PTRACE_SEIZE, pid, 0, 0) || ptrace(PTRACE_INTERRUPT, pid, 0, 0) || waitpid(pid, &status, __WALL) < 0)
		die("attach");
	insn = find_insn();
	victim = fork();
	if (victim == 0) {
		sleep(60);
		_exit(0);
	}
	attempts(insn, argc == 4 && !strcmp(argv[2], "pin") ? argv[3] : NULL);
	/* Not waited for: where the attempt succeeded, its tracer is now the process that was probed. */
	kill(victim, SIGKILL);
	ptrace(PTRACE_DETACH, pid, 0, 0);
	return 0;
}
