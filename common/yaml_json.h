/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EBPF_AGENT_YAML_JSON_H
#define EBPF_AGENT_YAML_JSON_H

#include "json.h"
#include "yaml.h"

/* A YAML tree as JSON: plain scalars that are JSON numbers, true, false or null stay so, all others become strings. */
void yaml_to_json(const struct yaml_node *n, struct json *j, const char *key);

#endif
