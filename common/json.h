/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A small JSON writer (the reader is the YAML one: JSON is YAML), and the check of what user code wrote.
 *
 * The buffer grows; the first failed allocation is remembered and every later call does nothing, so that only
 * json_finish() needs a look. Commas are put by the writer. */
#ifndef EBPF_AGENT_JSON_H
#define EBPF_AGENT_JSON_H

#include "base.h"

#define JSON_DEPTH_MAX 32	/* of what user code wrote */
#define JSON_WRITE_DEPTH_MAX 96	/* of what we write: manifests with nested layouts */

struct json {
	char *buf;
	size_t len, cap;
	int depth;
	bool failed;
	bool comma[JSON_WRITE_DEPTH_MAX];	/* per depth: an element was written before */
};

/* Accepts a zeroed one. */
void json_fini(struct json *j);

/* @key NULL: an element of an array, or the top value. */
void json_open_object(struct json *j, const char *key);
void json_open_array(struct json *j, const char *key);
void json_close_object(struct json *j);
void json_close_array(struct json *j);
void json_str(struct json *j, const char *key, const char *value);	/* NULL: null */
void json_strf(struct json *j, const char *key, const char *fmt, ...) printf_like(3, 4);
void json_u64(struct json *j, const char *key, uint64_t value);
void json_s64(struct json *j, const char *key, int64_t value);
void json_double(struct json *j, const char *key, double value);	/* NaN, infinite: null */
void json_bool(struct json *j, const char *key, bool value);
void json_raw(struct json *j, const char *key, const char *text, size_t len);	/* a valid JSON text */

/* The text, NUL-terminated, to be freed by the caller; NULL: out of memory. The writer is empty again. */
char *json_finish(struct json *j, size_t *ret_len);

/* Writes @len bytes of @s as a JSON string without quotes to @out, which has room for 6 * @len bytes. Invalid UTF-8
 * becomes U+FFFD, and *ret_repaired true (else it is left alone). Beyond what JSON demands, what a terminal or YAML
 * would take for a control is escaped: DEL, U+0080 to U+009F, U+2028, U+2029, U+FEFF, U+FFFE, U+FFFF. Returns the
 * bytes written. */
size_t json_escape(char *out, const char *s, size_t len, bool *ret_repaired);

/* 0 if @s is one JSON value (RFC 8259) in valid UTF-8, without a line break or half a surrogate pair, nested at most
 * JSON_DEPTH_MAX deep; -EILSEQ. Fast: user results pass through it one by one. */
int json_check(const char *s, size_t len);

#endif
