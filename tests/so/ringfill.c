/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The events of tests/bpf/ringfill.bpf.c as JSON, the way a C processor that cares for speed writes them: for the
 * benchmark. */
#include <string.h>

#include "tracer.h"
#include "../tools/ringfill.h"

static char *put(char *out, const char *text)
{
	size_t len = strlen(text);

	memcpy(out, text, len);
	return out + len;
}

static char *put_number(char *out, uint64_t v)
{
	char digits[20];
	int n = 0;

	do
		digits[n++] = (char)('0' + v % 10);
	while (v /= 10);
	while (n)
		*out++ = digits[--n];
	return out;
}

TRACER_EXPORT void process(struct tracer_ctx *ctx)
{
	static const char *const kinds[] = { "?", "READ", "WRITE", "FSYNC", "CLOSE" };
	const struct ringfill_event *e = ctx->ring.data.data;
	char *start = ctx->res.data.data, *out = start;

	out = put_number(put(out, "{\"ts_ns\":"), e->ts_ns);
	out = put_number(put(out, ",\"number\":"), e->number);
	out = put_number(put(out, ",\"cgroup_id\":"), e->cgroup_id);
	out = put_number(put(out, ",\"bytes\":"), e->bytes);
	out = put_number(put(out, ",\"latency_ns\":"), e->latency_ns);
	out = put_number(put(out, ",\"pid\":"), e->pid);
	out = put(put(out, ",\"kind\":\""), kinds[e->kind <= 4 ? e->kind : 0]);
	out = put(out, "\",\"comm\":\"");
	for (const char *c = e->comm; c < e->comm + sizeof(e->comm) && *c; c++)
		*out++ = *c;
	out = put(out, "\"}");
	ctx->res.len = (uint32_t)(out - start);
}
