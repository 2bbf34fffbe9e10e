/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The private bus: a dbus-daemon without a right of its own. It gets its socket from us, so it needs to write nowhere,
 * and those who connect while it is started again wait in the socket's backlog. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "../abi/names.h"
#include "run.h"

#define BACKLOG 64

static const char config_head[] =
	"<!DOCTYPE busconfig PUBLIC \"-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN\"\n"
	" \"http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd\">\n"
	"<busconfig>\n"
	"  <type>system</type>\n"
	"  <listen>systemd:</listen>\n"
	"  <auth>EXTERNAL</auth>\n"
	/* As on the system's bus: whoever is here may ask; what tells of events or changes anything, the daemons
	 * refuse. Sandboxes of user code never get here: no sockets, and a uid without a name is refused. */
	"  <policy context=\"default\">\n"
	"    <allow user=\"*\"/>\n"
	"    <deny own=\"*\"/>\n"
	"    <allow send_type=\"method_call\"/>\n"
	"    <allow send_type=\"signal\"/>\n"
	"    <allow send_requested_reply=\"true\" send_type=\"method_return\"/>\n"
	"    <allow send_requested_reply=\"true\" send_type=\"error\"/>\n"
	"    <allow receive_type=\"method_call\"/>\n"
	"    <allow receive_type=\"method_return\"/>\n"
	"    <allow receive_type=\"error\"/>\n"
	"    <allow receive_type=\"signal\"/>\n"
	"  </policy>\n";
static const char config_limits[] =
	"  <limit name=\"max_incoming_bytes\">8000000</limit>\n"
	"  <limit name=\"max_outgoing_bytes\">16000000</limit>\n"
	"  <limit name=\"max_message_size\">4000000</limit>\n"
	"  <limit name=\"max_message_unix_fds\">16</limit>\n"
	"  <limit name=\"max_completed_connections\">1024</limit>\n"
	"  <limit name=\"max_incomplete_connections\">64</limit>\n"
	"  <limit name=\"max_connections_per_user\">128</limit>\n"
	"  <limit name=\"max_pending_service_starts\">1</limit>\n"
	"  <limit name=\"max_names_per_connection\">8</limit>\n"
	"  <limit name=\"max_match_rules_per_connection\">256</limit>\n"
	"  <limit name=\"max_replies_per_connection\">1024</limit>\n"
	"</busconfig>\n";

static void write_policy(FILE *f)
{
	for (int i = 0; i < RUN_N; i++)
		if (run_defs[i].bus)
			fprintf(f, "  <policy user=\"%s\">\n    <allow own=\"%s\"/>\n"
				/* In the agent's group, too; but what holds no BPF shall not get it by asking. */
				"    <deny send_destination=\"%s\" send_type=\"method_call\"/>\n  </policy>\n",
				run_defs[i].binary, run_defs[i].bus, AGENT_BUS_LOADER);
}

static int write_config(const char *path)
{
	cleanup(fclosep) FILE *f = fopen(path, "we");

	if (!f)
		return -errno;
	fputs(config_head, f);
	write_policy(f);
	fputs(config_limits, f);
	return fflush(f) ? -errno : 0;
}

static int bind_socket(const char *path, int *ret)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	cleanup(closep) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (strlen(path) >= sizeof(a.sun_path))
		return -ENAMETOOLONG;
	strcpy(a.sun_path, path);
	unlink(path);		/* left by one that was killed; the folder is ours, by lock */
	/* Who may speak is the policy's to say. */
	if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0 || chmod(path, 0666) < 0 ||
	    listen(fd, BACKLOG) < 0)
		return -errno;
	*ret = take_fd(&fd);
	return 0;
}

int run_bus_prepare(const struct run_dir *d, int *ret_socket, char why[256])
{
	char path[PATH_MAX];
	int err;

	snprintf(path, sizeof(path), "%s/config/bus.conf", d->base);
	err = write_config(path);
	if (!err) {
		snprintf(path, sizeof(path), "%s/bus", d->base);
		err = bind_socket(path, ret_socket);
	}
	if (err)
		snprintf(why, 256, "%.180s: %s", path, strerror(-err));
	return err;
}

const char *run_bus_binary(void)
{
	static const char *const places[] = { "/usr/bin/dbus-daemon", "/bin/dbus-daemon",
					      "/usr/local/bin/dbus-daemon" };

	for (size_t i = 0; i < ARRAY_SIZE(places); i++)
		if (access(places[i], X_OK) == 0)
			return places[i];
	return NULL;
}
