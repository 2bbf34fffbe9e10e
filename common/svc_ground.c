/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a daemon stands on before it begins: its capabilities, the runtime directory, open files enough, and being the
 * only one there. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "paths.h"
#include "svc_private.h"

#define LOCK_TRIES 10	/* × 20 ms: a predecessor that was killed may still be leaving */

static int make_folder(const char *name)
{
	char path[PATH_MAX];

	if ((size_t)snprintf(path, sizeof(path), "%s/%s", path_runtime(), name) >= sizeof(path))
		return -ENAMETOOLONG;
	if (mkdir(path, 01770) < 0)
		return errno == EEXIST ? 0 : -errno;
	return chmod(path, 01770) < 0 ? -errno : 0;	/* whatever the umask was */
}

/* The usual soft limit of 1024 is for users of select(); a program takes up to five descriptors. */
static void raise_files(void)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) < 0)
		return;
	r.rlim_cur = r.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &r) < 0)
		log_warning("the limit of open files stays as it is: %s", strerror(errno));
}

int svc_ground_check(const struct svc *s)
{
	uint64_t missing = s->def->rights ? rights_missing(s->def->rights->start_caps) : 0;
	char text[512];
	struct stat st;

	if (missing) {
		rights_caps_text(missing, text, sizeof(text));
		log_error("lacks %s: it is started by its unit or by \"ebpfctl run\", as root", text);
		return -EPERM;
	}
	if (stat(path_runtime(), &st) < 0 || !S_ISDIR(st.st_mode)) {
		log_error("the runtime directory %s is not there: start ebpf-agent.target, or use \"ebpfctl run\"",
			  path_runtime());
		return -ENOENT;
	}
	raise_files();
	return 0;
}

static int lock_file(int fd)
{
	for (int i = 0; i < LOCK_TRIES; i++) {
		if (flock(fd, LOCK_EX | LOCK_NB) == 0)
			return 0;
		if (errno != EWOULDBLOCK)
			return -errno;
		usleep(20000);
	}
	return -EBUSY;
}

int svc_ground_folders(void)
{
	int err = make_folder("lock");

	return err ?: make_folder("hint");
}

int svc_ground_lock(struct svc *s)
{
	char path[PATH_MAX];
	int err = svc_ground_folders();

	if (err == 0)
		err = path_lock(s->def->name, path);
	if (err == 0) {
		s->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0660);
		err = s->lock < 0 ? -errno : lock_file(s->lock);
	}
	if (err == -EBUSY)
		log_error("another %s runs on %s", s->def->name, path_runtime());
	else if (err < 0)
		log_error("cannot use %s: %s", path_runtime(), strerror(-err));
	return err;
}
