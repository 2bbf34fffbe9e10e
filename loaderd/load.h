/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ebpf-load: one load, from YAML and artifacts to pins and a manifest. What fails leaves only what loaderd knows of and
 * removes: pins, and cached artifacts that were announced. */
#ifndef EBPF_AGENT_LOAD_H
#define EBPF_AGENT_LOAD_H

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include "../common/arena.h"
#include "../common/manifest.h"
#include "../common/program.h"
#include "job.h"
#include "load_sandbox.h"

struct artifact {		/* bytes that nobody can change any more */
	const char *path;	/* where they came from */
	int fd;			/* sealed memfd; -1: none */
	const void *bytes;	/* mapped */
	size_t size;
	char sha256[65];
};

enum load_state { LOAD_WANTED, LOAD_ATTACHED, LOAD_LOADED, LOAD_DROPPED };

struct load_prog {
	const char *name, *section, *type;
	const struct program_prog *decl;	/* NULL: the YAML does not speak of it */
	enum load_state state;
	bool asked_for;		/* false: `attach: false`, or its section is marked '?': no loss if it is dropped */
	const char *cause;	/* dropped: why */
	struct bpf_program *prog;
	struct bpf_link *link;
	uint64_t prog_id, link_id;
};

struct load_item {
	const struct program_item *decl;
	struct artifact artifact;
	/* ebpf_object */
	struct bpf_object *obj;
	struct load_prog *progs;
	size_t n_progs;
	/* user_so */
	const char *cached;	/* absolute path of the bytes that workers will use */
	struct artifact initfile;	/* no bytes: there is none */
	const char *cached_initfile;
	struct load_calls *calls;	/* NULL: no function of it is called here */
};

struct load {
	int sock;		/* to loaderd */
	uint64_t generation;
	struct arena *arena;
	struct diag diag;
	enum job_failure failure;	/* which kind, when something fails */
	const struct program *program;
	int shared_lock;		/* 0: no shared map was asked for yet */
	struct load_item items[PROGRAM_MAX_ITEMS];
	size_t n_items;
	struct conf_strs degraded;
	struct manifest manifest;	/* being filled */
	struct load_limits limits;	/* of functions */
	bool loaded;			/* objects and maps are in the kernel */
	bool unloading;			/* load_unload(): nothing can be set any more */
	struct load_asked *asked, **asked_end;	/* by functions: to be set when the time has come */
	size_t n_asked, n_logged;
	const struct load_asked *asking;	/* whose request is being dealt with; NULL: the YAML's */
};

/* A sentence for `show`: something is not as asked for. Told once. */
void load_degraded(struct load *l, const char *fmt, ...) printf_like(2, 3);
/* The error for the user, placed at @line of the YAML (0: none). Returns -EINVAL. */
int load_fail(struct load *l, unsigned line, const char *fmt, ...) printf_like(3, 4);
int load_not_built(struct load *l, unsigned line, const char *fmt, ...) printf_like(3, 4);

/* load_request.c: what only loaderd can do. */
int load_ask_perf_event(struct load *l, const char *section, int *ret_fd, const char **ret_cause);
/* Per-CPU buffers for the perf event array @array, kept by loaderd: how many. *ret_text: why not, or (0) the CPUs that
 * have none. */
int load_ask_buffers(struct load *l, size_t channel, int array, uint64_t bytes, size_t *ret_n, const char **ret_text);
void load_tell_phase(struct load *l, enum job_phase phase);
int load_tell_cached(struct load *l, const char *sha256, bool made);
/* A line for the journal. @text NULL: out of memory, nothing. */
void load_tell_log(struct load *l, const char *text);

/* load_receive.c: what loaderd hands over, up to GO. Paths lie in the arena. 0, or as load_fail(). */
struct received_file {
	int fd;			/* -1: none */
	const char *path;
};
struct received {
	int document;		/* the YAML; when unloading, the manifest */
	const char *file, *base;
	struct received_file artifacts[PROGRAM_MAX_ITEMS], initfiles[PROGRAM_MAX_ITEMS];
};
int load_receive(struct load *l, struct received *ret);
void received_fini(struct received *r);

/* artifact.c. Copies @fd (closed by the caller) into a sealed memfd. -EFBIG, -EIO, … */
int artifact_read(struct artifact *ret, int fd, const char *path);
void artifact_fini(struct artifact *a);
/* Keeps the bytes in the cache by digest, atomically; *ret_path lies in the arena. */
int artifact_cache(struct load *l, const struct artifact *a, const char **ret_path);

