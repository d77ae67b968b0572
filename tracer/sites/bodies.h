/* The functions around pairs of bytes: which pairs are syscall instructions, and the direct jumps
 * in these functions and near them. */
#ifndef TRACER_SITES_BODIES_H
#define TRACER_SITES_BODIES_H

#include "tracer/sites/decoder.h"
#include "tracer/sites/find.h"

/* What is decoded of one object; some seconds at most. Real ones need less than one of them. */
#define BODIES_BYTES_MAX (UINT64_C(16) << 20)

/* Decodes the functions that hold pairs, and says of each pair what it is. Fails without memory, or
 * when there is too much to decode. */
bool bodies_decode(struct finder *finder, struct err *err);
/* Takes the jumps of functions that lie near syscall instructions. */
bool bodies_take_neighbours(struct finder *finder, struct err *err);

#endif
