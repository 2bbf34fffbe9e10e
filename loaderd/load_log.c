/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "load_log.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>

#define LOG_MAX (4u << 20)	/* a verifier's log may be long; its end is what counts */
#define SHOWN_LINES 10

#ifndef ENOTSUPP
#define ENOTSUPP 524		/* the kernel's own; not in errno.h */
#endif

/* libbpf's callback has no argument of ours. */
static struct {
	char *text;
	size_t len, cap;
} said;

static int on_print(enum libbpf_print_level level, const char *fmt, va_list args)
{
	va_list again;
	int n;

	if (level == LIBBPF_DEBUG)
		return 0;
	va_copy(again, args);
	n = vsnprintf(NULL, 0, fmt, again);
	va_end(again);
	if (n <= 0 || (size_t)n > LOG_MAX)
		return 0;
	if (said.len + n + 1 > LOG_MAX)
		said.len = 0;
	if (said.len + n + 1 > said.cap) {
		size_t cap = MAX(2 * said.cap, said.len + n + 1);
		char *bigger = realloc(said.text, cap);

		if (!bigger)
			return 0;
		said.text = bigger;
		said.cap = cap;
	}
	vsnprintf(said.text + said.len, n + 1, fmt, args);
	said.len += n;
	return n;
}

void load_log_start(void)
{
	said.len = 0;
	if (said.text)
		said.text[0] = '\0';
	libbpf_set_print(on_print);
}

void load_log_free(void)
{
	free(said.text);
	memset(&said, 0, sizeof(said));
}

static const char *text(void)
{
	return said.text ? said.text : "";
}

#define PROG "libbpf: prog '"

static const char *last_about_a_prog(void)
{
	const char *last = NULL;

	for (const char *p = text(); (p = strstr(p, PROG)); p += strlen(PROG))
		last = p;
	return last;
}

void load_log_prog(char ret[256])
{
	const char *p = last_about_a_prog(), *end;

	ret[0] = '\0';
	if (!p)
		return;
	p += strlen(PROG);
	end = strchr(p, '\'');
	if (end && end - p < 256) {
		memcpy(ret, p, end - p);
		ret[end - p] = '\0';
	}
}

/* The verifier's log of @prog, the last one: [*ret_begin, *ret_end). */
static bool verifier_log(const char *prog, const char **ret_begin, const char **ret_end)
{
	char mark[320];
	const char *begin = NULL, *end;

	snprintf(mark, sizeof(mark), PROG "%s': -- BEGIN PROG LOAD LOG --\n", prog);
	for (const char *p = text(); (p = strstr(p, mark)); p += strlen(mark))
		begin = p + strlen(mark);
	if (!begin)
		return false;
	end = strstr(begin, "-- END PROG LOAD LOG --");
	*ret_begin = begin;
	*ret_end = end ? end : begin + strlen(begin);
	return true;
}

/* What the kernel checks of the hook itself also speaks through the verifier's log (check_attach_btf_id() and its
 * neighbours in kernel/bpf/verifier.c). */
static bool speaks_of_the_hook(const char *begin, const char *end)
{
	static const char *const words[] = {
		"attach_btf",
		"attach BTF",
		"is not a function",
		"FENTRY/FEXIT",
		"not a valid tracepoint",
		"Tracing programs",
		"is not supported by this kernel",
		"attach to unsupported",
		"Attach to",
		"Cannot replace kernel functions",
		"Can't attach",
		"unsupported attach",
	};
	cleanup(freep) char *copy = strndup(begin, end - begin);

	for (size_t i = 0; copy && i < ARRAY_SIZE(words); i++)
		if (strstr(copy, words[i]))
			return true;
	return false;
}

bool load_log_is_verifier(const char *prog, int err)
{
	const char *begin, *end;

	/* EPERM is lockdown's or a missing capability's; these two say that the hook is not there. */
	if (err == -EPERM || err == -ENOTSUPP || err == -EOPNOTSUPP || err == -ESRCH || err == -ENOENT)
		return false;
	if (!verifier_log(prog, &begin, &end) || begin == end)
		return false;
	return !speaks_of_the_hook(begin, end);
}

/* The last lines of [begin, end), without the statistics that end every log. */
static const char *last_lines(const char *begin, const char *end, unsigned lines, const char **ret_end)
{
	static const char *const statistics[] = { "processed ", "verification time ", "stack depth " };
	const char *p;

	for (bool again = true; again && end > begin;) {
		again = false;
		while (end > begin && end[-1] == '\n')
			end--;
		for (p = end; p > begin && p[-1] != '\n'; p--)
			;
		for (size_t i = 0; i < ARRAY_SIZE(statistics); i++)
			if (!strncmp(p, statistics[i], strlen(statistics[i]))) {
				end = p;
				again = true;
			}
	}
	*ret_end = end;
	for (p = end; p > begin; p--)
		if (p[-1] == '\n' && p != end && lines-- == 1)
			break;
	return p;
}

/* libbpf's last own words about @prog that say more than "failed to load". */
static const char *own_words(const char *prog, size_t *ret_len)
{
	char mark[320];
	const char *best = NULL;

	snprintf(mark, sizeof(mark), PROG "%s': ", prog);
	for (const char *p = text(); (p = strstr(p, mark)); p++) {
		const char *words = p + strlen(mark);

		if (!strncmp(words, "failed to load:", 15) || !strncmp(words, "--", 2) ||
		    !strncmp(words, "failed to prepare load", 22))
			continue;
		if (best && !strncmp(words, "BPF program load failed", 23))
			continue;
		best = words;
	}
	if (best)
		*ret_len = strcspn(best, "\n");
	return best;
}

const char *load_strerror(int err)
{
	err = err < 0 ? -err : err;
	if (err == ENOTSUPP)
		return "Operation not supported by this kernel";
	return strerror(err);
}

const char *load_log_cause(struct arena *a, const char *prog, int err)
{
	const char *begin, *end;
	size_t len = 0;

	if (verifier_log(prog, &begin, &end)) {
		begin = last_lines(begin, end, SHOWN_LINES, &end);
		if (begin < end)
			return arena_printf(a, "%s; the verifier's last words:\n%.*s", load_strerror(err),
					    (int)(end - begin), begin);
	}
	begin = own_words(prog, &len);
	if (begin)
		return arena_printf(a, "%.*s", (int)len, begin);
	/* No prog is named: whatever libbpf said last. */
	end = text() + strlen(text());
	begin = last_lines(text(), end, 3, &end);
	if (!strncmp(begin, "libbpf: ", 8))
		begin += 8;
	if (begin < end)
		return arena_printf(a, "%.*s", (int)(end - begin), begin);
	return arena_strdup(a, load_strerror(err));
}