/* load_object.c: opens, and, later, loads, dropping what this kernel lacks. */
int load_object_open(struct load *l, struct load_item *i);
int load_object(struct load *l, struct load_item *i);
/* load_maps.c: sizes, shared maps (before the load), initial entries, pins (after it). */
int load_maps_prepare(struct load *l, struct load_item *i);
int load_maps_init(struct load *l, struct load_item *i);
int load_maps_pin(struct load *l, struct load_item *i);
/* One entry of a map that is there. */
int load_maps_put(struct load *l, struct load_item *i, const char *map, const struct yaml_node *key,
		  const struct yaml_node *value);
/* load_variables.c */
int load_variables(struct load *l, struct load_item *i);
int load_variable(struct load *l, struct load_item *i, const struct program_variable *v);
bool load_has_variable(const struct load_item *i, const char *name);
/* load_functions.c: init and preload, between opening objects and loading them; postload, when all is attached. */
int load_functions_before(struct load *l);
int load_functions_after(struct load *l);
void load_functions_stop(struct load *l);
/* load_unload.c: the unload functions of a program that is loaded. */
int load_unload(struct load *l, const struct received *r);
/* load_asked.c: sets what init and preload functions asked for: before the load; after it. */
int load_asked_variables(struct load *l, struct load_item *i);
int load_asked_maps(struct load *l);
/* load_value.c: writes what @n says into @to as the BTF type @type has it. -EINVAL (said). @what: for messages. */
int load_value(struct load *l, const struct btf *btf, uint32_t type, const struct yaml_node *n, void *to, size_t size,
	       const char *what);
/* load_bytes.c: the same without a type: a number of 1, 2, 4 or 8 bytes, or hex bytes. */
int load_bytes(struct load *l, const struct yaml_node *n, void *to, size_t size, const char *what);
/* attach.c: attaches what is wanted, pins links and progs. */
int load_attach(struct load *l, struct load_item *i);
/* Before the load: a target given in the YAML that the kernel checks when it loads. */
int attach_prepare(struct load *l, struct load_prog *p);
/* load_so.c: right machine, functions there, kept in the cache. */
int load_so(struct load *l, struct load_item *i);
/* load_channels.c */
int load_channels(struct load *l);
/* load_buffers.c: before anything is attached. */
int load_buffers(struct load *l);
/* load_map.c: a channel that polls @map. @needed: an event of it goes without a processor, so there must be samples. */
bool load_map_is_polled(enum bpf_map_type type);
int load_map_channel(struct load *l, const struct program_channel *c, const struct load_item *i,
		     const struct bpf_map *map, const struct bpf_map_info *info, bool needed,
		     struct manifest_channel *m);
/* load_map_fields.c: its labels and values, by m->layout. */
int load_map_labels(struct load *l, const struct program_channel *c, bool none_by_default, struct manifest_channel *m);
int load_map_values(struct load *l, const struct program_channel *c, struct manifest_channel *m);
/* load_manifest.c: the rest of it. */
int load_manifest(struct load *l);

/* layout.*: where a layout comes from. 0; -ENOENT there is no such struct; -EINVAL it cannot be shown (said in @d). */
int layout_from_btf(struct arena *a, const struct btf *btf, uint32_t struct_id, struct layout *ret, struct diag *d);
/* The id of struct @name. -ENOENT; -EEXIST: several different ones. */
int layout_btf_find(const struct btf *btf, const char *name, uint32_t *ret_id);
/* What AGENT_EVENT(map, …) points to: a struct, or (btf_is_fwd()) one that is only declared. -ENOENT. */
int layout_btf_anchor(const struct btf *btf, const char *map, uint32_t *ret_id);
int layout_from_dwarf(struct arena *a, const void *elf, size_t size, const char *name, struct layout *ret,
		      struct diag *d);
int layout_from_fields(struct arena *a, const struct program_channel *c, struct layout *ret, struct diag *d);
/* Names of structs that could be meant, for an error: "a, b, c"; "" when there is none. */
const char *layout_candidates(struct arena *a, const struct btf *btf, const void *elf, size_t size);

/* load_infer.c: which layout a channel has. */
int infer_layout(struct arena *a, const struct program_channel *c, const char *map, const struct btf *btf,
		 const struct artifact *elf, struct layout *ret, struct diag *d);
/* load_infer_fields.c: its time, process and key fields. */
int infer_fields(struct arena *a, const struct program_channel *c, struct manifest_channel *m, struct diag *d);
void infer_key(struct arena *a, const struct program *p, const struct program_event *e,
	       const struct manifest_channel *m, struct manifest_route *r);

/* Never NULL: not every libbpf has checked the offsets of an object's BTF. */
static inline const char *load_btf_name(const struct btf *btf, uint32_t offset)
{
	const char *name = btf__name_by_offset(btf, offset);

	return name ? name : "";
}

#endif
