/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A user's shared object, checked without ever being run here: of this machine, and with the functions that the YAML
 * names. What it does is the sandbox's affair. */
#include <gelf.h>
#include <libelf.h>
#include <string.h>

#include "load.h"

#if defined(__x86_64__)
#define OUR_MACHINE EM_X86_64
#elif defined(__aarch64__)
#define OUR_MACHINE EM_AARCH64
#else
#error "say which ELF machine this is"
#endif

static void elf_endp(Elf **e)
{
	if (*e)
		elf_end(*e);
}

static int check_header(struct load *l, const struct load_item *i, Elf *elf)
{
	unsigned line = i->decl->item.line;
	GElf_Ehdr h;

	if (!elf || elf_kind(elf) != ELF_K_ELF || !gelf_getehdr(elf, &h))
		return load_fail(l, line, "%s is not an ELF file", i->artifact.path);
	if (h.e_machine != OUR_MACHINE || h.e_ident[EI_CLASS] != ELFCLASS64)
		return load_fail(l, line, "%s is for another machine (ELF machine %u, class %u; here: %u, %u)",
				 i->artifact.path, h.e_machine, h.e_ident[EI_CLASS], OUR_MACHINE, ELFCLASS64);
	if (h.e_type != ET_DYN)
		return load_fail(l, line, "%s is not a shared object: link it with -shared", i->artifact.path);
	return 0;
}

static bool has_function(Elf *elf, const char *name)
{
	Elf_Scn *scn = NULL;

	while ((scn = elf_nextscn(elf, scn))) {
		GElf_Shdr sh;
		Elf_Data *data;

		if (!gelf_getshdr(scn, &sh) || sh.sh_type != SHT_DYNSYM || !sh.sh_entsize)
			continue;
		data = elf_getdata(scn, NULL);
		for (size_t k = 0; data && k < data->d_size / sh.sh_entsize; k++) {
			const char *symbol;
			GElf_Sym sym;

			if (!gelf_getsym(data, k, &sym) || sym.st_shndx == SHN_UNDEF ||
			    GELF_ST_TYPE(sym.st_info) != STT_FUNC)
				continue;
			symbol = elf_strptr(elf, sh.sh_link, sym.st_name);
			if (symbol && !strcmp(symbol, name))
				return true;
		}
	}
	return false;
}

static int check_function(struct load *l, const struct load_item *i, Elf *elf, const char *name, unsigned line)
{
	if (has_function(elf, name))
		return 0;
	return load_fail(l, line, "%s has no function '%s' among its dynamic symbols (is it static, or hidden?)",
			 i->artifact.path, name);
}

static int check_functions(struct load *l, const struct load_item *i, Elf *elf)
{
	const struct program_function *f = i->decl->functions.items;
	const struct program_event *e = l->program->events.items;
	int err = 0;

	if (!i->decl->functions.n)
		err = check_function(l, i, elf, "process", i->decl->item.line);
	for (size_t k = 0; k < i->decl->functions.n && !err; k++)
		err = check_function(l, i, elf, f[k].name, f[k].item.line);
	for (size_t k = 0; k < l->program->events.n && !err; k++)
		if (e[k].processor && !strcmp(e[k].processor, i->decl->name) && e[k].function)
			err = check_function(l, i, elf, e[k].function, e[k].item.line);
	return err;
}

int load_so(struct load *l, struct load_item *i)
{
	cleanup(elf_endp) Elf *elf = NULL;
	int err;

	if (elf_version(EV_CURRENT) == EV_NONE)
		return load_fail(l, 0, "libelf: %s", elf_errmsg(-1));
	elf = elf_memory((char *)i->artifact.bytes, i->artifact.size);
	err = check_header(l, i, elf);
	if (!err)
		err = check_functions(l, i, elf);
	if (!err)
		err = artifact_cache(l, &i->artifact, &i->cached);
	if (!err && i->initfile.bytes)
		err = artifact_cache(l, &i->initfile, &i->cached_initfile);
	return err;
}
