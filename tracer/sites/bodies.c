/* Decodes the functions that hold pairs, and those within reach of a short jump. */
#include "tracer/sites/bodies.h"

#include <stdlib.h>
#include <string.h>

/* What a function falls into behind its end is looked for that far: functions in assembly leave
 * the syscall instruction of clone out of their entry, for unwinders stop there. */
#define FALL_BYTES 64
/* A restorer's entry begins a byte before it, for unwinders look up a return address less one. */
static const uint8_t restorer[] = { 0x48, 0xc7, 0xc0, 0x0f, 0, 0, 0, 0x0f, 0x05 };
#define RESTORER_AT 7
/* A short jump reaches 127 bytes ahead, 128 back; an instruction has 15 at most. */
#define REACH (128 + 15)

static bool step(struct finder *finder, uint64_t at, uint64_t end, struct instruction *found)
{
	if (finder->decoded > BODIES_BYTES_MAX ||
	    !decoder_step(finder->decoder, finder->image, at, end, found))
		return false;
	finder->decoded += found->size;
	if (found->jumps)
		find_target(finder, found->target);
	return true;
}

/* The last instructions seen, to be told to a pair. */
struct trail {
	uint8_t sizes[PAIR_BEFORE];
	unsigned count;
};

static void tell(struct pair *pair, const struct trail *trail)
{
	while (pair->before_count < PAIR_BEFORE && pair->before_count < trail->count) {
		pair->before[pair->before_count] =
			trail->sizes[(trail->count - 1 - pair->before_count) % PAIR_BEFORE];
		pair->before_count++;
	}
}

/* Says of the pairs up to the end of an instruction what they are to it; returns the first that is
 * behind it. */
static size_t judge(struct finder *finder, size_t next, const struct instruction *found,
		    const struct trail *trail)
{
	while (next < finder->pair_count &&
	       finder->pairs[next].address < found->address + found->size) {
		struct pair *pair = &finder->pairs[next++];

		if (found->kind != INSTRUCTION_SYSCALL) {
			pair->kind = PAIR_TAIL;
		} else if (found->size != 2) {
			pair->kind = PAIR_DOUBTFUL;
			pair->reason = SITES_PREFIXED;
		} else {
			pair->kind = PAIR_CALL;
			tell(pair, trail);
		}
	}
	return next;
}

static bool falls(const struct instruction *found)
{
	return found->kind == INSTRUCTION_PLAIN || found->kind == INSTRUCTION_COUNTS ||
	       found->kind == INSTRUCTION_SYSCALL || found->kind == INSTRUCTION_OTHER ||
	       found->kind == INSTRUCTION_IF_NOT;
}

/* "movslq (%base,%index,4), %to; add %base, %to; jmp *%to", or with a displacement of 0: what
 * compilers make of a switch. It jumps to where a table says, counted from the table. */
static bool is_switch(const struct finder *finder, uint64_t at)
{
	uint64_t room;
	const uint8_t *bytes = image_at(finder->image, at - 8, &room);
	const uint8_t *jump, *add, *load;
	unsigned to, sum, base;

	if (!bytes || room < 12)
		return false;
	jump = bytes + 8 + (bytes[8] == 0x3e);
	to = jump[0] == 0x41 ? 8u : 0u;
	jump += to / 8;
	add = bytes + 5;
	load = bytes[0] >> 3 == 0x48 >> 3 && bytes[4] == 0 && bytes[2] >> 6 == 1 ? bytes :
										   bytes + 1;
	if (jump[0] != 0xff || jump[1] >> 3 != 0xe0 >> 3 || add[0] >> 3 != 0x48 >> 3 ||
	    add[1] != 0x01 || add[2] >> 6 != 3 || load[0] >> 3 != 0x48 >> 3 || load[1] != 0x63 ||
	    (load[2] & 7) != 4 || load[3] >> 6 != 2 ||
	    (load == bytes + 1 && (load[2] >> 6 != 0 || (load[3] & 7) == 5)))
		return false;
	to |= jump[1] & 7u;
	sum = (add[2] & 7u) | (add[0] & 1u) << 3;
	base = (add[2] >> 3 & 7u) | (add[0] & 4u) << 1;
	return sum == to && (unsigned)((load[2] >> 3 & 7) | (load[0] & 4) << 1) == to &&
	       (unsigned)((load[3] & 7) | (load[0] & 1) << 3) == base;
}

static void note_computed(const struct finder *finder, struct body *body,
			  const struct instruction *found, uint64_t at)
{
	if (found->kind != INSTRUCTION_COMPUTED)
		return;
	if (is_switch(finder, at))
		body->switches = true;
	else
		body->computes = true;
}

/* Decodes the function, whose first pair is 'next'; then what it falls into, up to 'limit', where
 * the next function begins. Returns the first pair behind it. */
