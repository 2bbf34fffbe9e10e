/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sealed.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "../common/memfd.h"

int sealed_copy(const char *path, uint64_t max, int *ret)
{
	cleanup(closep) int from = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), to = -1;
	char buf[1 << 16];
	struct stat st;
	ssize_t n;

	if (from < 0 || fstat(from, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	if ((uint64_t)st.st_size > max)
		return -EFBIG;
	to = memfd_executable("ebpf-agent-processor");
	if (to < 0)
		return to;
	while ((n = read(from, buf, sizeof(buf))) > 0)
		if (write(to, buf, (size_t)n) != n)
			return -ENOMEM;
	if (n < 0 || fcntl(to, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
		return -errno;
	*ret = take_fd(&to);
	return 0;
}
