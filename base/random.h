/* A repeatable order: splitmix64 (G. L. Steele, D. Lea, C. H. Flood, OOPSLA 2014). Any seed will
 * do; no secrets. */
#ifndef BASE_RANDOM_H
#define BASE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

uint64_t random_next(uint64_t *state);
/* Fills 'order' with the numbers below count, each order as likely as any other. */
void random_order(size_t *order, size_t count, uint64_t *state);

#endif
