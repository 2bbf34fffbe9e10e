/* SPDX-License-Identifier: GPL-2.0-or-later */
/* xdpd's list: which addresses on which interfaces are accelerated. */
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <string.h>

#include "program.h"

struct xdp_original {
	const char *ip, *if_name;
	int attach_mode;
};

struct xdp_entry {
	struct conf_item item;
	struct xdp_original original;
};

static const char *const attach_mode_names[] = { "native", "generic", NULL };

static int check_original(struct arena *a, const struct yaml_node *n, void *obj, struct diag *d)
{
	const struct xdp_original *o = obj;
	unsigned char address[16];
	char text[DIAG_EXCERPT];

	(void)a;
	if (inet_pton(AF_INET, o->ip, address) != 1 && inet_pton(AF_INET6, o->ip, address) != 1)
		return diag_fail(d, -EINVAL, n->file, yaml_get(n, "ip")->line, "ip: \"%s\" is no IPv4 or IPv6 address",
				 diag_excerpt(text, o->ip));
	/* dev_valid_name() in net/core/dev.c */
	if (strpbrk(o->if_name, "/: \t\n\r\v\f") || !strcmp(o->if_name, ".") || !strcmp(o->if_name, ".."))
		return diag_fail(d, -EINVAL, n->file, yaml_get(n, "ifName")->line,
				 "ifName: \"%s\" cannot be an interface's name", diag_excerpt(text, o->if_name));
	return 0;
}

static const struct conf_key original_keys[] = {
	{ "ip", CONF_STR, offsetof(struct xdp_original, ip), .flags = CONF_REQUIRED,
	  .help = "the address that is accelerated" },
	{ "ifName", CONF_STR, offsetof(struct xdp_original, if_name), .min = 1, .max = IFNAMSIZ - 1,
	  .flags = CONF_REQUIRED, .help = "the interface that it is reached by" },
	{ "attachMode", CONF_ENUM, offsetof(struct xdp_original, attach_mode), "native", .choices = attach_mode_names,
	  .help = "native: in the driver. generic: in the stack, slower, works everywhere" },
	{ 0 },
};
static const struct conf_schema original_schema = {
	"originalTo", sizeof(struct xdp_original), original_keys, check_original,
};

static const struct conf_key entry_keys[] = {
	{ "originalTo", CONF_STRUCT, offsetof(struct xdp_entry, original), .sub = &original_schema,
	  .flags = CONF_REQUIRED, .help = "one address on one interface" },
	{ 0 },
};
const struct conf_schema xdp_schema = { "an entry of xdpd's list", sizeof(struct xdp_entry), entry_keys };

bool program_is_xdp_list(const struct yaml_node *root)
{
	return root->kind == YAML_NODE_SEQUENCE;
}

int program_check_xdp_list(struct arena *a, const struct yaml_node *root, struct diag *d)
{
	struct xdp_entry *entries = arena_alloc(a, root->n * sizeof(*entries));
	size_t i, j;
	int err;

	if (!entries)
		return diag_fail(d, -ENOMEM, root->file, 0, "out of memory");
	for (i = 0; i < root->n; i++) {
		entries[i].item = (struct conf_item){ NULL, root->file, root->items[i]->line };
		err = conf_parse(a, &xdp_schema, root->items[i], &entries[i], d);
		if (err < 0)
			return err == -ENOMEM ? diag_fail(d, err, root->file, 0, "out of memory") : err;
		for (j = 0; j < i && root->n <= 4096; j++)
			if (!strcmp(entries[i].original.ip, entries[j].original.ip) &&
			    !strcmp(entries[i].original.if_name, entries[j].original.if_name))
				return diag_fail(d, -EINVAL, root->file, entries[i].item.line,
						 "originalTo: %s on %s is there twice (first in line %u)",
						 entries[i].original.ip, entries[i].original.if_name,
						 entries[j].item.line);
	}
	diag_warn(d, root->file, root->line, "this is a list for xdpd, which does not use it yet in this version");
	return 0;
}
