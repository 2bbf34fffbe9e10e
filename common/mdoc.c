/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <ctype.h>
#include <string.h>

#include "mdoc.h"

static void put(FILE *f, const char *s, size_t len, bool begins_line)
{
	if (begins_line && len && (*s == '.' || *s == '\''))
		fputs("\\&", f);
	for (size_t i = 0; i < len; i++) {
		if (s[i] == '\\') {
			fputs("\\e", f);
		} else if (s[i] == '-' && (!i || !isalnum((unsigned char)s[i - 1]))) {
			fputs("\\-", f);	/* an option, to be pasted: not a hyphen */
		} else if (s[i] == '"') {
			fputs("\\(dq", f);
		} else if (s[i] == '`') {
			fputs("\\(ga", f);
		} else if (!strncmp(s + i, "…", strlen("…"))) {
			fputs("...", f);	/* in every locale */
			i += strlen("…") - 1;
		} else if (s[i] == ' ' && i && strchr(".!?", s[i - 1]) && isupper((unsigned char)s[i + 1])) {
			fputc('\n', f);		/* mdoc: a sentence begins on a line of its own */
		} else {
			fputc(s[i], f);
		}
	}
}

void mdoc_text(FILE *f, const char *s)
{
	put(f, s, strlen(s), false);
}

void mdoc_word(FILE *f, const char *s)
{
	bool quoted = strchr(s, ' ') || !*s;

	/* What is a macro's name, or punctuation to mdoc, is so only as a word of its own. */
	fputs(quoted ? "\"" : "\\&", f);
	put(f, s, strlen(s), false);
	fputs(quoted ? "\"" : "", f);
}

/* Begins with a word that may be written with a capital: not a command, a value or a scheme. */
static bool is_word(const char *s)
{
	size_t len = strspn(s, "abcdefghijklmnopqrstuvwxyz");

	return len && strncmp(s, "ebpf", 4) && (!s[len] || strchr(" ,.", s[len]));
}

void mdoc_sentence(FILE *f, const char *s)
{
	size_t len = strlen(s);

	if (!len)
		return;
	if (is_word(s)) {
		fputc(toupper((unsigned char)*s), f);
		put(f, s + 1, len - 1, false);
	} else {
		put(f, s, len, true);
	}
	fputs(strchr(".!?", s[len - 1]) ? "\n" : ".\n", f);
}

static bool is_literal(const char *line, size_t len)
{
	const char *wide = memmem(line, len, "   ", 3);

	return len && (*line == ' ' || wide);
}

void mdoc_paragraphs(FILE *f, const char *s)
{
	bool literal = false, parted = true;
	size_t indent = 0;

	while (*s) {
		size_t len = strcspn(s, "\n");
		bool wants = is_literal(s, len);

		if (literal && !wants) {
			fputs(".Ed\n", f);
			parted = false;
		}
		if (!literal && wants) {
			fputs(".Bd -literal -offset indent\n", f);
			indent = strspn(s, " ");
		} else if (!wants && !len) {
			parted = true;
		} else if (!wants && parted) {
			fputs(".Pp\n", f);
		}
		literal = wants;
		if (len) {
			size_t skip = wants ? MIN(indent, strspn(s, " ")) : 0;

			parted = false;
			put(f, s + skip, len - skip, true);
			fputc('\n', f);
		}
		s += len + (s[len] == '\n');
	}
	if (literal)
		fputs(".Ed\n", f);
}

void mdoc_option(FILE *f, const char *name, const char *arg, const char *help)
{
	fputs(".It Fl Fl ", f);
	mdoc_word(f, name);
	if (arg) {
		fputs(" Ar ", f);
		mdoc_word(f, arg);
	}
	fputc('\n', f);
	mdoc_sentence(f, help);
}
