/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The tables of verbs, options and keys, for `make man`: as mdoc(7), and as bash's for the completion. */
#include <string.h>

#include "../common/mdoc.h"
#include "../common/program.h"
#include "cmdline.h"

static void verb_options(const struct verb *v)
{
	const struct opt *last = NULL;

	for (const struct opt *o = opts + N_GLOBAL_OPTS; o->name; o++)
		if (opt_is_of(o, v))
			last = o;
	if (last)
		puts(".Pp\nOptions of its own:");
	for (const struct opt *o = opts + N_GLOBAL_OPTS; o->name; o++) {
		if (!opt_is_of(o, v))
			continue;
		printf(".Fl Fl ");
		mdoc_word(stdout, o->name);
		printf("%s%s %s\n", o->arg ? " Ar " : "", o->arg ?: "", o == last ? "." : ",");
	}
}

static int mdoc_verbs(void)
{
	puts(".Bl -tag -width Ds");
	for (const struct verb *v = verbs; v->name; v++) {
		if (!v->run || !v->help)
			continue;
		printf(".It Ic ");
		mdoc_word(stdout, v->name);
		if (v->args[0]) {
			printf(" Ar ");
			mdoc_word(stdout, v->args);
		}
		putchar('\n');
		mdoc_sentence(stdout, v->help);
		if (v->more)
			mdoc_paragraphs(stdout, v->more);
		verb_options(v);
	}
	puts(".El\n.Pp\nNot built in this version:");
	for (const struct verb *v = verbs; v->name; v++)
		if (!v->run)
			printf(".Ic %s ,\n", v->name);
	puts("which say so.");
	return CTL_DONE;
}

static int mdoc_options(void)
{
	puts(".Bl -tag -width Ds");
	for (const struct opt *o = opts; o->name; o++)
		mdoc_option(stdout, o->name, o->arg, o->help);
	puts(".El");
	return CTL_DONE;
}

static int mdoc_keys(const struct conf_schema *s)
{
	const char *row = NULL;

	if (conf_print_mdoc(s, stdout, &row) < 0)
		return ctl_error("the key %s has no help", row);
	return CTL_DONE;
}

static int mdoc_program(void)
{
	return mdoc_keys(&program_schema);
}

static int mdoc_xdp(void)
{
	return mdoc_keys(&xdp_schema);
}

/* What kind of thing a verb's arguments are, by the words that its usage has for them. */
static const char *argument_kind(const struct verb *v)
{
	static const struct {
		const char *word, *kind;
	} kinds[] = { { "FILE", "file" }, { "NAME", "program" }, { "DAEMON", "daemon" }, { "VERB", "verb" } };

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (strstr(v->args, kinds[i].word))
			return kinds[i].kind;
	return "";
}

static int bash(void)
{
	printf("_ebpfctl_daemons='");
	for (size_t i = 0; i < CTL_N_DAEMONS; i++)
		printf("%s%s", i ? " " : "", ctl_daemons[i].name);
	printf("'\n_ebpfctl_verbs='");
	for (const struct verb *v = verbs; v->name; v++)
		if (v->run && v->help)
			printf("%s%s", v == verbs ? "" : " ", v->name);
	puts("'\n# verb: what its arguments are, how many, its options");
	puts("declare -gA _ebpfctl_kind _ebpfctl_max _ebpfctl_options _ebpfctl_value");
	for (const struct verb *v = verbs; v->name; v++) {
		if (!v->run || !v->help)
			continue;
		printf("_ebpfctl_kind[%s]='%s' _ebpfctl_max[%s]=%d _ebpfctl_options[%s]='", v->name, argument_kind(v),
		       v->name, v->max_args, v->name);
		for (const struct opt *o = opts; o->name; o++)
			if (opt_is_of(o, v))
				printf("--%s ", o->name);
		puts("'");
	}
	puts("# option: what it takes");
	for (const struct opt *o = opts; o->name; o++)
		if (o->arg)
			printf("_ebpfctl_value[--%s]=%s\n", o->name, o->arg);
	return CTL_DONE;
}

int verb_tables(const struct ctl *c, int argc, char **argv)
{
	static const struct {
		const char *part;
		int (*print)(void);
	} parts[] = {
		{ "verbs", mdoc_verbs }, { "options", mdoc_options }, { "program", mdoc_program }, { "xdp", mdoc_xdp },
		{ "bash", bash },
	};

	(void)c, (void)argc;
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		if (!strcmp(parts[i].part, argv[0]))
			return parts[i].print();
	ctl_error("no part '%s': there are verbs, options, program, xdp, bash", argv[0]);
	return CTL_USAGE;
}
