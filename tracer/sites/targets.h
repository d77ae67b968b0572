/* Who jumps where in the whole object, other than by a short jump. */
#ifndef TRACER_SITES_TARGETS_H
#define TRACER_SITES_TARGETS_H

#include "tracer/sites/find.h"

/* Fails without memory. */
bool targets_take(struct finder *finder, struct err *err);

#endif
