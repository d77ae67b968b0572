/* A table from an address of a process to a number: what is known of what lies there. Addresses
 * are never taken out; memory that is used again keeps its number. */
#ifndef TRACER_GIL_PLACES_H
#define TRACER_GIL_PLACES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct place {
	uint64_t address;
	uint32_t process, number; /* 0: an empty slot */
};

struct places {
	struct place *slots;
	unsigned bits; /* there are 2^bits slots */
	size_t used;
};

bool places_init(struct places *places);
void places_finish(struct places *places);
/* 0 when there is none. */
uint32_t places_find(const struct places *places, uint32_t process, uint64_t address);
/* Sets or changes the number, which is not 0. False: no memory. */
bool places_put(struct places *places, uint32_t process, uint64_t address, uint32_t number);

#endif
