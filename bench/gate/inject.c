/* Copies cells, and changes the copies' parameters. */
#include "bench/gate/inject.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* What each lock model calls the time or the ticks after which a holder is to give way. */
static const char *const intervals[] = { "interval", "check-interval", "quantum", "tick", "slice" };

static bool read_amount(const char *text, const char *unit, double low, double *amount)
{
	char *end;

	errno = 0;
	*amount = strtod(text, &end);
	return text[0] >= '0' && text[0] <= '9' && errno == 0 && strcmp(end, unit) == 0 &&
	       *amount > low && *amount <= 1000;
}

static struct cell *copy(const struct cell *cell)
{
	struct cell *made = malloc(sizeof(*made));

	if (!made)
		abort();
	*made = *cell;
	return made;
}

/* More work, not slower work: a longer tick would be part of a sample only, and no one knows how
 * large a part. Its checksum is another one. */
static bool slow_down(struct gate *gate, double percent, struct err *err)
{
	bool any = false;

	for (size_t i = 0; i < gate->count; i++) {
		struct gate_cell *cell = &gate->cells[i];

		if (cell->decided || !cell->cell)
			continue;
		cell->injected = copy(cell->cell);
		cell->injected->size =
			(uint64_t)llround((double)cell->cell->size * (1 + percent / 100));
		any |= cell->injected->size > cell->cell->size;
	}
	return any || err_set(err, EXIT_MISUSE,
			      "--inject slowdown: no cell has work that could be made more");
}

/* False: it has no such parameter, or cannot be asked. */
static bool divide_interval(struct observer *observer, struct gate_cell *cell, double times)
{
	struct sample sample;
	bool done = false;

	if (sample_take(&observer->sampler[BASELINE], cell->cell, &sample, NULL)) {
		const json_t *params = json_object_get(sample.line, "params");
		struct cell *made = copy(cell->cell);

		for (size_t i = 0; i < sizeof(intervals) / sizeof(intervals[0]) && !done; i++) {
			const json_t *value = json_object_get(params, intervals[i]);
			char text[32];

			if (!json_is_integer(value))
				continue;
			snprintf(text, sizeof(text), "%.0f",
				 fmax(1, (double)json_integer_value(value) / times));
			done = cell_set(made, intervals[i], text);
		}
		if (done)
			cell->injected = made;
		else
			free(made);
	}
	json_decref(sample.line);
	return done;
}

static bool add_conflicts(struct gate *gate, struct observer *observer, double times,
			  struct err *err)
{
	bool any = false;

	for (size_t i = 0; i < gate->count; i++) {
		struct gate_cell *cell = &gate->cells[i];

		if (!cell->decided && cell->cell && cell->cell->gil[0])
			any |= divide_interval(observer, cell, times);
	}
	return any || err_set(err, EXIT_MISUSE,
			      "--inject conflicts: no cell has a lock model with an interval");
}

bool inject(struct gate *gate, struct observer *observer, const char *text, struct err *err)
{
	double amount;

	if (strncmp(text, "slowdown=", 9) == 0 && read_amount(text + 9, "%", 0, &amount))
		return slow_down(gate, amount, err);
	if (strncmp(text, "conflicts=", 10) == 0 && read_amount(text + 10, "", 1, &amount))
		return add_conflicts(gate, observer, amount, err);
	return err_set(err, EXIT_MISUSE,
		       "--inject '%s' should be slowdown=P%% or conflicts=N, as slowdown=20%% or "
		       "conflicts=5",
		       text);
}
