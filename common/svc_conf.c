/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A daemon's configuration, whole: its own table and the keys that all daemons have. */
#include <errno.h>
#include <string.h>

#include "svc_private.h"

static const char *const level_names[] = { "error", "warning", "notice", "info", "debug", NULL };
static const int levels[] = { LOG_ERR, LOG_WARNING, LOG_NOTICE, LOG_INFO, LOG_DEBUG };

int svc_level_parse(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(levels); i++)
		if (strcmp(name, level_names[i]) == 0)
			return levels[i];
	return -EINVAL;
}

int svc_config_level(const struct svc_schema *schema, const struct svc_config *c)
{
	return levels[*(const int *)((const char *)c->obj + schema->log_level)];
}

void svc_level_apply(const struct svc *s)
{
	log_init(s->def->name, s->forced_level >= 0 ? s->forced_level : svc_config_level(&s->schema, &s->config));
}

int svc_schema_init(struct svc_schema *s, const struct svc_def *def)
{
	size_t n = 0, place = ALIGN_UP(def->conf_size, sizeof(int));
	struct conf_key *keys;

	while (def->schema && def->schema->keys[n].name)
		n++;
	keys = calloc(n + 2, sizeof(*keys));
	if (!keys)
		return -ENOMEM;
	if (n > 0)
		memcpy(keys, def->schema->keys, n * sizeof(*keys));
	keys[n] = (struct conf_key){
		"log-level", CONF_ENUM, place, "info", .choices = level_names,
		.help = "what is not logged: all below this level",
	};
	*s = (struct svc_schema){
		.schema = { .name = def->schema ? def->schema->name : def->name, .size = place + sizeof(int),
			    .keys = keys, .check = def->schema ? def->schema->check : NULL },
		.keys = keys,
		.log_level = place,
	};
	return 0;
}

void svc_schema_fini(struct svc_schema *s)
{
	free(s->keys);
	s->keys = NULL;
}

int svc_config_read(const struct svc_schema *schema, const char *dirs, const char *daemon, struct svc_config *ret,
		    struct diag *d)
{
	cleanup(arena_freep) struct arena *a = arena_new(0);
	void *obj = a ? arena_alloc(a, schema->schema.size) : NULL;
	struct yaml_node *root;
	int err;

	if (!obj)
		return -ENOMEM;
	err = conf_read_dirs(a, dirs, daemon, &root, d);
	if (err == 0)
		err = conf_parse(a, &schema->schema, root, obj, d);
	if (err < 0)
		return err;
	*ret = (struct svc_config){ .arena = take(a), .obj = obj, .root = root };
	return 0;
}

int svc_config_print(const struct svc *s, bool json, FILE *f)
{
	return (json ? conf_print_origins_json : conf_print_origins)(&s->schema.schema, s->config.obj, s->config.root,
								     f);
}

void svc_config_fini(struct svc_config *c)
{
	arena_free(c->arena);
	*c = (struct svc_config){ 0 };
}
