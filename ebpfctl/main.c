/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>

#include "../common/svc.h"
#include "cmdline.h"

/* What printf() could not write. A reader that has left is no fault, as with `| head`. */
static int finish(int status)
{
	bool earlier = ferror(stdout);

	errno = 0;
	if (fflush(stdout) == 0 && !earlier)
		return status;
	return errno == EPIPE ? status : ctl_error("stdout: %s", errno ? strerror(errno) : "not all could be written");
}

static bool wants_color(void)
{
	const char *term = getenv("TERM");

	return isatty(1) && !getenv("NO_COLOR") && term && strcmp(term, "dumb");
}

/* Descriptors 0, 1 and 2 are what their names say, or what is opened next would be written to by mistake. */
static void fill_standard_fds(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd < 2);
	if (fd > 2)
		close(fd);
}

/* Whoever started us may have made the pipe one that does not block: printf() would lose what does not fit. The flag
 * belongs to the open file, which others share, so we open our own. */
static void block_on_stdout(void)
{
	int flags = fcntl(1, F_GETFL), fd;
	struct stat st;

	if (flags < 0 || !(flags & O_NONBLOCK) || fstat(1, &st) < 0 || !(S_ISFIFO(st.st_mode) || S_ISCHR(st.st_mode)))
		return;
	fd = open("/proc/self/fd/1", O_WRONLY | O_NONBLOCK | O_NOCTTY);	/* without a reader it would wait for one */
	if (fd >= 0 && fcntl(fd, F_SETFL, flags & ~O_NONBLOCK) == 0)
		dup2(fd, 1);
	closep(&fd);
}

int main(int argc, char **argv)
{
	struct cmdline l = {};
	const struct verb *v;

	fill_standard_fds();
	block_on_stdout();
	if (cmdline_parse(&l, argc, argv) < 0)
		return CTL_USAGE;
	argc -= optind;
	argv += optind;
	if (l.version) {
		printf("ebpfctl %s\n", AGENT_VERSION);
		return finish(CTL_DONE);
	}
	if (argc == 0) {
		if (l.help)
			return finish(verb_help(&l.ctl, 0, NULL));
		ctl_error("no verb: `ebpfctl help` lists them");
		return CTL_USAGE;
	}
	v = verb_find(argv[0]);
	if (!v || l.help)
		return finish(verb_help(&l.ctl, 1, argv));
	if (!v->run)
		return ctl_error("`%s` is not built in this version", v->name);
	if (cmdline_check(&l, v, argc - 1) < 0)
		return CTL_USAGE;
	l.ctl.color = wants_color();
	signal(SIGPIPE, SIG_IGN);
	return finish(v->run(&l.ctl, argc - 1, argv + 1));
}
