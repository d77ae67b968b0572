/* Figures of a gate as people read them. */
#ifndef BENCH_GATE_FIGURES_H
#define BENCH_GATE_FIGURES_H

#include "bench/gate/gate.h"

#define FIGURE 64

/* "30.1 ms", "1.23M", "45.2%"; "-" is not known. */
void figure_value(const struct metric *metric, double value, char to[FIGURE]);
/* "+12.3%"; where there is no ratio, as from zero, the difference of the medians: "+14". */
void figure_change(const struct metric *metric, const struct judgement *judgement, char to[FIGURE]);
/* Of a ratio: "+12.3%" */
void figure_ratio(double ratio, char to[FIGURE]);
/* Of ratios: "+9.8..+14.1%" */
void figure_interval(struct interval interval, char to[FIGURE]);
/* "+5%", "+20%+2" */
void figure_allowed(const struct metric *metric, char to[FIGURE]);
/* "60", and with those of the confirmation "60+40" */
void figure_pairs(const struct judgement *judgement, char to[FIGURE]);
/* "12.3 s", "32 ms" */
void figure_duration(double ns, char to[FIGURE]);
/* "0.02%"; rounded up, as it is of a bound. */
void figure_bound(double probability, char to[FIGURE]);

#endif
