/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "counts.h"

#include <errno.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "../common/pins.h"

int counts_open(const struct manifest *m, const struct manifest_channel *c)
{
	cleanup(closep) int fd = c->counts ? pin_get(m->program, c->item, PIN_MAP, c->counts) : -ENOENT;
	struct bpf_map_info info = {};
	uint32_t len = sizeof(info);

	if (fd < 0)
		return fd;
	if (bpf_obj_get_info_by_fd(fd, &info, &len) < 0)
		return -errno;
	if (info.type != BPF_MAP_TYPE_PERCPU_ARRAY || info.value_size != sizeof(struct agent_counts))
		return -EINVAL;
	return take_fd(&fd);
}

int counts_read(int fd, struct agent_counts *ret)
{
	int n = libbpf_num_possible_cpus();
	cleanup(freep) struct agent_counts *per_cpu = n > 0 ? calloc((size_t)n, sizeof(*per_cpu)) : NULL;
	struct agent_counts sum = {};
	uint32_t zero = 0;

	if (!per_cpu)
		return -ENOMEM;
	if (bpf_map_lookup_elem(fd, &zero, per_cpu) < 0)
		return -errno;
	for (int i = 0; i < n; i++) {
		sum.produced += per_cpu[i].produced;
		sum.ring_full += per_cpu[i].ring_full;
		sum.nmi += per_cpu[i].nmi;
		sum.lost += per_cpu[i].lost;
	}
	*ret = sum;
	return 0;
}
