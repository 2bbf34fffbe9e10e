/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "../common/json.h"
#include "job.h"
#include "text.h"

#define LOAD_TIMEOUT_MS 300000		/* a verifier may think long */

static const char *url_scheme(const char *name)
{
	static const char *const schemes[] = { "http://", "https://", "ftp://" };

	for (size_t i = 0; i < ARRAY_SIZE(schemes); i++)
		if (!strncmp(name, schemes[i], strlen(schemes[i])))
			return schemes[i];
	return NULL;
}

/* The folder that relative paths in the file start from: where the file really lies is what people mean. */
static int base_of(const char *file, char ret[PATH_MAX])
{
	char *slash;

	if (!realpath(file, ret))
		return -errno;
	slash = strrchr(ret, '/');
	slash[slash == ret] = '\0';
	return 0;
}

struct load {
	const struct ctl *ctl;
	struct client client;
	struct json json;		/* an array of what became of each file */
};

static int printf_like(3, 4) fail(struct load *l, const char *file, const char *fmt, ...)
{
	cleanup(freep) char *text = text_of(fmt);

	/* What loaderd says begins with the file's name, mostly. */
	if (strncmp(text, file, strlen(file)))
		ctl_error("%s: %s", file, text);
	else
		ctl_error("%s", text);
	json_open_object(&l->json, NULL);
	json_str(&l->json, "file", file);
	json_str(&l->json, "error", text);
	json_close_object(&l->json);
	return CTL_FAILED;
}

static int open_file(struct load *l, const char *file, char base[PATH_MAX], int *ret)
{
	cleanup(closep) int fd = -1;
	struct stat st;
	int err;

	if (url_scheme(file))
		return fail(l, file, "loading from %s is not built in this version", url_scheme(file));
	/* A FIFO would make us wait for its writer. */
	fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &st) < 0)
		return fail(l, file, "%s", strerror(errno));
	if (!S_ISREG(st.st_mode))
		return fail(l, file, "not a regular file");
	err = base_of(file, base);
	if (err)
		return fail(l, file, "%s", strerror(-err));
	*ret = take_fd(&fd);
	return 0;
}

static DBusMessage *load_message(const char *file, const char *base, int fd)
{
	DBusMessage *m = client_message(ctl_daemon_find("loaderd"), NULL, "Load");
	DBusMessageIter args;

	dbus_message_iter_init_append(m, &args);
	if (!dbus_message_iter_append_basic(&args, DBUS_TYPE_UNIX_FD, &fd) ||
	    !dbus_message_iter_append_basic(&args, DBUS_TYPE_STRING, &file) ||
	    !dbus_message_iter_append_basic(&args, DBUS_TYPE_STRING, &base)) {
		dbus_message_unref(m);
		return NULL;
	}
	client_options(&args, NULL, 0);
	return m;
}

static int report(struct load *l, DBusMessage *reply, const char *file)
{
	cleanup(job_result_fini) struct job_result r = { 0 };

	if (!job_result_read(reply, &r) || r.n_programs != 1)
		return fail(l, file, "loaderd's answer has an unexpected form");
	json_open_object(&l->json, NULL);
	json_str(&l->json, "program", r.programs[0]);
	json_str(&l->json, "file", file);
	json_open_array(&l->json, "warnings");
	for (int i = 0; i < r.n_warnings; i++) {
		json_str(&l->json, NULL, r.warnings[i]);
		ctl_warning(r.warnings[i]);
	}
	json_close_array(&l->json);
	json_close_object(&l->json);
	if (!l->ctl->json)
		printf("loaded %s\n", r.programs[0]);
	return CTL_DONE;
}

static int load_one(struct load *l, const char *file)
{
	cleanup(message_unrefp) DBusMessage *reply = NULL;
	cleanup(closep) int fd = -1;
	char base[PATH_MAX], doing[PATH_MAX + 32];
	DBusMessage *m;
	int err;

	if (!l->client.conn)
		return fail(l, file, "not loaded: %s", l->client.error);
	if (!dbus_validate_utf8(file, NULL))
		return fail(l, file, "a file name that is not UTF-8 cannot be sent over D-Bus");
	if (open_file(l, file, base, &fd))
		return CTL_FAILED;
	m = load_message(file, base, fd);
	if (!m)
		return fail(l, file, "cannot be sent over D-Bus");
	snprintf(doing, sizeof(doing), "loading %s", file);
	err = job_run(&l->client, l->ctl, m, LOAD_TIMEOUT_MS, doing, &reply);
	if (err < 0)
		return fail(l, file, "%s", l->client.error);
	return report(l, reply, file);
}

/* Goes on after one that fails, as unload does; what is loaded stays loaded, and the list printed says which. */
int verb_load(const struct ctl *c, int argc, char **argv)
{
	cleanup(freep) char *text = NULL;
	struct load l = { .ctl = c };
	int status = CTL_DONE;

	if (client_open(&l.client, c) == 0)
		l.client.stop = client_catch_signals();
	json_open_array(&l.json, NULL);
	for (int i = 0; i < argc && !(l.client.stop && *l.client.stop); i++)
		status = load_one(&l, argv[i]) ?: status;
	json_close_array(&l.json);
	text = json_finish(&l.json, NULL);
	if (c->json && text)
		puts(text);
	json_fini(&l.json);
	client_close(&l.client);
	return status;
}
