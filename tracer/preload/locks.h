/* What the hooks of all lock-like objects share. A family is its ACQUIRE kind. */
#ifndef TRACER_PRELOAD_LOCKS_H
#define TRACER_PRELOAD_LOCKS_H

#include "tracer/preload/ring.h"

#include <time.h>

/* The kinds of a family, behind its ACQUIRE. */
enum { LOCKS_CONFLICT = 1, LOCKS_FAIL, LOCKS_BUSY, LOCKS_RELEASE, LOCKS_RELEASE_FAIL };

void locks_init(unsigned kind, unsigned bits, const void *object, const void *caller);
/* 'tried': the counter as the object was found held. */
void locks_conflict(unsigned family, unsigned timeout, const void *object,
		    const struct timespec *deadline, uint64_t tried);
/* ACQUIRE or FAIL, by an errno, of what was not had at the first try. */
void locks_got(unsigned family, int result, const void *object);

static inline uint64_t locks_deadline(const struct timespec *deadline)
{
	return deadline ? (uint64_t)deadline->tv_sec * 1000000000u + (uint64_t)deadline->tv_nsec :
			  0;
}

/* An enum trace_timeout; TRACE_UNTIMED for what the real call will refuse. */
static inline unsigned locks_timeout(clockid_t clock, const struct timespec *deadline)
{
	if (deadline->tv_nsec < 0 || deadline->tv_nsec >= 1000000000)
		return TRACE_UNTIMED;
	return clock == CLOCK_REALTIME  ? TRACE_REALTIME :
	       clock == CLOCK_MONOTONIC ? TRACE_MONOTONIC :
					  TRACE_UNTIMED;
}

#endif
