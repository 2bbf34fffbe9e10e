/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which load a program is of. */
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "../common/paths.h"
#include "loaderd.h"

/* It only has to differ from those of programs whose events may still lie somewhere, so it is kept where the manifests
 * are: both end with the boot. */
static int generation_path(char ret[PATH_MAX])
{
	return snprintf(ret, PATH_MAX, "%s/manifest/.generation", path_runtime()) < PATH_MAX ? 0 : -ENAMETOOLONG;
}

void generation_read(struct loaderd *d)
{
	cleanup(fclosep) FILE *f = NULL;
	unsigned long n;
	char path[PATH_MAX];

	if (generation_path(path) == 0 && (f = fopen(path, "re")) && fscanf(f, "%lu", &n) == 1 && n < UINT32_MAX)
		d->generation = MAX(d->generation, n);
}

uint64_t generation_next(struct loaderd *d)
{
	char path[PATH_MAX], beside[PATH_MAX + 8];
	FILE *f;

	d->generation++;
	if (generation_path(path))
		return d->generation;
	snprintf(beside, sizeof(beside), "%s.new", path);
	f = fopen(beside, "we");
	if (f)
		fchmod(fileno(f), 0640);
	if (f) {
		fprintf(f, "%lu\n", (unsigned long)d->generation);
		if (fclose(f) == 0 && rename(beside, path) == 0)
			return d->generation;
	}
	log_warning("%s cannot be written: %s", path, strerror(errno));
	return d->generation;
}
