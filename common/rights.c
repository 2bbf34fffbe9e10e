/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rights.h"

#include <cap-ng.h>
#include <dirent.h>
#include <errno.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/prctl.h>

#include "rights_filter.h"

#define CAP(c) RIGHTS_CAP(CAP_##c)
#define LOAD_CAPS (CAP(BPF) | CAP(PERFMON) | CAP(NET_ADMIN))
/* SYS_ADMIN: Debian's kernels open perf events for nothing less (kernel.perf_event_paranoid=3). */
#define BROKER_CAPS (CAP(DAC_READ_SEARCH) | CAP(SYS_ADMIN))

const struct rights rights_loaderd = {
	.start_caps = LOAD_CAPS | BROKER_CAPS,
	.caps = LOAD_CAPS,	/* for ebpf-load, which it starts */
	/* Filters are inherited, so what the child needs is here too. */
	.allow = RIGHTS_ALLOW_BPF | RIGHTS_ALLOW_PERF | RIGHTS_ALLOW_NETLINK | RIGHTS_ALLOW_EXEC,
	.helper = "ebpf-broker",
	.helper_caps = BROKER_CAPS,
};
const struct rights rights_load = {
	.start_caps = LOAD_CAPS,
	.caps = LOAD_CAPS,
	.allow = RIGHTS_ALLOW_BPF | RIGHTS_ALLOW_PERF | RIGHTS_ALLOW_NETLINK | RIGHTS_ALLOW_EXEC,
};
const struct rights rights_broker = {
	.start_caps = BROKER_CAPS,
	.caps = BROKER_CAPS,
	.allow = RIGHTS_STRICT | RIGHTS_ALLOW_OPEN | RIGHTS_ALLOW_PERF,
};
const struct rights rights_tagd = {
	.allow = 0,		/* pins are readable for its group: the filter keeps it from them */
};
const struct rights rights_channeld = {
	.start_caps = CAP(SETUID) | CAP(SETGID) | CAP(KILL),
	.allow = RIGHTS_ALLOW_BPF | RIGHTS_ALLOW_EXEC,	/* its workers open pins before they give that up */
	.helper = "ebpf-launcher",
	.helper_caps = CAP(SETUID) | CAP(SETGID) | CAP(KILL),
};
const struct rights rights_worker = {
	.allow = RIGHTS_STRICT | RIGHTS_ALLOW_BPF_LOOKUP | RIGHTS_ALLOW_LISTEN,
};
const struct rights rights_launcher = {
	.start_caps = CAP(SETUID) | CAP(SETGID) | CAP(KILL),
	.caps = CAP(SETUID) | CAP(SETGID) | CAP(KILL),
	.allow = RIGHTS_ALLOW_SETUID | RIGHTS_ALLOW_EXEC,
};
const struct rights rights_sinkd = {
	.allow = RIGHTS_ALLOW_INET,	/* Kafka */
};
const struct rights rights_xdpd = {
	.start_caps = CAP(BPF) | CAP(NET_ADMIN),
	.caps = CAP(BPF) | CAP(NET_ADMIN),
	.allow = RIGHTS_ALLOW_BPF | RIGHTS_ALLOW_NETLINK,
};

static bool is_threaded(void)
{
	DIR *d = opendir("/proc/self/task");
	size_t n = 0;

	if (!d)
		return false;
	for (struct dirent *e; (e = readdir(d));)
		n += e->d_name[0] != '.';
	closedir(d);
	return n > 1;
}

/* The capabilities up to the newest one that the kernel knows. */
static bool have(capng_type_t set, uint64_t caps, bool all)
{
	for (unsigned c = 0; c <= CAP_LAST_CAP; c++) {
		bool has = capng_have_capability(set, c);

		if (all ? (caps >> c & 1) && !has : has && !(caps >> c & 1))
			return false;
	}
	return true;
}

uint64_t rights_missing(uint64_t caps)
{
	uint64_t missing = 0;

	if (capng_get_caps_process() < 0)
		return caps;
	for (unsigned c = 0; c <= CAP_LAST_CAP; c++)
		if ((caps >> c & 1) && !capng_have_capability(CAPNG_PERMITTED, c))
			missing |= 1ULL << c;
	return missing;
}

void rights_caps_text(uint64_t caps, char *ret, size_t size)
{
	size_t n = 0;

	ret[0] = '\0';
	for (unsigned c = 0; c < 64 && n < size; c++) {
		const char *name = caps >> c & 1 ? capng_capability_to_name(c) : NULL;

		if (!name)
			continue;
		n += snprintf(ret + n, size - n, "%sCAP_", n ? ", " : "");
		for (; *name && n + 1 < size; name++)
			ret[n++] = *name >= 'a' && *name <= 'z' ? *name - 'a' + 'A' : *name;
		ret[MIN(n, size - 1)] = '\0';
	}
}

static int set_ambient(uint64_t caps)
{
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
		return -errno;
	for (int c = 0; c < 64; c++)
		if ((caps >> c & 1) && prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, c, 0, 0) < 0)
			return -errno;
	return 0;
}

int rights_drop_caps(const struct rights *r)
{
	bool keep_ambient = r->allow & RIGHTS_ALLOW_EXEC, may_drop_bounds;

	if (capng_get_caps_process() < 0)
		return -EIO;
	if (!have(CAPNG_PERMITTED, r->caps, true))
		return -EPERM;
	if (!have(CAPNG_PERMITTED, r->caps, false) && is_threaded())
		return -EBUSY;
	may_drop_bounds = capng_have_capability(CAPNG_EFFECTIVE, CAP_SETPCAP);
	capng_clear(CAPNG_SELECT_ALL);
	for (unsigned c = 0; c <= CAP_LAST_CAP; c++)
		if (r->caps >> c & 1)
			capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED | CAPNG_BOUNDING_SET |
				     (keep_ambient ? CAPNG_INHERITABLE : 0), c);
	/* Without CAP_SETPCAP the bounding set stays; no_new_privs makes it of no use to anybody. */
	if (may_drop_bounds)
		(void)capng_apply(CAPNG_SELECT_BOUNDS);
	if (capng_apply(CAPNG_SELECT_CAPS) < 0)
		return -EPERM;
	return set_ambient(keep_ambient ? r->caps : 0);
}

int rights_apply(const struct rights *r)
{
	int err = rights_drop_caps(r);

	if (err < 0)
		return err;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -errno;
	return rights_filter(r->allow);
}
