/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "check.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "../common/json.h"
#include "../common/program.h"
#include "ctl.h"

struct verdict {
	const char *path;
	const char *name;	/* of the program; NULL: a list for xdpd */
	size_t items, channels;
	bool artifacts;		/* were looked at, as far as that goes without libbpf */
};

/* "FILE:LINE: text" becomes "FILE:LINE: warning: text". */
static void print_warning(const char *file, const char *text)
{
	size_t len = strlen(file);

	if (!strncmp(text, file, len) && text[len] == ':') {
		len++;
		len += strspn(text + len, "0123456789");
		len += text[len] == ':';
		len += strspn(text + len, " ");
	} else {
		len = 0;
	}
	fprintf(stderr, "%.*swarning: %s\n", (int)len, text, text + len);
}

static void report(const struct verdict *v, const struct diag *d, bool ok)
{
	size_t i;

	for (i = 0; i < d->n_warnings; i++)
		if (ok || strcmp(d->warnings[i], d->error))	/* what is the error now is not said twice */
			print_warning(v->path, d->warnings[i]);
	if (!ok)
		fprintf(stderr, "%s\n", d->error[0] ? d->error : "out of memory");
	else if (v->name)
		printf("%s: ok (program %s, %zu item%s, %zu channel%s%s)\n", v->path, v->name, v->items,
		       v->items == 1 ? "" : "s", v->channels, v->channels == 1 ? "" : "s",
		       v->artifacts ? "; its files exist and are ELF, what is in them only a load checks" : "");
	else
		printf("%s: ok (list for xdpd, %zu entr%s)\n", v->path, v->items, v->items == 1 ? "y" : "ies");
}

static void report_json(const struct verdict *v, const struct diag *d, bool ok)
{
	cleanup(freep) char *text = NULL;
	struct json j = {0};
	size_t i;

	json_open_object(&j, NULL);
	json_str(&j, "file", v->path);
	json_bool(&j, "ok", ok);
	if (!ok) {
		json_str(&j, "error", d->error[0] ? d->error : "out of memory");
	} else {
		json_str(&j, "kind", v->name ? "program" : "xdp");
		if (v->name)
			json_str(&j, "program", v->name);
		json_u64(&j, "items", v->items);
		if (v->name)
			json_u64(&j, "channels", v->channels);
	}
	json_open_array(&j, "warnings");
	for (i = 0; i < d->n_warnings; i++)
		if (ok || strcmp(d->warnings[i], d->error))
			json_str(&j, NULL, d->warnings[i]);
	json_close_array(&j);
	json_close_object(&j);
	text = json_finish(&j, NULL);
	puts(text ? text : "{\"ok\":false,\"error\":\"out of memory\",\"warnings\":[]}");
}

