/* Open addressing with linear probing, at most half full. */
#include "tracer/gil/places.h"

#include <stdlib.h>

#define FIRST_BITS 10

static struct place *slot_of(const struct places *places, uint32_t process, uint64_t address)
{
	const size_t mask = ((size_t)1 << places->bits) - 1;
	const uint64_t mixed = (address ^ (uint64_t)process << 40) * 0x9e3779b97f4a7c15u;
	size_t i = mixed >> (64 - places->bits);

	while (places->slots[i].number &&
	       (places->slots[i].address != address || places->slots[i].process != process))
		i = (i + 1) & mask;
	return &places->slots[i];
}

bool places_init(struct places *places)
{
	*places = (struct places){ .bits = FIRST_BITS };
	places->slots = calloc((size_t)1 << FIRST_BITS, sizeof(*places->slots));
	return places->slots;
}

void places_finish(struct places *places)
{
	free(places->slots);
	*places = (struct places){ 0 };
}

uint32_t places_find(const struct places *places, uint32_t process, uint64_t address)
{
	return slot_of(places, process, address)->number;
}

static bool grow(struct places *places)
{
	const struct places old = *places;

	places->slots = calloc((size_t)2 << old.bits, sizeof(*places->slots));
	if (!places->slots) {
		*places = old;
		return false;
	}
	places->bits++;
	for (size_t i = 0; i >> old.bits == 0; i++) {
		const struct place *place = &old.slots[i];

		if (place->number)
			*slot_of(places, place->process, place->address) = *place;
	}
	free(old.slots);
	return true;
}

bool places_put(struct places *places, uint32_t process, uint64_t address, uint32_t number)
{
	struct place *slot = slot_of(places, process, address);

	if (!slot->number) {
		if ((places->used + 1) >> (places->bits - 1)) {
			if (!grow(places))
				return false;
			slot = slot_of(places, process, address);
		}
		places->used++;
	}
	*slot = (struct place){ address, process, number };
	return true;
}
