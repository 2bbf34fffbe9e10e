/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "../abi/names.h"
#include "../common/json.h"
#include "client.h"

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

static int open_file(const char *file, char base[PATH_MAX], int *ret)
{
	cleanup(closep) int fd = -1;
	struct stat st;
	int err;

	if (url_scheme(file))
		return ctl_error("%s: loading from %s is not built in this version", file, url_scheme(file));
	/* A FIFO would make us wait for its writer. */
	fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &st) < 0)
		return ctl_error("%s: %s", file, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return ctl_error("%s: not a regular file", file);
	err = base_of(file, base);
	if (err)
		return ctl_error("%s: %s", file, strerror(-err));
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

static int report(const struct ctl *c, DBusMessage *reply, const char *file, struct json *j)
{
	const char *program;
	char **warnings;
	int n;

	if (!dbus_message_get_args(reply, NULL, DBUS_TYPE_STRING, &program, DBUS_TYPE_ARRAY, DBUS_TYPE_STRING,
				   &warnings, &n, DBUS_TYPE_INVALID))
		return ctl_error("loaderd's answer has an unexpected form");
	json_open_object(j, NULL);
	json_str(j, "program", program);
	json_str(j, "file", file);
	json_open_array(j, "warnings");
	for (int i = 0; i < n; i++) {
		json_str(j, NULL, warnings[i]);
		ctl_warning(warnings[i]);
	}
	json_close_array(j);
	json_close_object(j);
	if (!c->json)
		printf("loaded %s\n", program);
	dbus_free_string_array(warnings);
	return 0;
}

static int load_one(const struct ctl *c, struct client *client, const char *file, struct json *j)
{
	cleanup(message_unrefp) DBusMessage *reply = NULL;
	cleanup(closep) int fd = -1;
	char base[PATH_MAX], doing[PATH_MAX + 32];
	DBusMessage *m;

	if (!dbus_validate_utf8(file, NULL))
		return ctl_error("a file name that is not UTF-8 cannot be sent over D-Bus");
	if (open_file(file, base, &fd))
		return CTL_FAILED;
	m = load_message(file, base, fd);
	if (!m)
		return ctl_error("%s: cannot be sent over D-Bus", file);
	snprintf(doing, sizeof(doing), "still loading %s", file);
	if (client_call(client, m, LOAD_TIMEOUT_MS, doing, &reply) < 0)
		return ctl_error("%s%s%s", strncmp(client->error, file, strlen(file)) ? file : "",
				 strncmp(client->error, file, strlen(file)) ? ": " : "", client->error);
	return report(c, reply, file, j);
}

/* What is loaded stays loaded when a later file fails; the list printed says which. */
int verb_load(const struct ctl *c, int argc, char **argv)
{
	cleanup(client_close) struct client client = {};
	cleanup(json_fini) struct json j = {};
	cleanup(freep) char *text = NULL;
	int status = CTL_DONE;

	if (client_open(&client, c) < 0)
		return ctl_error("%s", client.error);
	json_open_array(&j, NULL);
	for (int i = 0; i < argc && status == CTL_DONE; i++)
		status = load_one(c, &client, argv[i], &j);
	json_close_array(&j);
	text = json_finish(&j, NULL);
	if (c->json && text)
		puts(text);
	return status;
}
