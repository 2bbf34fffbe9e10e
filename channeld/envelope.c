/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>

#include "../common/json.h"
#include "envelope.h"

/* Days since 1970-01-01 as a date of the Gregorian calendar, by Howard Hinnant's civil_from_days. Not gmtime_r(3) and
 * strftime(3): they look at /etc/localtime, and a worker opens no files. */
static void date_of(uint64_t days, unsigned *ret_year, unsigned *ret_month, unsigned *ret_day)
{
	uint64_t shifted = days + 719468, era = shifted / 146097;
	unsigned day_of_era = (unsigned)(shifted % 146097);
	unsigned year = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
	unsigned day_of_year = day_of_era - (365 * year + year / 4 - year / 100);
	unsigned month = (5 * day_of_year + 2) / 153;	/* from March */

	*ret_day = day_of_year - (153 * month + 2) / 5 + 1;
	*ret_month = month < 10 ? month + 3 : month - 9;
	*ret_year = year + (unsigned)era * 400 + (*ret_month <= 2);
}

void envelope_clock_set(struct envelope_clock *c, uint64_t second)
{
	unsigned year, month, day, of_day = (unsigned)(second % 86400);

	date_of(second / 86400, &year, &month, &day);
	c->head_len = (size_t)snprintf(c->head, 64, "{\"ts\":\"%04u-%02u-%02uT%02u:%02u:%02u.", year, month, day,
				       of_day / 3600, of_day / 60 % 60, of_day % 60);
	c->second = second;
}

static char *render_middle(const struct envelope_names *n, bool kernel_time, uint32_t boot, size_t *ret_len)
{
	struct json j = {};
	char *text, *inner;
	size_t len;

	json_open_object(&j, NULL);
	json_str(&j, "ts_source", kernel_time ? "kernel" : "drain");
	json_str(&j, "host", n->host);
	json_str(&j, "program", n->program);
	json_str(&j, "channel", n->channel);
	json_str(&j, "event", n->event);
	json_close_object(&j);
	inner = json_finish(&j, &len);
	if (!inner)
		return NULL;
	/* The members without their braces, then the beginning of the id. */
	text = calloc(1, len + 64 + PLAN_SLACK);
	if (text)
		*ret_len = (size_t)snprintf(text, len + 64, "Z\",%.*s,\"id\":\"%x-", (int)(len - 2), inner + 1, boot);
	free(inner);
	return text;
}

int envelope_init(struct envelope *e, struct envelope_clock *clock, const struct envelope_names *names, uint32_t boot,
		  uint16_t event)
{
	struct envelope n = { .clock = clock };

	for (int kernel_time = 0; kernel_time < 2; kernel_time++) {
		n.middle[kernel_time] = render_middle(names, kernel_time, boot, &n.middle_len[kernel_time]);
		if (!n.middle[kernel_time]) {
			envelope_fini(&n);
			return -ENOMEM;
		}
	}
	n.event_len = (size_t)snprintf(n.end, 128, "-%x-", event);
	n.end_len = n.event_len + (size_t)snprintf(n.end + n.event_len, 128 - n.event_len, "0\",\"tags\":{},\"data\":");
	/* 9: the id's source; 16: its position; 4: its result. */
	n.max = 64 + MAX(n.middle_len[0], n.middle_len[1]) + 9 + 16 + 4 + n.end_len + 1 + PLAN_SLACK;
	*e = n;
	return 0;
}

void envelope_fini(struct envelope *e)
{
	free(e->middle[0]);
	free(e->middle[1]);
	*e = (struct envelope){};
}
