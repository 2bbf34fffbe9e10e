/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How rows and values of schema tables look as text: shared by the walker's messages and the printers. */
#ifndef EBPF_AGENT_CONF_TEXT_H
#define EBPF_AGENT_CONF_TEXT_H

#include "conf.h"

#define CONF_EXPECTED_MAX 512

/* What the row @k accepts, for messages: "a size from 4K to 64M". */
void conf_expected(const struct conf_key *k, char ret[CONF_EXPECTED_MAX]);

/* What a value of it looks like, " NUMBER", " true|false"; "" where a table of its own says it. */
void conf_value_form(const struct conf_key *k, char *ret, size_t size);
/* "from 1 to 5", "at least 3"; NULL: no bounds. @buf has the text. */
const char *conf_bounds(const struct conf_key *k, char buf[CONF_EXPECTED_MAX]);

/* A text, or a tree in flow style, as YAML that reads back the same. */
void conf_print_text(FILE *f, const char *s);
void conf_print_node(const struct yaml_node *n, FILE *f);

/* In the largest unit that does not round: "16M", "100ms". */
#define CONF_NUMBER_MAX 24
void conf_format_size(uint64_t bytes, char ret[CONF_NUMBER_MAX]);
void conf_format_time(uint64_t ns, char ret[CONF_NUMBER_MAX]);

#endif
