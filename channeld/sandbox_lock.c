/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a sandbox may have of the machine: memory, threads, shared libraries to be read. */
#include "sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "../common/base.h"

#ifdef AGENT_SAN
#define SANITIZED 1
#else
#define SANITIZED 0
#endif

/* What may be reserved beyond the memory that may be used. The Go runtime reserves more than 1 GiB that it never
 * touches, so RLIMIT_AS is no memory limit; but without any, page tables (1/512 of what is only read) and whatever
 * RLIMIT_DATA does not count would have none. */
#define RESERVED_MAX (8ULL << 30)
#define STACK_MAX    (8u << 20)	/* of the main thread; RLIMIT_DATA does not count it */

int sandbox_limit(uint64_t memory, uint64_t threads)
{
	const struct {
		int resource;
		rlim_t value;
	} limits[] = {
		{ RLIMIT_CORE, 0 },
		{ RLIMIT_FSIZE, 0 },
		{ RLIMIT_NOFILE, 64 },
		{ RLIMIT_NPROC, threads },	/* it can make nothing else */
		{ RLIMIT_MSGQUEUE, 0 },
		{ RLIMIT_MEMLOCK, 0 },
		{ RLIMIT_SIGPENDING, 256 },	/* each that waits costs kernel memory */
		{ RLIMIT_STACK, STACK_MAX },
		{ RLIMIT_AS, SANITIZED || !memory ? RLIM_INFINITY : memory + RESERVED_MAX },
		/* A sanitizer's shadow is private memory. */
		{ RLIMIT_DATA, SANITIZED || !memory ? RLIM_INFINITY : memory },
	};

	for (size_t i = 0; i < ARRAY_SIZE(limits); i++) {
		struct rlimit r;

		if (getrlimit(limits[i].resource, &r) < 0)
			return -errno;
		r.rlim_cur = r.rlim_max = MIN(limits[i].value, r.rlim_max);	/* nobody here may raise it */
		if (setrlimit(limits[i].resource, &r) < 0)
			return -errno;
	}
	return 0;
}

/* As the kernel knows it now; Debian's header is older. Linux, Documentation/userspace-api/landlock.rst. */
struct ruleset {
	uint64_t fs, net, scoped;
};
static const struct {
	int abi;
	unsigned fs_rights;	/* number of rights, which are the lowest bits */
	size_t size;		/* of struct ruleset */
} landlock_abis[] = {
	{ 6, 16, 24 }, { 5, 16, 16 }, { 4, 15, 16 }, { 3, 15, 8 }, { 2, 14, 8 }, { 1, 13, 8 },
};

static void allow_below(int ruleset, const char *path)
{
	struct landlock_path_beneath_attr rule = { .allowed_access = LANDLOCK_ACCESS_FS_READ_FILE };
	int fd = open(path, O_PATH | O_CLOEXEC | O_DIRECTORY);

	if (fd >= 0)
		rule.allowed_access |= LANDLOCK_ACCESS_FS_READ_DIR;
	else
		fd = open(path, O_PATH | O_CLOEXEC);
	if (fd < 0)
		return;		/* not on this machine */
	rule.parent_fd = fd;
	/* One that cannot be added stays forbidden. */
	(void)syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
	close(fd);
}

/* The shared object itself needs no rule: Landlock does not govern memfds. */
int sandbox_lock_files(void)
{
	static const char *const readable[] = { "/usr/lib", "/lib", "/lib64", "/etc/ld.so.cache" };
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	struct ruleset rs = { 0 };
	size_t i = 0;
	int fd, r = 0;

	if (abi < 1)
		return abi < 0 ? -errno : -ENOSYS;
	while (landlock_abis[i].abi > abi)
		i++;
	rs.fs = (1ULL << landlock_abis[i].fs_rights) - 1;
	rs.net = rs.scoped = 3;		/* bind, connect; abstract sockets, signals */
	fd = (int)syscall(SYS_landlock_create_ruleset, &rs, landlock_abis[i].size, 0);
	if (fd < 0)
		return -errno;
	for (size_t k = 0; k < ARRAY_SIZE(readable); k++)
		allow_below(fd, readable[k]);
	if (syscall(SYS_landlock_restrict_self, fd, 0) < 0)
		r = -errno;
	close(fd);
	return r;
}
