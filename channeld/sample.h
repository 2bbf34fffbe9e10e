/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An entry of a polled map as text: metric samples, or a stack.
 *
 *   @{"name":"calls","type":"counter","labels":{"comm":"sh","pid":"7"},"value":12}
 *   @{"name":"latency","type":"histogram","labels":{…},"buckets":[[1,4],[3,9]],"count":13,"unit":"us"}
 *   ^{"stack_id":7,"addresses":["0xffffffff81000000",…]}
 *
 * Labels are always texts. A bucket is [greatest value in it, how many], by itself and not cumulated; those without any
 * are left out. With `reset` a sample of a counter or a histogram also says "delta":true. */
#ifndef EBPF_AGENT_SAMPLE_H
#define EBPF_AGENT_SAMPLE_H

#include "encode.h"
#include "poll.h"

struct sample_writer {
	struct plan *labels;
	char *label_text, *label_plain;	/* of the entry at hand, as text alone and as encode.h writes it */
	size_t label_len;
	char *text;
	size_t max;			/* room in text */
	char **heads;			/* for each value: {"name":…,"type":…,"labels": */
	size_t n_values;
	char *unit;			/* ,"unit":"us" or empty */
};

/* -EFBIG: an entry's samples would be longer than anything can be worth; -EINVAL: its labels make no sense (see @d). */
int sample_writer_init(struct sample_writer *w, const struct poll *p, struct diag *d);
/* Accepts a zeroed one. */
void sample_writer_fini(struct sample_writer *w);

/* Results as struct answer has them, in w->text up to the next call. @record is what poll_record() made of it. */
size_t sample_write(struct sample_writer *w, const struct poll *p, const struct poll_entry *e, const uint8_t *record,
		    bool *ret_repaired);
size_t sample_write_stack(struct sample_writer *w, const struct poll *p, const struct poll_entry *e);

/* The greatest value that slot @i counts. */
uint64_t sample_bucket_bound(const struct program_buckets *b, uint32_t i);

#endif
