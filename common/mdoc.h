/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Texts of tables as mdoc(7), for the man pages. */
#ifndef EBPF_AGENT_MDOC_H
#define EBPF_AGENT_MDOC_H

#include "base.h"

/* @s inside a line: nothing in it is taken for a request. */
void mdoc_text(FILE *f, const char *s);
/* @s as one argument of a macro. */
void mdoc_word(FILE *f, const char *s);
/* @s as a line of its own: with a capital at its beginning and a full stop at its end. */
void mdoc_sentence(FILE *f, const char *s);
/* Paragraphs, as help texts have them: an empty line parts them; lines that are indented, or laid out in columns, stay
 * as they are. The first one begins with .Pp, too. */
void mdoc_paragraphs(FILE *f, const char *s);

/* A row of an options list: --@name, its argument (may be NULL), what it is for. */
void mdoc_option(FILE *f, const char *name, const char *arg, const char *help);

#endif
