/* From options to a measured gate. */
#include "bench/gate/make.h"

#include "base/clock.h"
#include "base/random.h"
#include "bench/gate/build.h"
#include "bench/gate/inject.h"
#include "bench/gate/run.h"

#include <assert.h>
#include <string.h>
#include <unistd.h>

/* Of one that is measured beside itself only one side was given: it is both. */
static const char *word_of(const struct param_set *options, enum side side,
			   const char *const names[])
{
	const char *own = param_text(options, names[side]);

	return own ? own : param_text(options, names[!side]);
}

static bool find_sides(struct gate *gate, const struct param_set *options, struct err *err)
{
	static const char *const builds[] = { "baseline", "candidate" };
	static const char *const commands_of[] = { "baseline-command", "candidate-command" };

	for (enum side i = BASELINE; i < SIDES; i++) {
		const char *word = word_of(options, i, builds);
		struct gate_side *side = &gate->side[i];

		side->command = word_of(options, i, commands_of);
		side->word = side->command ? side->command : word;
		assert(side->word);
		if (side->command)
			continue;
		if (i == CANDIDATE && strcmp(word, gate->side[BASELINE].word) == 0)
			*side = gate->side[BASELINE];
		else if (!build_find(side, word, err))
			return false;
	}
	return true;
}

/* A seed that nobody gave is as good as any, as long as it is told. */
static uint64_t new_seed(void)
{
	uint64_t state = clock_now_ns() ^ ((uint64_t)getpid() << 32);

	return random_next(&state) >> 32;
}

static bool fill(struct gate *gate, const struct param_set *options, struct err *err)
{
	const struct param_value *thresholds = param_get(options, "threshold");

	gate->started = time(NULL);
	gate->seed = param_get(options, "seed")->given ? param_number(options, "seed") : new_seed();
	gate->budget_ns = param_number(options, "budget");
	machine_read(&gate->machine);
	return metric_set(gate->metrics, param_text(options, "delta"), thresholds->texts,
			  thresholds->times, err) &&
	       find_sides(gate, options, err);
}

static bool is_anything_left(const struct gate *gate)
{
	for (size_t i = 0; i < gate->count; i++) {
		if (!gate->cells[i].decided)
			return true;
	}
	return false;
}

/* Measures, when there is anything to measure. False when it failed, or we were asked to stop. */
static bool measure_gate(struct gate *gate, struct plan *plan, const struct param_set *options,
			 struct err *err)
{
	const uint64_t start = clock_now_ns();
	const bool of_commands = gate->side[BASELINE].command;
	char text[sizeof(gate->warning)];
	bool good;

	if (!builds_comparable(&gate->side[BASELINE], &gate->side[CANDIDATE], text, sizeof(text))) {
		gate->verdict = VERDICT_NOT_COMPARABLE;
		snprintf(gate->reason, sizeof(gate->reason), "%s", text);
		return true;
	}
	snprintf(gate->warning, sizeof(gate->warning), "%s", text);
	good = of_commands ? plan_commands(plan, gate, options, err) :
			     plan_cells(plan, gate, options, err);
	if (good && gate->injected && is_anything_left(gate))
		good = inject(gate, &plan->observer, gate->injected, err);
	good = good && gate_measure(gate, &plan->observer);
	gate->duration_ns = clock_now_ns() - start;
	return good;
}

bool gate_make(struct gate *gate, struct plan *plan, const struct param_set *options,
	       struct err *err)
{
	return fill(gate, options, err) && measure_gate(gate, plan, options, err);
}