/* What is wrong with a file; NULL: nothing that can be seen without loading it. */
static const char *find_fault(const char *path, bool elf, off_t max)
{
	cleanup(closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	unsigned char magic[SELFMAG] = {0};
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return strerror(errno);
	if (!S_ISREG(st.st_mode))
		return "not a file";
	if (elf && (pread(fd, magic, sizeof(magic), 0) != SELFMAG || memcmp(magic, ELFMAG, SELFMAG)))
		return "not an ELF file";
	if (max && (st.st_size == 0 || st.st_size > max))
		return st.st_size ? "too large for an initfile" : "empty";
	return NULL;
}

struct file {
	const char *key;
	unsigned line;
	int (*find)(struct arena *a, const struct program *p, const struct program_item *i, const char **ret,
		    struct diag *d);
	bool elf;
	off_t max;			/* 0: no bound, and it may be empty */
};

static int check_file_of(struct arena *a, const struct program *p, const struct program_item *i, const struct file *f,
			 bool demanded, struct diag *d)
{
	const char *path, *fault;
	int err = f->find(a, p, i, &path, demanded ? d : NULL);

	if (err == -EPROTONOSUPPORT && !demanded)	/* warned about already */
		return 0;
	if (err < 0)
		return err;
	fault = find_fault(path, f->elf, f->max);
	if (fault && demanded)
		return diag_fail(d, -ENOENT, i->item.file, f->line, "%s: %s: %s", f->key, path, fault);
	if (fault)
		diag_warn(d, i->item.file, f->line, "%s: %s: %s", f->key, path, fault);
	return 0;
}

static int check_files(struct arena *a, const struct program *p, const struct program_item *i, bool demanded,
		       struct diag *d)
{
	const struct program_function *init = program_initfile(i);
	const struct file artifact = { "path", i->path_line, program_artifact_path, .elf = i->type != ITEM_BPFTRACE };
	const struct file initfile = { "initfile", init ? init->item.line : 0, program_initfile_path,
				       .max = PROGRAM_INITFILE_MAX };
	int err = i->path ? check_file_of(a, p, i, &artifact, demanded, d) : 0;

	return err || !init ? err : check_file_of(a, p, i, &initfile, demanded, d);
}

static int check_artifacts(struct arena *a, const struct program *p, bool demanded, struct diag *d)
{
	const struct program_item *items = p->items.items;
	int err = 0;

	for (size_t n = 0; n < p->items.n && !err; n++)
		err = check_files(a, p, &items[n], demanded, d);
	return err;
}

/* The folder that @path lies in, links resolved. */
static int folder_of(const char *path, char ret[PATH_MAX])
{
	char *slash;

	if (!realpath(path, ret))
		return -errno;
	slash = strrchr(ret, '/');
	slash[slash == ret] = 0;
	return 0;
}

static int check_program(struct arena *a, const struct yaml_node *root, bool artifacts, struct verdict *v,
			 struct diag *d)
{
	char base[PATH_MAX];
	struct program *p;
	int err;

	err = folder_of(v->path, base);
	if (err < 0)
		return diag_fail(d, err, v->path, 0, "%s", strerror(-err));
	err = program_parse(a, v->path, base, root, &p, d);
	if (!err)
		err = check_artifacts(a, p, artifacts, d);
	if (err < 0)
		return err;
	v->name = p->name;
	v->items = p->items.n;
	v->channels = p->channels.n;
	return 0;
}

bool check_name(const char *path, char ret[AGENT_NAME_MAX + 1])
{
	cleanup(arena_freep) struct arena *a = arena_new(0);
	cleanup(diag_fini) struct diag d = {0};
	struct verdict v = { .path = path };
	struct yaml_node *root;

	if (!a || yaml_parse_path(a, path, &root, &d) < 0 || program_is_xdp_list(root) ||
	    check_program(a, root, false, &v, &d) < 0)
		return false;
	snprintf(ret, AGENT_NAME_MAX + 1, "%s", v.name);
	return true;
}

int check_file(const char *path, bool artifacts, bool json)
{
	cleanup(arena_freep) struct arena *a = arena_new(0);
	cleanup(diag_fini) struct diag d = {0};
	struct verdict v = { .path = path, .artifacts = artifacts };
	struct yaml_node *root;
	int err = a ? 0 : -ENOMEM;

	if (!err)
		err = yaml_parse_path(a, path, &root, &d);
	if (!err && program_is_xdp_list(root)) {
		v.items = root->n;
		err = program_check_xdp_list(a, root, &d);
	} else if (!err) {
		err = check_program(a, root, artifacts, &v, &d);
	}
	(json ? report_json : report)(&v, &d, !err);
	return err ? 1 : 0;
}

int verb_check(const struct ctl *c, int argc, char **argv)
{
	int worst = CTL_DONE;

	for (int i = 0; i < argc; i++) {
		int status = check_file(argv[i], c->artifacts, c->json);

		worst = MAX(worst, status);
	}
	return worst;
}

int verb_schema(const struct ctl *c, int argc, char **argv)
{
	(void)c, (void)argc, (void)argv;
	printf("# A program, as `ebpfctl load` and programs.d take it: everything that may be there.\n");
	conf_print_schema(&program_schema, stdout);
	printf("\n# xdpd's list: each entry is one of these, behind \"- \".\n");
	conf_print_schema(&xdp_schema, stdout);
	return CTL_DONE;
}
