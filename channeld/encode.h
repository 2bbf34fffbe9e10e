/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Running a plan: the bytes of an event become a JSON object.
 *
 * Whoever calls it gives room for encode_max() bytes, and PLAN_SLACK readable bytes behind the event. */
#ifndef EBPF_AGENT_ENCODE_H
#define EBPF_AGENT_ENCODE_H

#include "plan.h"

/* Upper bound of the text for a record of @len bytes; SIZE_MAX: longer than PLAN_TEXT_LIMIT whatever it holds. */
size_t encode_max(const struct plan *p, const void *data, uint32_t len);

/* Writes the object; the record has at least p->size bytes. Returns its end, or NULL: it grew beyond PLAN_TEXT_LIMIT.
 * *repaired becomes true if invalid UTF-8 was replaced. */
char *encode_record(const struct plan *p, char *out, const void *data, uint32_t len, bool *repaired);

/* The field encoders that are no hot path; each returns the end of what it wrote. */
/* @n bytes or up to the first NUL; without quotes. */
char *encode_text_slow(char *out, const char *s, size_t n, bool *repaired);
char *encode_strv(char *out, const char *s, size_t n, bool *repaired);		/* ["…","…"] */
char *encode_bytes(char *out, const uint8_t *s, size_t n);			/* "hex" */
char *encode_double(char *out, double v);
char *encode_float(char *out, float v);
char *encode_ip(char *out, const uint8_t ip[16]);				/* with its quotes */
char *encode_ip4(char *out, const uint8_t ip[4]);
char *encode_u128(char *out, unsigned __int128 v);

#endif
