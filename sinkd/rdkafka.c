/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <dlfcn.h>
#include <stdio.h>

#include "../common/base.h"
#include "rdkafka.h"

static int find_all(void *lib, struct rdkafka *ret, const char **ret_missing)
{
	const struct {
		const char *name;
		void **place;
	} rows[] = {
#define X(f) { "rd_kafka_" #f, (void **)&ret->f },
		RDKAFKA_LIST(X)
#undef X
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		*rows[i].place = dlsym(lib, rows[i].name);
		if (!*rows[i].place) {
			*ret_missing = rows[i].name;
			return -1;
		}
	}
	return 0;
}

const struct rdkafka *rdkafka_load(const char **ret_why)
{
	static struct rdkafka table;
	static char why[256];
	static void *lib;
	const char *missing;

	if (lib)
		return &table;
	/* Looked for again each time: it may have been installed meanwhile. */
	lib = dlopen(RDKAFKA_LIBRARY, RTLD_NOW | RTLD_LOCAL);
	if (!lib) {
		snprintf(why, sizeof(why), "Kafka needs the package " RDKAFKA_PACKAGE ": %.160s", dlerror());
	} else if (find_all(lib, &table, &missing) < 0) {
		snprintf(why, sizeof(why), "Kafka needs a newer " RDKAFKA_PACKAGE ": this one has no %s()", missing);
		dlclose(take(lib));
	}
	if (!lib)
		*ret_why = why;
	return lib ? &table : NULL;
}
