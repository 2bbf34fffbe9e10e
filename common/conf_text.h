/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How rows and values of schema tables look as text: shared by the walker's messages and the printers. */
#ifndef EBPF_AGENT_CONF_TEXT_H
#define EBPF_AGENT_CONF_TEXT_H

#include "conf.h"

#define CONF_EXPECTED_MAX 512

/* What the row @k accepts, for messages: "a size from 4K to 64M". */
void conf_expected(const struct conf_key *k, char ret[CONF_EXPECTED_MAX]);

/* In the largest unit that does not round: "16M", "100ms". */
#define CONF_NUMBER_MAX 24
void conf_format_size(uint64_t bytes, char ret[CONF_NUMBER_MAX]);
void conf_format_time(uint64_t ns, char ret[CONF_NUMBER_MAX]);

#endif
