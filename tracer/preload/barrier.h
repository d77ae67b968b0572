/* What pthread_once and call_once share. */
#ifndef TRACER_PRELOAD_BARRIER_H
#define TRACER_PRELOAD_BARRIER_H

#include <stdbool.h>

bool barrier_once_done(const int *control);

#endif
