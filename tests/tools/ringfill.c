/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ringfill OBJECT PROGRAM RING_BYTES COUNT [SPOOL_BYTES [PROCESSOR.so FUNCTION]]
 *
 * Makes a program without the loader: loads tests/bpf/ringfill.bpf.o, pins its ring and its counters, submits COUNT
 * events (0: as many as fit) and writes a manifest, all below $EBPF_AGENT_RUNTIME_DIR. Run again for the same program:
 * submits COUNT more. With $RINGFILL_NO_WAKEUP nobody is woken, with
 * $RINGFILL_DISCARD=N every Nth is discarded. Prints how many were submitted, and how many got no room. */
#include <errno.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "../../common/manifest.h"
#include "../../common/pins.h"
#include "../../common/program.h"
#include "ringfill.h"

#define ITEM "fill"

static void die(const char *what, int err)
{
	fprintf(stderr, "ringfill: %s: %s\n", what, strerror(err < 0 ? -err : err));
	exit(1);
}

static struct layout_field field(const char *name, int kind, uint64_t offset, uint64_t bits)
{
	return (struct layout_field){ .name = name, .kind = kind, .offset = offset * 8, .bits = bits };
}

static void write_manifest(const char *program, uint32_t map_id, uint64_t ring_size, uint64_t spool_size, char **so)
{
	struct layout_value kinds[] = { { "READ", 1 }, { "WRITE", 2 }, { "FSYNC", 3 }, { "CLOSE", 4 } };
	struct layout_field fields[] = {
		field("ts_ns", LAYOUT_UINT, 0, 64), field("number", LAYOUT_UINT, 8, 64),
		field("cgroup_id", LAYOUT_UINT, 16, 64), field("bytes", LAYOUT_UINT, 24, 64),
		field("latency_ns", LAYOUT_UINT, 32, 64), field("pid", LAYOUT_UINT, 40, 32),
		field("kind", LAYOUT_ENUM, 44, 32), field("comm", LAYOUT_TEXT, 48, 128),
	};
	struct layout_field root = { .name = "", .kind = LAYOUT_STRUCT, .bits = 512,
				     .fields = { fields, ARRAY_SIZE(fields) } };
	struct manifest_channel channel = {
		.name = "events", .type = CHANNEL_RING_BUFFER, .item = ITEM, .map = "events", .map_id = map_id,
		.size = ring_size, .counts = "events_counts", .layout = { "ringfill_event", 64, "fields", root },
		.has_layout = true, .ts_offset = 0, .pid_offset = 40, .ts_bytes = 8, .pid_bytes = 4,
		.ts_field = "ts_ns", .pid_field = "pid",
	};
	struct manifest_route route = { .event_name = so ? "processed" : "ringfill_event", .key_offset = -1,
					.key = "process id" };
	struct manifest_item items[] = {
		{ .name = ITEM, .type = "ebpf_object" },
		{ .name = "so", .type = "user_so", .artifact = so ? so[0] : NULL },
	};
	struct manifest m = {
		.version = MANIFEST_VERSION, .generation = 1, .program = program, .file = "ringfill", .description = "",
		.loaded_at = "", .boot_id = "", .spool_size = spool_size, .items = { items, so ? 2 : 1 },
		.channels = { &channel, 1 }, .routes = { &route, 1 },
	};
	int err;

	fields[6].values = (struct conf_list){ kinds, ARRAY_SIZE(kinds) };
	if (so) {
		route.processor = "so";
		route.function = so[1];
	}
	err = manifest_write(&m);
	if (err < 0)
		die("manifest", err);
}

static struct bpf_object *load(const char *path, uint64_t ring_size, int *ret_ring, int *ret_counts)
{
	struct bpf_object *object = bpf_object__open(path);
	struct bpf_map *ring = NULL, *counts = NULL;
	int err = object ? 0 : -errno;

	if (err == 0) {
		ring = bpf_object__find_map_by_name(object, "events");
		counts = bpf_object__find_map_by_name(object, "events_counts");
		if (*ret_ring >= 0)
			err = bpf_map__reuse_fd(ring, *ret_ring) ?: bpf_map__reuse_fd(counts, *ret_counts);
		else
			err = bpf_map__set_max_entries(ring, ring_size);
	}
	if (err == 0)
		err = bpf_object__load(object);
	if (err < 0)
		die(path, err);
	*ret_ring = bpf_map__fd(ring);
	*ret_counts = bpf_map__fd(counts);
	return object;
}

static uint64_t submit(int prog, uint64_t first, uint64_t n, uint64_t *full)
{
	const char *discard = getenv("RINGFILL_DISCARD");
	uint64_t done = 0;

	while (done < n) {
		struct ringfill_args a = { .first = first + done, .n = MIN(n - done, (uint64_t)RINGFILL_LOOP_MAX),
					   .skip_notify = getenv("RINGFILL_NO_WAKEUP") != NULL,
					   .discard_every = discard ? strtoull(discard, NULL, 0) : 0 };
		LIBBPF_OPTS(bpf_test_run_opts, o, .ctx_in = &a, .ctx_size_in = sizeof(a));

		if (bpf_prog_test_run_opts(prog, &o) < 0)
			die("run", errno);
		done += a.n;
		*full += a.full;
	}
	return done - *full;
}

int main(int argc, char **argv)
{
	struct bpf_map_info info = {};
	uint32_t len = sizeof(info);
	uint64_t full = 0, n, ring_size;
	struct bpf_object *object;
	int ring, counts, known;

	if (argc < 5) {
		fprintf(stderr,
			"usage: ringfill OBJECT PROGRAM RING_BYTES COUNT [SPOOL_BYTES [PROCESSOR.so FUNCTION]]\n");
		return 2;
	}
	ring_size = strtoull(argv[3], NULL, 0);
	ring = pin_get(argv[2], ITEM, PIN_MAP, "events");
	counts = pin_get(argv[2], ITEM, PIN_MAP, "events_counts");
	known = ring >= 0;
	object = load(argv[1], ring_size, &ring, &counts);
	if (!known && (pin_put(ring, argv[2], ITEM, PIN_MAP, "events") < 0 ||
		       pin_put(counts, argv[2], ITEM, PIN_MAP, "events_counts") < 0))
		die("pin", errno);
	if (bpf_obj_get_info_by_fd(ring, &info, &len) < 0)
		die("info", errno);
	n = strtoull(argv[4], NULL, 0) ?: (ring_size - 1) / (sizeof(struct ringfill_event) + 8);
	n = submit(bpf_program__fd(bpf_object__find_program_by_name(object, "ringfill")), 0, n, &full);
	if (!known)
		write_manifest(argv[2], info.id, info.max_entries, argc > 5 ? strtoull(argv[5], NULL, 0) : 0,
			       argc > 7 ? argv + 6 : NULL);
	printf("%llu %llu\n", (unsigned long long)n, (unsigned long long)full);
	bpf_object__close(object);
	return 0;
}
