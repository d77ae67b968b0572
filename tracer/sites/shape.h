/* What becomes of a pair of bytes: the site. */
#ifndef TRACER_SITES_SHAPE_H
#define TRACER_SITES_SHAPE_H

#include "tracer/sites/find.h"

/* The pair must not be the tail of an instruction. 'from' is where the site before ends. */
void shape_choose(struct finder *finder, const struct pair *pair, uint64_t from,
		  struct arena_site *site);

#endif
