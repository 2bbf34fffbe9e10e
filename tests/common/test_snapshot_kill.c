/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who writes a reading is killed after instruction k of it, for every k: whoever comes next finds this reading, or the
 * last one, whole, and can go on from it. Where the new one is written over the last, none may be left: the control. */
#include <errno.h>
#include <fcntl.h>
#include <sys/sendfile.h>

#include "../../common/snapshot.h"
#include "killtest.h"

#define ENTRIES 2u

static const struct snapshot_shape shape = {
	.generation = 1, .map_id = 70, .key_size = 4, .value_size = 8, .capacity = 4,
};
static struct snapshot s;
static bool over_the_last;		/* broken on purpose */

static void fill(const struct snapshot_half *h, uint64_t number)
{
	for (uint32_t i = 0; i < ENTRIES; i++) {
		memset(h->keys + (size_t)i * 4, (int)(number + i), 4);
		memset(h->values + (size_t)i * 8, (int)(~number + i), 8);
		h->order[i] = ENTRIES - 1 - i;
	}
}

static bool is_whole(const struct snapshot_half *h)
{
	for (uint32_t i = 0; i < ENTRIES; i++)
		if (h->keys[i * 4 + 3] != (uint8_t)(h->head->number + i) ||
		    h->values[i * 8 + 7] != (uint8_t)(~h->head->number + i) || h->order[i] != ENTRIES - 1 - i)
			return false;
	return h->head->first == 10 * h->head->number && h->head->given == ENTRIES && h->head->n == ENTRIES;
}

static void write_reading(void)
{
	struct snapshot_half *last, *before, *h;
	struct snapshot_head head = { .given = ENTRIES, .stored = ENTRIES, .n = ENTRIES };

	snapshot_last(&s, &last, &before);
	head.number = last ? last->head->number + 1 : 1;
	head.first = 10 * head.number;
	h = snapshot_begin(&s, over_the_last && before ? before : last);
	fill(h, head.number);
	snapshot_publish(&s, h, &head);
}

static void job(void)
{
	if (snapshot_open(&s, path, &shape, 1) < 0)
		return;
	mark();
	write_reading();
	mark();
}

/* What a kill would leave is what lies in the file at that moment: one process, and a copy after each step. Runs up to
 * every k would take as long as the square of their number. */
static void copy_what_a_kill_leaves(void)
{
	cleanup(closep) int from = open(path, O_RDONLY | O_CLOEXEC);
	cleanup(closep) int to = open(spooldir_path("left"), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	ssize_t size = (ssize_t)snapshot_size(&shape);

	assert_true(from >= 0 && to >= 0);
	assert_int_equal(sendfile(to, from, NULL, size), size);
}

/* The number of the last reading, which is whole, as is the one before; 0: there is none. */
static uint64_t look(bool *ret_has_before)
{
	struct snapshot_half *last, *before;
	uint64_t number;

	copy_what_a_kill_leaves();
	assert_int_equal(snapshot_open(&s, spooldir_path("left"), &shape, 2), 0);
	snapshot_last(&s, &last, &before);
	assert_true(!last || is_whole(last));
	assert_true(!before || is_whole(before));
	number = last ? last->head->number : 0;
	*ret_has_before = before;
	snapshot_close(&s);
	return number;
}

static void two_readings(void)
{
	unlink(path);
	assert_int_equal(snapshot_open(&s, path, &shape, 1), 0);
	write_reading();
	write_reading();
	snapshot_close(&s);
}

/* After how many instructions the last reading that counted was not there any more. */
static unsigned kill_writers(bool broken)
{
	unsigned kills = 0, bad = 0, fresh_ones = 0;
	bool more = true;
	pid_t pid;

	over_the_last = false;
	two_readings();
	over_the_last = broken;
	for (pid = start(job); more; kills++) {
		bool has_before;
		uint64_t number;

		assert_true(kills < STEPS_MAX);
		more = kills == 0 || step(pid);
		number = look(&has_before);
		bad += number < 2;
		fresh_ones += number == 3 && has_before;
		assert_true(number <= 3);
		assert_true(broken || number == 2 || has_before);
	}
	end(pid);
	print_message("# %u kills: %u times the new reading, %u times none that counts\n", kills, fresh_ones, bad);
	if (!broken)
		assert_true(fresh_ones > 0 && fresh_ones < kills);
	return bad;
}

static void a_writer_killed_after_any_instruction_leaves_a_whole_reading(void **state)
{
	(void)state;
	assert_int_equal(kill_writers(false), 0);
}

static void control_written_over_the_last_one_it_is_gone(void **state)
{
	(void)state;
	assert_true(kill_writers(true) > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		kill_test(a_writer_killed_after_any_instruction_leaves_a_whole_reading),
		kill_test(control_written_over_the_last_one_it_is_gone),
	};

	return spooldir_run(tests, NULL);
}
