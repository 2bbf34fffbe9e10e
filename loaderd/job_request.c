/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whether a load may begin: all that can be refused by reading its YAML. */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "job.h"
#include "job_run.h"

static int add_files(struct job *j, const struct program_item *i, struct diag *d)
{
	const struct program_function *f = program_initfile(i);
	struct job_file artifact = { .type = JOB_ARTIFACT, .item = i, .line = i->path_line, .fd = -1 };
	struct job_file initfile = { .type = JOB_INITFILE, .item = i, .fd = -1 };
	int err = program_artifact_path(j->arena, j->program, i, &artifact.path, d);

	if (!err)
		j->files[j->n_files++] = artifact;
	if (err || !f)
		return err;
	initfile.line = f->item.line;
	err = program_initfile_path(j->arena, j->program, i, &initfile.path, d);
	if (!err)
		j->files[j->n_files++] = initfile;
	return err;
}

static int find_files(struct job *j, struct outcome *o)
{
	const struct program_item *i = j->program->items.items;
	struct diag d = { 0 };
	int err = 0;

	for (size_t k = 0; k < j->program->items.n && !err; k++)
		err = add_files(j, &i[k], &d);
	if (err)
		outcome_fail(o, err == -EPROTONOSUPPORT ? AGENT_ERR_NOT_BUILT : AGENT_ERR_INVALID, "%s",
			     d.error[0] ? d.error : strerror(-err));
	diag_fini(&d);
	return err;
}

static int parse(struct job *j, const struct load_request *r, struct outcome *o)
{
	struct diag d = { 0 };
	struct yaml_node *root;
	struct program *p;
	int err;

	j->file = arena_strdup(j->arena, r->file);
	j->base = arena_strdup(j->arena, r->base);
	if (!j->file || !j->base)
		return outcome_fail(o, AGENT_ERR_LOAD_FAILED, "out of memory");
	err = yaml_parse(j->arena, j->file, r->text, r->len, &root, &d);
	if (!err && program_is_xdp_list(root))
		err = outcome_fail(o, AGENT_ERR_NOT_BUILT, "%s: a list for xdpd: it is not built in this version",
				   j->file);
	if (!err)
		err = program_parse(j->arena, j->file, j->base, root, &p, &d);
	if (err)
		outcome_fail(o, AGENT_ERR_INVALID, "%s", d.error[0] ? d.error : strerror(-err));
	else
		j->program = p;
	diag_fini(&d);
	return err;
}

static int copy_text(struct job *j, const struct load_request *r, struct outcome *o)
{
	j->yaml = memfd_create("yaml", MFD_CLOEXEC);
	if (j->yaml < 0 || pwrite(j->yaml, r->text, r->len, 0) != (ssize_t)r->len)
		return outcome_fail(o, AGENT_ERR_LOAD_FAILED, "%s: %s", r->file, strerror(errno));
	return 0;
}

static int refuse_twice(const struct loaderd *d, const char *program, struct outcome *o)
{
	const struct entry *e = entry_find(d, program);

	if (!e)
		return 0;
	return outcome_fail(o, AGENT_ERR_EXISTS, "%s is %s already", program,
			    e->state == ENTRY_LOADING ? "being loaded" : entry_state_names[e->state]);
}

int job_accept(struct job *j, const struct load_request *r, struct outcome *o)
{
	int err = parse(j, r, o);

	if (!err)
		err = refuse_twice(j->d, j->program->name, o);
	if (!err)
		err = refuse_not_built(j->program, o);
	if (!err)
		err = find_files(j, o);
	if (!err)
		err = copy_text(j, r, o);
	return err;
}
