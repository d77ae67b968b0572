/* Nothing is decoded here: every offset of the code is taken for an instruction, every word of the
 * data for an address. What is none leads into a site's few bytes by chance alone, and then a site
 * is left that could be patched. */
#include "tracer/sites/targets.h"

#include <stdlib.h>
#include <string.h>

/* Targets of lea: each may be a table of offsets from itself, and ends at the next. */
struct tables {
	uint64_t *list;
	size_t count, room;
};

static bool add_table(struct tables *tables, uint64_t address)
{
	if (tables->count == tables->room) {
		const size_t room = tables->room ? 2 * tables->room : 1024;
		uint64_t *more = realloc(tables->list, room * sizeof(*more));

		if (!more)
			return false;
		tables->list = more;
		tables->room = room;
	}
	tables->list[tables->count++] = address;
	return true;
}

static uint32_t word_at(const uint8_t *bytes)
{
	uint32_t word;

	memcpy(&word, bytes, sizeof(word));
	return word;
}

/* The length of an opcode that four bytes of distance follow, 0: it has none. */
static unsigned opcode_length(const uint8_t *bytes)
{
	if (bytes[0] == 0xe8 || bytes[0] == 0xe9) /* call, jmp */
		return 1;
	if ((bytes[0] == 0x0f && (bytes[1] & 0xf0) == 0x80) || /* a conditional jump */
	    (bytes[0] == 0xc7 && bytes[1] == 0xf8))            /* xbegin */
		return 2;
	return 0;
}

static bool take_code(struct finder *finder, const struct image_segment *segment,
		      struct tables *tables)
{
	const uint64_t size = segment->at.end - segment->at.begin;

	for (uint64_t i = 0; i < size; i++) {
		const uint8_t *bytes = segment->bytes + i;
		const uint64_t address = segment->at.begin + i;
		const bool lea = bytes[0] == 0x8d && (bytes[1] & 0xc7) == 0x05;
		const unsigned length = lea ? 2 : opcode_length(bytes);
		uint64_t target;

		if (finder->image->absolute)
			find_target(finder, word_at(bytes));
		if (length == 0)
			continue;
		target = address + length + 4 + (uint64_t)(int64_t)(int32_t)word_at(bytes + length);
		find_target(finder, target);
		if (lea && target % 4 == 0 && !add_table(tables, target))
			return false;
	}
	return true;
}

static void mark_body(struct finder *finder, uint64_t address)
{
	struct body *body = find_body(finder, address);

	if (body && address != body->begin)
		body->table = true;
}

static void take_words(struct finder *finder, const struct image_segment *segment)
{
	const uint64_t size = segment->at.end - segment->at.begin;
	uint64_t word;

	for (uint64_t i = -segment->at.begin % 8; i + 8 <= size; i += 8) {
		memcpy(&word, segment->bytes + i, sizeof(word));
		if (!image_is_executable(finder->image, word))
			continue;
		find_target(finder, word);
		if (finder->image->absolute)
			mark_body(finder, word);
	}
}

static int by_address(const void *a, const void *b)
{
	const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* A table ends where the next begins, or with what leads to no code. */
static void take_table(struct finder *finder, uint64_t table, uint64_t end)
{
	uint64_t room;
	const uint8_t *bytes = image_at(finder->image, table, &room);

	if (!bytes)
		return;
	room = room < end - table ? room : end - table;
	for (uint64_t i = 0; i + 4 <= room; i += 4) {
		const uint64_t target = table + (uint64_t)(int64_t)(int32_t)word_at(bytes + i);

		if (!image_is_executable(finder->image, target))
			return;
		find_target(finder, target);
		mark_body(finder, target);
	}
}

static void take_tables(struct finder *finder, struct tables *tables)
{
	if (tables->count == 0)
		return;
	qsort(tables->list, tables->count, sizeof(*tables->list), by_address);
	for (size_t i = 0; i < tables->count; i++) {
		const uint64_t end = i + 1 < tables->count ? tables->list[i + 1] : UINT64_MAX;

		if (end != tables->list[i])
			take_table(finder, tables->list[i], end);
	}
}

static void tell(void *finder, uint64_t address)
{
	find_target(finder, address);
}

bool targets_take(struct finder *finder, struct err *err)
{
	struct tables tables = { 0 };
	bool ok = true;

	for (size_t i = 0; ok && i < finder->image->segment_count; i++) {
		const struct image_segment *segment = &finder->image->segments[i];

		take_words(finder, segment);
		ok = !segment->executable || take_code(finder, segment, &tables);
	}
	take_tables(finder, &tables);
	free(tables.list);
	for (size_t i = 0; i < finder->body_count; i++) {
		struct body *body = &finder->bodies[i];

		body->landings =
			frames_landing_pads(&finder->frames, &body->function, tell, finder);
	}
	return ok || err_set(err, EXIT_IMPOSSIBLE, "no memory");
}
