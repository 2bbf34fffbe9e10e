/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A spool whose every byte an enemy chose, right checksums included: the reader gives what lies within it, or says that
 * it is damaged. And ids of events, out of files: what is read is written as it was. */
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/crc32c.h"
#include "common/spool.h"
#include "common/spool_file.h"
#include "fuzz.h"

#define DATA SPOOL_MIN_SIZE
#define SIZE (SPOOL_HEAD_SIZE + DATA)

static char path[256];
static uint8_t *file;

static void remove_file(void)
{
	unlink(path);
}

/* A real one: spools are opened by their path, and no link is followed. */
static void make_file(void)
{
	int fd;

	snprintf(path, sizeof(path), "%s/fuzz-spool.XXXXXX", getenv("TMPDIR") ?: "/tmp");
	fd = mkstemp(path);
	must(fd >= 0 && ftruncate(fd, SIZE) == 0);
	atexit(remove_file);
	file = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	must(file != MAP_FAILED);
	close(fd);
}

static void seal_slot(struct spool_slot *s, uint32_t seq, uint32_t len)
{
	s->seq = seq;
	s->len = len;
	s->crc = crc32c(crc32c(0, s, offsetof(struct spool_slot, crc)), s + 1, len);
}

static void fill_super(struct spool_head *h, struct fuzz *f)
{
	h->super = (struct spool_super){ .magic = SPOOL_MAGIC, .version = SPOOL_VERSION, .head_size = SPOOL_HEAD_SIZE,
					 .data_size = DATA, .program = "p" };
	must(spool_boot_id(h->super.boot_id) == 0);
	if (fuzz_below(f, 16) == 0)
		fuzz_bytes(f, &h->super, sizeof(h->super));
	h->super.crc = spool_super_crc(&h->super);
}

static void fill_commit(struct spool_head *h, struct fuzz *f, uint64_t head)
{
	struct spool_slot *slot = (struct spool_slot *)h->commit_slots;
	struct spool_commit c = { .head = head, .n_routes = (uint16_t)fuzz_below(f, SPOOL_MAX_ROUTES + 2) };

	c.n_sources = (uint16_t)(fuzz_below(f, 4) ? fuzz_below(f, 20) : fuzz_u64(f) % (SPOOL_MAX_SOURCES + 2));
	memcpy(slot + 1, &c, SPOOL_COMMIT_FIXED);
	fuzz_bytes(f, (char *)(slot + 1) + SPOOL_COMMIT_FIXED, 64);
	h->commit.seq = 2;
	seal_slot(slot, 2, fuzz_below(f, 8) ? (uint32_t)sizeof(c) :
					      (uint32_t)(fuzz_u64(f) % (SPOOL_COMMIT_SLOT - sizeof(*slot))));
}

/* Records one after the other, some of them not what they seem; returns where they end. */
static uint64_t fill_records(struct fuzz *f, uint64_t pos)
{
	uint8_t *data = file + SPOOL_HEAD_SIZE;
	uint64_t end = pos;

	for (unsigned n = fuzz_below(f, 8); n; n--) {
		uint32_t line = fuzz_below(f, 4) ? fuzz_below(f, 256) : (uint32_t)fuzz_u64(f) % 0x11000, crc;
		struct spool_rec r = { .kind = SPOOL_KIND_JSON, .version = SPOOL_VERSION, .pos = end,
				       .line_len = line };
		uint32_t at = end & (DATA - 1);

		r.len = ALIGN_UP(sizeof(r) + line, 8u);
		if (fuzz_below(f, 4) == 0)
			r.len = (uint32_t)fuzz_u64(f);
		if (fuzz_below(f, 8) == 0)
			r.kind = (uint8_t)fuzz_u64(f);
		if (at + sizeof(r) + MIN(line, 256u) > DATA)
			break;
		fuzz_bytes(f, data + at + sizeof(r), MIN(line, 256u));
		crc = crc32c(0, &r.line_len, sizeof(r) - offsetof(struct spool_rec, line_len));
		r.crc = at + sizeof(r) + line <= DATA ? crc32c(crc, data + at + sizeof(r), line) : 0;
		memcpy(data + at, &r, sizeof(r));
		end += ALIGN_UP(sizeof(r) + line, 8u);
	}
	return end;
}

static void fill_cursor(struct spool_head *h, unsigned i, struct fuzz *f)
{
	struct spool_cursor c;

	fuzz_bytes(f, &c, sizeof(c));
	h->cursors[i].row.state = fuzz_below(f, 3);
	fuzz_bytes(f, h->cursors[i].row.name, fuzz_below(f, 49));
	h->cursors[i].cell.seq = fuzz_below(f, 3);
	memcpy(h->cursors[i].slots + (h->cursors[i].cell.seq & 1) * SPOOL_CURSOR_SLOT + sizeof(struct spool_slot), &c,
	       sizeof(c));
	seal_slot((struct spool_slot *)(h->cursors[i].slots + (h->cursors[i].cell.seq & 1) * SPOOL_CURSOR_SLOT),
		  h->cursors[i].cell.seq, sizeof(c));
}

static void read_all(struct spool_reader *r)
{
	struct spool_commit c;
	struct spool_cursor cursor;
	char name[48];
	uint64_t pos, next;
	int row;

	if (spool_read_commit(r, &c) < 0)
		return;
	pos = c.head > r->data_size ? c.head - r->data_size : 0;
	while (pos < c.head) {
		struct spool_rec rec;
		const char *line;

		if (spool_read(r, pos, c.head, &rec, &line) < 0)
			break;
		must(rec.len && rec.len <= c.head - pos);
		must(line >= r->data && line + rec.line_len <= r->data + 2 * r->data_size);
		pos += rec.len;
	}
	if (pos < c.head) {
		next = spool_next_sound(r, pos, c.head);
		must(next == c.head || (next > pos && next < c.head));
	}
	for (int i = -1; i <= SPOOL_MAX_CURSORS; i++)
		(void)spool_cursor_read(r, i, name, &cursor);
	row = spool_cursor_open(r, "sink");
	must(row < SPOOL_MAX_CURSORS);
	if (row >= 0)
		must(spool_cursor_read(r, row, name, &cursor) == 0 && cursor.pos <= c.head);
}

static void try_id(const uint8_t *data, size_t size)
{
	struct spool_rec rec = { 0 };
	char id[SPOOL_ID_MAX], *text = malloc(size + !size);

	if (size)
		memcpy(text, data, size);
	if (spool_id_parse(text, size, &rec) == 0)
		must(spool_id_format(&rec, id) == size && memcmp(id, text, size) == 0);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz f = { data, size };
	struct spool_reader r = { 0 };
	struct spool_head *h;
	uint64_t pos;

	try_id(data, MIN(size, (size_t)SPOOL_ID_MAX));
	if (!file)
		make_file();
	memset(file, 0, SPOOL_HEAD_SIZE + 4096);
	h = (struct spool_head *)file;
	fill_super(h, &f);
	pos = fuzz_below(&f, 4) ? 0 : fuzz_u64(&f) & ~7ULL;
	h->tail = fuzz_below(&f, 4) ? pos : fuzz_u64(&f);
	for (unsigned n = fuzz_below(&f, SPOOL_MAX_CURSORS + 1); n; n--)
		fill_cursor(h, n - 1, &f);
	pos = fill_records(&f, pos);
	fill_commit(h, &f, pos - (fuzz_below(&f, 4) ? 0 : 8 * fuzz_below(&f, 64)));
	if (spool_reader_open(&r, path, false) == 0) {
		read_all(&r);
		spool_reader_close(&r);
	}
	return 0;
}
