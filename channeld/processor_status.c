/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "processor_status.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "../common/memfd.h"

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

int processor_area_new(int *ret_fd, struct processor_area **ret)
{
	void *area;
	int fd = memfd_shared("ebpf-agent-processors", sizeof(struct processor_area), &area);

	if (fd < 0)
		return fd;
	*ret = area;
	(*ret)->limits = processor_default_limits;
	*ret_fd = fd;
	return 0;
}

int processor_area_map(int fd, struct processor_area **ret)
{
	struct stat st;
	void *area;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (st.st_size != sizeof(struct processor_area))
		return -EBADMSG;
	area = mmap(NULL, sizeof(struct processor_area), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (area == MAP_FAILED)
		return -errno;
	*ret = area;
	return 0;
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
