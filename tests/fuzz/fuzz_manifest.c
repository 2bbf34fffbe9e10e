/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A manifest that is accepted can be written, and reads back as the same. */
#include <errno.h>

#include "common/manifest.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a = arena_new(0);
	struct diag d = { 0 };
	struct manifest *m, *again;
	char *text, *twice;
	int err = manifest_parse(a, (const char *)data, size, &m, &d);

	must(err == 0 || err == -ENOMEM || d.error[0]);
	diag_fini(&d);
	text = err ? NULL : manifest_format(m);
	if (text) {
		must(manifest_parse(a, text, strlen(text), &again, &d) == 0);
		twice = manifest_format(again);
		must(twice && strcmp(text, twice) == 0);
		free(twice);
	}
	free(text);
	diag_fini(&d);
	arena_free(a);
	return 0;
}
