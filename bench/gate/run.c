/* The schedule: cells in turns, in a new order each time, so that what disturbs the machine for a
 * while disturbs each of them a little. Which side of a pair comes first is tossed for each pair:
 * one toss for two of them, in the order ABBA, would balance them as well, but then the two could
 * both be worse for one reason, and no bound would hold for every kind of noise. */
#include "bench/gate/run.h"

#include "base/clock.h"
#include "base/progress.h"
#include "base/random.h"
#include "bench/gate/judge.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK 2 /* pairs */

struct course {
	struct gate *gate;
	struct observer *observer;
	struct progress progress;
	uint64_t random;
	bool stopped;
};

/* False when the cell is over, or everything. */
static bool take_pair(struct course *course, struct gate_cell *cell, bool candidate_first,
		      struct gate_pair *pair)
{
	const enum side first = candidate_first ? CANDIDATE : BASELINE;
	const enum side second = candidate_first ? BASELINE : CANDIDATE;
	bool good;

	pair->candidate_first = candidate_first;
	good = observe(course->observer, course->gate, cell, first, &pair->side[first]) &&
	       observe(course->observer, course->gate, cell, second, &pair->side[second]);
	course->stopped |= process_stop_signal() != 0;
	return good && !course->stopped;
}

static void take_block(struct course *course, struct gate_cell *cell, struct gate_pair *to,
		       size_t *count)
{
	const uint64_t start = clock_now_ns();

	for (int i = 0; i < BLOCK; i++) {
		const bool coin = random_next(&course->random) & 1;

		if (!take_pair(course, cell, coin, &to[*count]))
			break;
		(*count)++;
	}
	cell->spent_ns += (double)(clock_now_ns() - start);
}

static void show(struct course *course, const char *what)
{
	const double budget = (double)course->gate->budget_ns;
	double done = 0;

	for (size_t i = 0; i < course->gate->count; i++) {
		const struct gate_cell *cell = &course->gate->cells[i];

		done += cell->decided || cell->spent_ns > budget ? budget : cell->spent_ns;
	}
	progress_step(&course->progress, (uint64_t)done, what);
}

/* Whether the pairs up to the next look still fit into what may be spent. */
static bool may_go_on(const struct gate *gate, const struct gate_cell *cell, char *why, size_t room)
{
	const double budget = (double)gate->budget_ns;
	const double pair = cell->pair_ns;
	const size_t missing = DECIDE_LOOK - cell->pair_count % DECIDE_LOOK;
	/* The first pairs are slower than those to come, and the first look is worth waiting for.
	 */
	const double patience = cell->pair_count < DECIDE_LOOK ? 1.5 : 1;

	if (cell->pair_count >= DECIDE_MOST) {
		snprintf(why, room, "%d pairs are the most that are taken", DECIDE_MOST);
		return false;
	}
	if (cell->spent_ns + pair * (double)missing <= budget * patience)
		return true;
	if (cell->pair_count < DECIDE_LOOK)
		snprintf(
			why, room,
			"%d pairs, the fewest for a look, take %.3g s, more than %.3g s (--budget)",
			DECIDE_LOOK, pair * DECIDE_LOOK / 1e9, budget / 1e9);
	else
		snprintf(why, room, "%zu more pairs would take it beyond %.3g s (--budget)",
			 missing, budget / 1e9);
	return false;
}

static void step(struct course *course, struct gate_cell *cell)
{
	char why[160];

	take_block(course, cell, cell->pairs, &cell->pair_count);
	if (course->stopped)
		return;
	if (cell->pair_count > 0)
		cell->pair_ns = cell->spent_ns / (double)cell->pair_count;
	if (cell->decided) {
		judge_close(course->gate, cell, "the cell was over");
		return;
	}
	/* The first block may be slow: what it says of the rest is not yet asked. */
	if (cell->pair_count % DECIDE_LOOK == 0 && !course->gate->keep_on &&
	    judge_look(course->gate, cell))
		judge_close(course->gate, cell, "");
	else if ((cell->pair_count % DECIDE_LOOK == 0 || cell->pair_count == 2 * BLOCK) &&
		 !may_go_on(course->gate, cell, why, sizeof(why)))
		judge_close(course->gate, cell, why);
}

/* Takes a block of each cell that has something to do, in a new order. False when none has. */
static bool go_round(struct course *course, bool (*wants)(const struct gate_cell *cell),
		     void (*take)(struct course *course, struct gate_cell *cell))
{
	struct gate *gate = course->gate;
	size_t *order = calloc(gate->count + 1, sizeof(*order));
	bool any = false;

	if (!order)
		abort();
	random_order(order, gate->count, &course->random);
	for (size_t i = 0; i < gate->count && !course->stopped; i++) {
		struct gate_cell *cell = &gate->cells[order[i]];

		if (!wants(cell))
			continue;
		show(course, cell->id);
		take(course, cell);
		any = true;
	}
	free(order);
	return any && !course->stopped;
}

static bool is_undecided(const struct gate_cell *cell)
{
	return !cell->decided;
}

static bool is_to_confirm(const struct gate_cell *cell)
{
	return !cell->reason[0] && cell->confirming_count < judge_confirming(cell);
}

/* A process that fails now ends the cell as before. */
static void confirm(struct course *course, struct gate_cell *cell)
{
	take_block(course, cell, cell->confirming, &cell->confirming_count);
	if (course->stopped)
		return;
	if (!cell->reason[0] && cell->confirming_count < judge_confirming(cell))
		return;
	if (!cell->reason[0])
		judge_confirm(course->gate, cell);
	judge_close(course->gate, cell, "");
}

static void warm_up(struct course *course)
{
	struct gate_pair unused;

	for (size_t i = 0; i < course->gate->count && !course->stopped; i++) {
		struct gate_cell *cell = &course->gate->cells[i];

		if (!cell->decided && !take_pair(course, cell, false, &unused) && !course->stopped)
			judge_close(course->gate, cell, "the cell was over");
	}
}

bool gate_measure(struct gate *gate, struct observer *observer)
{
	struct course course = { .gate = gate, .observer = observer, .random = gate->seed };

	progress_start(&course.progress, gate->budget_ns * gate->count);
	warm_up(&course);
	while (!course.stopped && go_round(&course, is_undecided, step))
		;
	while (!course.stopped && go_round(&course, is_to_confirm, confirm))
		;
	progress_end(&course.progress);
	judge_gate(gate);
	return !course.stopped;
}
