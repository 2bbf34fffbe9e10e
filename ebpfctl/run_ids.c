/* SPDX-License-Identifier: GPL-2.0-or-later */
/* User ids for a private instance: the machine's own ebpf-* users where it has them, else numbers that nobody has.
 * A block of numbers is leased by binding an abstract socket that is called after it: the kernel gives it up when
 * its holder dies, however it dies. */
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "../abi/names.h"
#include "run.h"

/* Within the range that systemd leaves to dynamic users (61184 to 65519), which distributions give to nobody else. */
#define IDS_FIRST 61184
#define IDS_END   65000

static int bind_lease(uid_t base)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0), len, err;

	if (fd < 0)
		return -errno;
	len = snprintf(a.sun_path + 1, sizeof(a.sun_path) - 1, "ebpf-agent-ids-%u", base);
	if (bind(fd, (struct sockaddr *)&a, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)len)) == 0)
		return fd;
	err = -errno;
	close(fd);
	return err;
}

static bool is_unused(uid_t base)
{
	for (uid_t id = base; id < base + RUN_IDS_BLOCK; id++)
		if (getpwuid(id) || getgrgid(id))
			return false;
	return true;
}

static void name_them(struct run_ids *ids)
{
	const struct group *g = getgrnam(AGENT_GROUP);

	ids->group_named = g != NULL;
	ids->gid = g ? g->gr_gid : ids->base;
	ids->bus_gid = ids->base + 1;
	for (int i = 0; i < RUN_N; i++) {
		const struct passwd *p = getpwnam(run_defs[i].binary);

		ids->named[i] = p != NULL;
		ids->uid[i] = p ? p->pw_uid : ids->base + (uid_t)i;
	}
}

int run_ids_lease(struct run_ids *ids, char why[256])
{
	ids->lease = -1;
	for (uid_t base = IDS_FIRST; base + RUN_IDS_BLOCK <= IDS_END; base += RUN_IDS_BLOCK) {
		int fd;

		if (!is_unused(base))
			continue;
		fd = bind_lease(base);
		if (fd == -EADDRINUSE)
			continue;
		if (fd < 0) {
			snprintf(why, 256, "a lease of user ids: %s", strerror(-fd));
			return fd;
		}
		ids->lease = fd;
		ids->base = base;
		name_them(ids);
		return 0;
	}
	snprintf(why, 256, "no %d unused user ids in a row between %d and %d: too many private instances?",
		 RUN_IDS_BLOCK, IDS_FIRST, IDS_END);
	return -EAGAIN;
}

void run_ids_release(struct run_ids *ids)
{
	if (ids->lease >= 0)
		close(ids->lease);
	ids->lease = -1;
}

static void write_ids(const struct run_ids *ids, FILE *f, bool group)
{
	if (group) {
		if (!ids->group_named)
			fprintf(f, "%s:x:%u:\n", AGENT_GROUP, ids->gid);
		fprintf(f, "%s:x:%u:\n", RUN_BUS_GROUP, ids->bus_gid);
		return;
	}
	for (int i = 0; i < RUN_N; i++)
		if (!ids->named[i])
			fprintf(f, "%s:x:%u:%u:ebpf-agent:/nonexistent:/usr/sbin/nologin\n", run_defs[i].binary,
				ids->uid[i], i == RUN_BUS ? ids->bus_gid : ids->gid);
}

int run_ids_write(const struct run_ids *ids, const char *source, const char *target, bool group)
{
	cleanup(fclosep) FILE *in = fopen(source, "re"), *out = fopen(target, "we");
	char last = '\n', buf[4096];
	size_t n;

	if (!in || !out)
		return -errno;
	while ((n = fread(buf, 1, sizeof(buf), in)) > 0) {
		if (fwrite(buf, 1, n, out) != n)
			return -EIO;
		last = buf[n - 1];
	}
	if (last != '\n')
		fputc('\n', out);
	write_ids(ids, out, group);
	return ferror(in) || fflush(out) ? -EIO : 0;
}
