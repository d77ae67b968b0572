/* One thread does all the shares, one after the other: the reference. */
#include "workloads/runtime/mode.h"

static bool run_sequential(struct run *run, struct err *err)
{
	(void)err;
	for (unsigned i = 0; i < run->workers; i++)
		run_prepare(&run->worker[i]);
	for (unsigned phase = 0; phase < run->plan.phases; phase++) {
		for (unsigned i = 0; i < run->workers; i++) {
			struct worker *w = &run->worker[i];
			struct witness since;

			run_place(run, i);
			run_clock_prepare(&since);
			run_clock_start(w, &since);
			w->result->checksum += run->workload->work(w, phase);
			run_clock_stop(w, &since);
		}
	}
	for (unsigned i = 0; run->workload->check && i < run->workers; i++)
		run->result[i].checksum += run->workload->check(&run->worker[i]);
	return true;
}

const struct mode mode_sequential = {
	.name = "sequential",
	.summary = "one thread, one share after the other",
	.in_turn = true,
	.alone = "the workers run one after the other",
	.run = run_sequential,
};
