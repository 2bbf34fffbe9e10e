/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "loss.h"

#include <string.h>

static uint64_t channel_lost(const struct loss_channel *r)
{
	uint64_t sum = 0;
#define X(name) sum += r->name;
	LOSS_CHANNEL_LIST(X)
#undef X
	return sum;
}

static uint64_t route_lost(const struct loss_route *r)
{
	uint64_t sum = r->spool_full;
#define X(upper, name) sum += r->name;
	LOSS_ROUTE_LIST(X)
#undef X
	return sum;
}

/* Counters that went back are another map's, or another spool's. */
static bool went_back(const struct loss_reading *a, const struct loss_reading *b)
{
	bool back = false;

	for (size_t i = 0; i < SPOOL_MAX_CHANNELS; i++)
		back |= channel_lost(&b->channels[i]) < channel_lost(&a->channels[i]) ||
			b->channels[i].produced < a->channels[i].produced;
	for (size_t i = 0; i < SPOOL_MAX_ROUTES; i++)
		back |= route_lost(&b->routes[i]) < route_lost(&a->routes[i]);
	return back;
}

static bool note_losses(struct loss *l, const struct loss_reading *now)
{
	uint64_t channels = 0, routes = 0;

	for (size_t i = 0; i < SPOOL_MAX_CHANNELS; i++)
		if (channel_lost(&now->channels[i]) > channel_lost(&l->last.channels[i]))
			channels |= 1ULL << i;
	for (size_t i = 0; i < SPOOL_MAX_ROUTES; i++)
		if (route_lost(&now->routes[i]) > route_lost(&l->last.routes[i]))
			routes |= 1ULL << i;
	l->channels |= channels;
	l->routes |= routes;
	return channels || routes;
}

/* ---- the text -------------------------------------------------------------------------------------------- */

static void print_channel(FILE *f, const char *name, const struct loss_channel *before, const struct loss_channel *now,
		       uint64_t ns)
{
	uint64_t lost = channel_lost(now) - channel_lost(before), produced = now->produced - before->produced;
	uint64_t percent = produced ? MIN(lost * 100 / produced, 100ULL) : 100;
	const char *sep = "";

	fprintf(f, "channel %s: ", name);
	if (!lost)
		fputs("nothing just now", f);
	else if (!percent)
		fputs("less than 1 %", f);
	else
		fprintf(f, "%llu %%", (unsigned long long)percent);
	if (lost)
		fprintf(f, " of the last %llu s lost",
			(unsigned long long)MAX((ns + NSEC_PER_SEC / 2) / NSEC_PER_SEC, 1ULL));
	fputs(" (", f);
#define X(name) \
	if (now->name) \
		fprintf(f, "%s" #name ": %llu", sep, (unsigned long long)now->name), sep = ", ";
	LOSS_CHANNEL_LIST(X)
#undef X
	fputs(" in all)", f);
}

static void print_route(FILE *f, const struct manifest_route *r, const struct loss_route *now)
{
	const char *sep = " ";

	fprintf(f, "%s %s:", r->processor ? "processor" : "event", r->processor ? r->processor : r->event_name);
#define X(upper, name) \
	if (now->name) \
		fprintf(f, "%s" #name " %llu", sep, (unsigned long long)now->name), sep = ", ";
	LOSS_ROUTE_LIST(X)
	X(SPOOL_FULL, spool_full)
#undef X
	fputs(" in all", f);
}

static char *make_text(const struct loss *l, const struct manifest *m, const struct loss_reading *now)
{
	const struct manifest_channel *channels = m->channels.items;
	const struct manifest_route *routes = m->routes.items;
	const char *sep = "";
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	if (!f)
		return NULL;
	for (size_t i = 0; i < MIN(m->channels.n, (size_t)SPOOL_MAX_CHANNELS); i++) {
		if (!(l->channels >> i & 1))
			continue;
		fputs(sep, f);
		print_channel(f, channels[i].name, &l->told.channels[i], &now->channels[i], now->at_ns - l->told.at_ns);
		sep = "; ";
	}
	for (size_t i = 0; i < MIN(m->routes.n, (size_t)SPOOL_MAX_ROUTES); i++) {
		if (!(l->routes >> i & 1))
			continue;
		fputs(sep, f);
		print_route(f, &routes[i], &now->routes[i]);
		sep = "; ";
	}
	fclose(f);
	return text;
}

/* ---- the judgement --------------------------------------------------------------------------------------- */

enum loss_verdict loss_judge(struct loss *l, const struct manifest *m, const struct loss_reading *now, char **ret_text)
{
	bool lost;

	if (!l->begun || went_back(&l->last, now)) {
		bool was_telling = l->telling;

		*l = (struct loss){ .last = *now, .told = *now, .begun = true };
		return was_telling ? LOSS_OVER : LOSS_NOTHING_NEW;
	}
	lost = note_losses(l, now);
	if (lost)
		l->lost_ns = now->at_ns;
	if (!l->telling)
		l->told = l->last;
	l->last = *now;
	if (l->telling && now->at_ns - l->lost_ns >= LOSS_OVER_NS) {
		l->telling = false;
		l->channels = l->routes = 0;
		return LOSS_OVER;
	}
	if (l->telling ? now->at_ns - l->told.at_ns < LOSS_TELL_NS : !lost)
		return LOSS_NOTHING_NEW;
	*ret_text = make_text(l, m, now);
	l->telling = true;
	l->told = *now;
	return *ret_text ? LOSS_TELL : LOSS_NOTHING_NEW;
}
