/* Takes the steps: pairs of bytes, their functions, who jumps where, and what becomes of each. */
#include "tracer/sites/find.h"

#include "tracer/sites/bodies.h"
#include "tracer/sites/shape.h"
#include "tracer/sites/targets.h"

#include <stdlib.h>
#include <string.h>

/* More are no program. */
#define PAIRS_MAX 1000000

static bool add_pair(struct finder *finder, uint64_t address)
{
	if (finder->pair_count == finder->pair_room) {
		const size_t room = finder->pair_room ? 2 * finder->pair_room : 256;
		struct pair *more = realloc(finder->pairs, room * sizeof(*more));

		if (!more || room > PAIRS_MAX)
			return false;
		finder->pairs = more;
		finder->pair_room = room;
	}
	finder->pairs[finder->pair_count++] = (struct pair){ .address = address };
	return true;
}

static int by_address(const void *a, const void *b)
{
	const struct pair *x = a, *y = b;

	return x->address < y->address ? -1 : x->address > y->address;
}

static bool find_pairs_in(struct finder *finder, const struct image_segment *segment)
{
	const uint8_t *at = segment->bytes;
	const uint8_t *end = at + (segment->at.end - segment->at.begin);

	while ((at = memmem(at, (size_t)(end - at), "\x0f\x05", 2))) {
		const uint64_t address = segment->at.begin + (uint64_t)(at - segment->bytes);

		if (image_is_code(finder->image, address) && !add_pair(finder, address))
			return false;
		at++;
	}
	return true;
}

static bool find_pairs(struct finder *finder, struct err *err)
{
	for (size_t i = 0; i < finder->image->segment_count; i++) {
		const struct image_segment *segment = &finder->image->segments[i];

		if (segment->executable && !find_pairs_in(finder, segment))
			return err_set(err, EXIT_FAILED, "there is too much to decode");
	}
	/* Segments are sorted in any file that a linker made. */
	if (finder->pair_count > 0)
		qsort(finder->pairs, finder->pair_count, sizeof(*finder->pairs), by_address);
	return true;
}

/* The first pair from an address on. */
static size_t pair_from(const struct finder *finder, uint64_t address)
{
	size_t low = 0, high = finder->pair_count;

	while (low < high) {
		const size_t middle = low + (high - low) / 2;

		if (finder->pairs[middle].address < address)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

void find_target(struct finder *finder, uint64_t address)
{
	const uint64_t behind = ZONE_BYTES - ZONE_BEFORE;
	size_t i;

	if (finder->pair_count == 0 || address + ZONE_BEFORE < finder->pairs[0].address ||
	    address >= finder->pairs[finder->pair_count - 1].address + behind)
		return;
	for (i = pair_from(finder, address < behind ? 0 : address - behind + 1);
	     i < finder->pair_count && finder->pairs[i].address <= address + ZONE_BEFORE; i++)
		finder->pairs[i].targets |= UINT64_C(1)
					    << (address + ZONE_BEFORE - finder->pairs[i].address);
}

struct body *find_body(struct finder *finder, uint64_t address)
{
	size_t low = 0, high = finder->body_count;

	while (low < high) {
		const size_t middle = low + (high - low) / 2;

		if (finder->bodies[middle].begin <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low > 0 && address < finder->bodies[low - 1].end ? &finder->bodies[low - 1] : NULL;
}

/* Drops what is no site; returns how many are certain to be one. */
static size_t drop_tails(struct finder *finder)
{
	size_t kept = 0, calls = 0;

	for (size_t i = 0; i < finder->pair_count; i++) {
		if (finder->pairs[i].kind == PAIR_TAIL)
			continue;
		calls += finder->pairs[i].kind == PAIR_CALL;
		finder->pairs[kept++] = finder->pairs[i];
	}
	finder->pair_count = kept;
	return calls;
}

static bool choose(struct finder *finder, struct sites *sites, struct err *err)
{
	uint64_t from = 0;

	if (finder->pair_count == 0)
		return true;
	sites->list = calloc(finder->pair_count, sizeof(*sites->list));
	if (!sites->list)
		return err_set(err, EXIT_IMPOSSIBLE, "no memory");
	for (; sites->count < finder->pair_count; sites->count++) {
		struct arena_site *site = &sites->list[sites->count];

		shape_choose(finder, &finder->pairs[sites->count], from, site);
		from = site->address + site->length;
	}
	return true;
}

static bool take_steps(struct finder *finder, struct image *image, struct sites *sites,
		       struct err *err)
{
	if (!image_read(image, true, err) || !find_pairs(finder, err))
		return false;
	if (finder->pair_count == 0)
		return true;
	if (!image_read(image, false, err))
		return false;
	finder->framed = frames_open(&finder->frames, image);
	if (!bodies_decode(finder, err))
		return false;
	if (drop_tails(finder) > 0 &&
	    (!bodies_take_neighbours(finder, err) || !targets_take(finder, err)))
		return false;
	return choose(finder, sites, err);
}

bool find_sites(struct image *image, struct sites *sites, struct err *err)
{
	struct finder finder = { .image = image, .decoder = decoder_create() };
	bool ok;

	ok = finder.decoder ? take_steps(&finder, image, sites, err) :
			      err_set(err, EXIT_IMPOSSIBLE, "capstone cannot decode x86-64");
	decoder_destroy(finder.decoder);
	free(finder.pairs);
	free(finder.bodies);
	return ok;
}