static size_t decode(struct finder *finder, struct body *body, size_t next, uint64_t limit)
{
	const size_t first = next;
	struct instruction found = { 0 };
	struct trail trail = { .count = 0 };
	uint64_t at = body->begin;

	while (at < body->end && step(finder, at, body->end, &found)) {
		next = judge(finder, next, &found, &trail);
		note_computed(finder, body, &found, at);
		trail.sizes[trail.count++ % PAIR_BEFORE] = found.size;
		at += found.size;
	}
	body->whole = at == body->end;
	while (body->whole && at < limit && at - body->end < FALL_BYTES && falls(&found) &&
	       step(finder, at, limit, &found)) {
		next = judge(finder, next, &found, &trail);
		note_computed(finder, body, &found, at);
		trail.sizes[trail.count++ % PAIR_BEFORE] = found.size;
		at += found.size;
	}
	if (body->whole)
		body->end = at;
	for (size_t i = next; i < finder->pair_count && finder->pairs[i].address < body->end; i++) {
		finder->pairs[i].kind = PAIR_DOUBTFUL;
		finder->pairs[i].reason = SITES_UNDECODED;
		next = i + 1;
	}
	for (size_t i = first; i < next; i++)
		finder->pairs[i].body = (uint32_t)(finder->body_count - 1);
	return next;
}

static bool add_body(struct finder *finder, const struct body *body)
{
	if (finder->body_count == finder->body_room) {
		const size_t room = finder->body_room ? 2 * finder->body_room : 64;
		struct body *more = realloc(finder->bodies, room * sizeof(*more));

		if (!more)
			return false;
		finder->bodies = more;
		finder->body_room = room;
	}
	finder->bodies[finder->body_count++] = *body;
	return true;
}

/* The function that is, by the unwind table, the last to begin at the pair or before it. */
static bool find_function(const struct finder *finder, uint64_t address, struct body *body,
			  uint64_t *limit)
{
	const size_t until = finder->framed ? frames_until(&finder->frames, address) : 0;
	struct function function;

	if (until == 0 || !frames_function(&finder->frames, until - 1, &function) ||
	    (address >= function.end && address - function.end >= FALL_BYTES))
		return false;
	*body = (struct body){ .function = function, .begin = function.begin, .end = function.end };
	*limit = frames_begin(&finder->frames, until);
	return true;
}

static void skip_byte_of_restorer(const struct finder *finder, const struct pair *pair,
				  struct body *body)
{
	const uint64_t begin = pair->address - RESTORER_AT;
	uint64_t room;
	const uint8_t *bytes = image_at(finder->image, begin, &room);

	if (begin == body->begin + 1 && bytes && room >= sizeof(restorer) &&
	    memcmp(bytes, restorer, sizeof(restorer)) == 0)
		body->begin = begin;
}

bool bodies_decode(struct finder *finder, struct err *err)
{
	size_t next = 0;

	while (next < finder->pair_count) {
		struct pair *pair = &finder->pairs[next];
		struct body body;
		uint64_t limit;
		size_t behind = next;
		const bool has_body = find_function(finder, pair->address, &body, &limit);

		if (has_body) {
			skip_byte_of_restorer(finder, pair, &body);
			if (!add_body(finder, &body))
				return err_set(err, EXIT_IMPOSSIBLE, "no memory");
			behind = decode(finder, &finder->bodies[finder->body_count - 1], next,
					limit);
		}
		if (behind == next) {
			finder->body_count -= has_body;
			pair->kind = PAIR_DOUBTFUL;
			pair->reason = SITES_NO_FUNCTION;
			behind++;
		}
		next = behind;
	}
	return finder->decoded <= BODIES_BYTES_MAX ||
	       err_set(err, EXIT_FAILED, "there is too much to decode");
}

/* Where not even the functions are known, every byte may begin a short jump. */
static void take_bytes(struct finder *finder, uint64_t from, uint64_t to)
{
	for (uint64_t at = from; at < to; at++) {
		uint64_t room;
		const uint8_t *bytes = image_at(finder->image, at, &room);

		if (bytes && room >= 2 &&
		    ((bytes[0] & 0xf0) == 0x70 || bytes[0] == 0xeb || (bytes[0] & 0xfc) == 0xe0))
			find_target(finder, at + 2 + (uint64_t)(int64_t)(int8_t)bytes[1]);
	}
}

/* Takes the jumps of the function at this address, or of the bytes that are in none; returns where
 * it ends. */
static uint64_t take_neighbour(struct finder *finder, uint64_t address, uint64_t to)
{
	const size_t until = frames_until(&finder->frames, address);
	const uint64_t behind = frames_begin(&finder->frames, until);
	struct function function;
	struct instruction found;
	uint64_t at;

	if (until == 0 || !frames_function(&finder->frames, until - 1, &function) ||
	    function.end <= address) {
		const uint64_t end = behind < to ? behind : to;

		take_bytes(finder, address, end);
		return end;
	}
	for (at = function.begin; at < function.end; at += found.size) {
		if (!step(finder, at, function.end, &found)) {
			take_bytes(finder, address, function.end < to ? function.end : to);
			break;
		}
	}
	return function.end;
}

bool bodies_take_neighbours(struct finder *finder, struct err *err)
{
	uint64_t done = 0;

	for (size_t i = 0; finder->framed && i < finder->pair_count; i++) {
		const struct pair *pair = &finder->pairs[i];
		const uint64_t to = pair->address + ZONE_BYTES + REACH;

		if (pair->kind != PAIR_CALL)
			continue;
		if (done + ZONE_BEFORE + REACH < pair->address)
			done = pair->address - ZONE_BEFORE - REACH;
		while (done < to)
			done = take_neighbour(finder, done, to);
	}
	return finder->decoded <= BODIES_BYTES_MAX ||
	       err_set(err, EXIT_FAILED, "there is too much to decode");
}
