/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "filter.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base.h"

struct code {
	struct sock_filter at[BPF_MAXINSNS];
	size_t len;			/* bytes */
};

static void filter_releasep(scmp_filter_ctx *ctx)
{
	if (*ctx)
		seccomp_release(*ctx);
}

/* libseccomp writes it to a descriptor; a pipe holds the largest one, and is there even where no file may grow. */
static int export(scmp_filter_ctx ctx, struct code *ret)
{
	cleanup(closep) int in = -1, out = -1;
	int pair[2], err;
	ssize_t n;

	if (pipe2(pair, O_CLOEXEC | O_NONBLOCK) < 0)
		return -errno;
	out = pair[0];
	in = pair[1];
	err = seccomp_export_bpf(ctx, in);
	if (err < 0)
		return err;
	for (ret->len = 0; ret->len < sizeof(ret->at); ret->len += (size_t)n) {
		n = read(out, (char *)ret->at + ret->len, sizeof(ret->at) - ret->len);
		if (n <= 0)
			break;
	}
	return ret->len > 0 && ret->len % sizeof(*ret->at) == 0 ? 0 : -EIO;
}

static int make(uint32_t otherwise, filter_fill fill, void *arg, struct code *ret)
{
	cleanup(filter_releasep) scmp_filter_ctx ctx = seccomp_init(otherwise);
	int err;

	if (!ctx)
		return -ENOMEM;
	err = fill(ctx, arg);
	return err < 0 ? err : export(ctx, ret);
}

int filter_install(uint32_t otherwise, filter_fill fill, void *arg)
{
	static struct code once, again;	/* too large for a stack; a process installs its filters one after the other */
	struct sock_fprog program;
	int err = make(otherwise, fill, arg, &once);
	long r;

	if (err == 0)
		err = make(otherwise, fill, arg, &again);
	if (err < 0)
		return err;
	if (once.len != again.len || memcmp(once.at, again.at, once.len) != 0)
		return -ENOMEM;
	program = (struct sock_fprog){ (unsigned short)(once.len / sizeof(*once.at)), once.at };
	r = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &program);
	return r < 0 ? -errno : r > 0 ? -EBUSY : 0;	/* above 0: a thread that has another filter */
}
