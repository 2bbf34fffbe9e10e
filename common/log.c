/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "log.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>

#define SD_JOURNAL_SUPPRESS_LOCATION	/* every line would name this file */
#include <systemd/sd-journal.h>

#define LINE_MAX_BYTES 8192	/* a verifier's last words fit */

static struct {
	const char *daemon;
	int level;
	bool journal;
} logger = { .daemon = "ebpf-agent", .level = LOG_INFO };

/* systemd.exec(5): JOURNAL_STREAM=device:inode of the stream that was connected; stderr may have been redirected
 * since. */
static bool stderr_is_journal(void)
{
	const char *e = getenv("JOURNAL_STREAM");
	uintmax_t dev, ino;
	struct stat st;

	return e && sscanf(e, "%ju:%ju", &dev, &ino) == 2 && fstat(STDERR_FILENO, &st) == 0 && st.st_dev == dev &&
	       st.st_ino == ino;
}

void log_init(const char *daemon, int level)
{
	logger.daemon = daemon;
	logger.level = level;
	logger.journal = stderr_is_journal();
}

static const char *level_prefix(int level)
{
	if (level <= LOG_ERR)
		return "error: ";
	if (level == LOG_WARNING)
		return "warning: ";
	if (level == LOG_DEBUG)
		return "debug: ";
	return "";
}

/* Text from outside must not move a terminal's cursor, nor look like a line of its own. */
static size_t print_safely(char *out, size_t size, const char *text)
{
	size_t n = 0;

	for (; *text && n + 3 < size; text++) {
		unsigned char c = *text;

		if (c == '\n' && !text[1])
			break;
		out[n++] = (c < ' ' && c != '\n' && c != '\t') || c == 0x7f ? '?' : c;
		if (c == '\n')
			out[n++] = '\t';
	}
	return n;
}

static void to_stderr(int level, const char *text)
{
	char line[LINE_MAX_BYTES + 128];
	size_t n;

	/* One write: the lines of processes that share a terminal do not mix. */
	n = snprintf(line, 128, "%s: %s", logger.daemon, level_prefix(level));
	n = MIN(n, (size_t)127);
	n += print_safely(line + n, sizeof(line) - n - 1, text);
	line[n++] = '\n';
	while (write(STDERR_FILENO, line, n) < 0 && errno == EINTR)
		;
}

static void field(struct iovec *iov, int *n, char *buf, size_t size, const char *key, const char *value)
{
	int len = snprintf(buf, size, "%s=%s", key, value);

	iov[(*n)++] = (struct iovec){ buf, MIN((size_t)len, size - 1) };
}

static int to_journal(int level, const char *message_id, const char *program, const char *text)
{
	char message[LINE_MAX_BYTES + 16], priority[16], id[64], prog[96], daemon[64];
	struct iovec iov[5];
	char number[4];
	int n = 0;

	snprintf(number, sizeof(number), "%d", level & 7);
	field(iov, &n, message, sizeof(message), "MESSAGE", text);
	field(iov, &n, priority, sizeof(priority), "PRIORITY", number);
	field(iov, &n, daemon, sizeof(daemon), "SYSLOG_IDENTIFIER", logger.daemon);
	if (message_id)
		field(iov, &n, id, sizeof(id), "MESSAGE_ID", message_id);
	if (program)
		field(iov, &n, prog, sizeof(prog), "EBPF_AGENT_PROGRAM", program);
	return sd_journal_sendv(iov, n);
}

static void log_va(int level, const char *message_id, const char *program, const char *fmt, va_list ap)
{
	char text[LINE_MAX_BYTES];
	int saved = errno;

	if (level > logger.level)
		return;
	vsnprintf(text, sizeof(text), fmt, ap);
	if (!logger.journal || to_journal(level, message_id, program, text) < 0)
		to_stderr(level, text);
	errno = saved;
}

void log_line(int level, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_va(level, NULL, NULL, fmt, ap);
	va_end(ap);
}

void log_about(int level, const char *message_id, const char *program, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_va(level, message_id, program, fmt, ap);
	va_end(ap);
}
