/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdarg.h>
#include <string.h>

#include "diag.h"
#include "utf8.h"

void diag_fini(struct diag *d)
{
	size_t i;

	for (i = 0; i < d->n_warnings; i++)
		free(d->warnings[i]);
	d->n_warnings = 0;
	d->error[0] = 0;
}

/* Texts end up on terminals and on D-Bus, which drops whoever sends it invalid UTF-8; what they quote is hostile. A cut
 * sequence at the end of a full buffer is repaired here too. */
void diag_make_printable(char *s)
{
	unsigned char *u = (unsigned char *)s;
	size_t n;

	for (; *u; u += n) {
		n = utf8_len((char *)u, strlen((char *)u) < 4 ? strlen((char *)u) : 4);
		if (n == 1 && ((*u < 0x20 && *u != '\n' && *u != '\t') || *u == 0x7f))
			*u = '?';
		else if (n == 2 && u[0] == 0xc2 && u[1] < 0xa0)	/* C1 controls */
			u[0] = u[1] = '?';
		else if (n == 0)
			*u = '?', n = 1;
	}
}

void diag_make_line(char *s)
{
	diag_make_printable(s);
	for (; *s; s++)
		if (*s == '\n' || *s == '\t')
			*s = ' ';
}

static void format(char *buf, size_t size, const char *file, unsigned line, const char *fmt, va_list args)
{
	size_t used = 0;

	if (file && line)
		used = (size_t)snprintf(buf, size, "%s:%u: ", file, line);
	else if (file)
		used = (size_t)snprintf(buf, size, "%s: ", file);
	for (size_t i = 0; i < used && i < size; i++)	/* a file's name makes no lines */
		if (buf[i] == '\n' || buf[i] == '\t')
			buf[i] = '?';
	if (used < size)
		vsnprintf(buf + used, size - used, fmt, args);
	diag_make_printable(buf);
}

int diag_fail(struct diag *d, int err, const char *file, unsigned line, const char *fmt, ...)
{
	va_list args;

	if (!d || d->error[0])
		return err;
	va_start(args, fmt);
	format(d->error, sizeof(d->error), file, line, fmt, args);
	va_end(args);
	return err;
}

void diag_warn(struct diag *d, const char *file, unsigned line, const char *fmt, ...)
{
	char text[DIAG_TEXT_MAX] = "more warnings are not shown";
	va_list args;
	char *copy;

	if (!d || d->n_warnings == DIAG_WARNINGS_MAX)
		return;
	if (d->n_warnings < DIAG_WARNINGS_MAX - 1) {
		va_start(args, fmt);
		format(text, sizeof(text), file, line, fmt, args);
		va_end(args);
	}
	copy = strdup(text);
	if (copy)
		d->warnings[d->n_warnings++] = copy;
}

const char *diag_excerpt(char buf[DIAG_EXCERPT], const char *s)
{
	size_t len = 0, n;

	for (;;) {
		size_t left = strnlen(s + len, 4);

		n = utf8_len(s + len, left);
		if (!left || len + MAX(n, (size_t)1) > DIAG_EXCERPT - 4)
			break;
		len += n ? n : 1;
	}
	memcpy(buf, s, len);
	strcpy(buf + len, s[len] ? "…" : "");
	diag_make_line(buf);
	return buf;
}
