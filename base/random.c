/* The generator and Fisher and Yates's shuffle. */
#include "base/random.h"

uint64_t random_next(uint64_t *state)
{
	uint64_t x = *state += 0x9e3779b97f4a7c15u;

	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
	return x ^ (x >> 31);
}

void random_order(size_t *order, size_t count, uint64_t *state)
{
	for (size_t i = 0; i < count; i++) {
		const size_t j = random_next(state) % (i + 1);

		order[i] = i;
		order[i] = order[j];
		order[j] = i;
	}
}
