/* From a counter's name to what perf_event_open wants. All that knows libpfm4 is behind this. */
#ifndef BENCH_ENCODE_H
#define BENCH_ENCODE_H

#include "bench/counters.h"

/* Fills source and attr from counter->name; COUNTER_NONE with the reason when this build or this
 * machine has no encoding for it. Fails when there is no such counter. */
bool encode_counter(struct counter *counter, struct err *err);

#endif
