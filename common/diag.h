/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What was found wrong with a document: one error, that stops, and warnings, that do not. Every text begins with
 * "file:line: " and says the cause and, where there is one, the remedy. */
#ifndef EBPF_AGENT_DIAG_H
#define EBPF_AGENT_DIAG_H

#include "base.h"

#define DIAG_TEXT_MAX 4096
#define DIAG_WARNINGS_MAX 64

struct diag {
	char error[DIAG_TEXT_MAX];	/* empty: none. May hold several lines (a verifier's last words) */
	char *warnings[DIAG_WARNINGS_MAX];
	size_t n_warnings;
};

/* Accepts a zeroed one. */
void diag_fini(struct diag *d);

/* Sets the error, unless there is one already (the first cause is the one to show), and returns @err. @file may be
 * NULL (no place), @line 0 (no line). @d may be NULL. */
int diag_fail(struct diag *d, int err, const char *file, unsigned line, const char *fmt, ...) printf_like(5, 6);
void diag_warn(struct diag *d, const char *file, unsigned line, const char *fmt, ...) printf_like(4, 5);

/* Control characters but newlines and tabs, and what is not UTF-8, become '?', in place. */
void diag_make_printable(char *s);
/* And newlines and tabs, blanks: what a stranger wrote makes no lines of its own. */
void diag_make_line(char *s);

/* A piece of a hostile text that may stand in a message: at most DIAG_EXCERPT - 4 bytes and "…" behind a cut, control
 * characters and what is not UTF-8 as '?'. Returns @buf. */
#define DIAG_EXCERPT 64
const char *diag_excerpt(char buf[DIAG_EXCERPT], const char *s);

#endif
