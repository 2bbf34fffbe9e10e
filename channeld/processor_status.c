/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "processor_status.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

const char *const processor_state_names[] = {
#define X(upper, lower, help) [PROCESSOR_##upper] = #lower,
	PROCESSOR_STATE_LIST(X)
#undef X
};

const struct processor_limits processor_default_limits = {
	.memory = 256 << 20,
	.deadline_ns = NSEC_PER_SEC,
	.background_ns = 500 * NSEC_PER_MSEC,
	.delay_min_ns = 10 * NSEC_PER_MSEC,
	.delay_max_ns = 5 * NSEC_PER_SEC,
	.failed_after = 10,
	.retry_ns = 30 * NSEC_PER_SEC,
	.letters_for = 1 << SPOOL_DROP_SO_CRASH | 1 << SPOOL_DROP_SO_TIMEOUT,
	.letters_size = 8 << 20,
};

static int map(int fd, struct processor_area **ret)
{
	void *at = mmap(NULL, sizeof(struct processor_area), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (at == MAP_FAILED)
		return -errno;
	*ret = at;
	return 0;
}

int processor_area_new(int *ret_fd, struct processor_area **ret)
{
	cleanup(closep) int fd = memfd_create("ebpf-agent-processors", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int err;

	/* Sealed: whoever shrank it would have the other die of SIGBUS. */
	if (fd < 0 || ftruncate(fd, sizeof(struct processor_area)) < 0 ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
		return -errno;
	err = map(fd, ret);
	if (err < 0)
		return err;
	(*ret)->limits = processor_default_limits;
	*ret_fd = take_fd(&fd);
	return 0;
}

int processor_area_map(int fd, struct processor_area **ret)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	return st.st_size == sizeof(struct processor_area) ? map(fd, ret) : -EBADMSG;
}

void processor_area_free(struct processor_area *a)
{
	if (a)
		munmap(a, sizeof(*a));
}

void processor_row_read(const struct processor_row *row, struct processor_row *ret)
{
	memcpy(ret, row, sizeof(*ret));
	ret->last_end[sizeof(ret->last_end) - 1] = '\0';
	if (ret->state >= PROCESSOR_N_STATES)
		ret->state = PROCESSOR_WAITING;
}
