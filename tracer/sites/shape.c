/* Chooses the bytes that a jump can stand in for: the instruction that loads the call's number, or
 * a run of instructions around the syscall instruction that can be moved. */
#include "tracer/sites/shape.h"

#include "tracer/sites/decoder.h"

#include <string.h>

#define JUMP_BYTES 5
#define SYSCALL_BYTES 2
#define SIGRETURN 15
/* How far flags are followed, until they are written. */
#define FOLLOWED 48
#define FOLLOWED_JUMPS 8

static bool is_target(const struct pair *pair, uint64_t address)
{
	return pair->targets >> (address + ZONE_BEFORE - pair->address) & 1;
}

static const uint8_t *bytes_at(const struct finder *finder, uint64_t address, uint64_t size)
{
	uint64_t room;
	const uint8_t *bytes = image_at(finder->image, address, &room);

	return bytes && room >= size ? bytes : NULL;
}

/* "mov $number, %eax" before the syscall instruction: the number and the length; 0: none. */
static unsigned number_before(const struct finder *finder, const struct pair *pair,
			      uint32_t *number)
{
	static const uint8_t wide[] = { 0x48, 0xc7, 0xc0 };
	const unsigned length = pair->before_count > 0 ? pair->before[0] : 0;
	const uint8_t *bytes = bytes_at(finder, pair->address - length, length);

	if (!bytes || !((length == 5 && bytes[0] == 0xb8) ||
			(length == 7 && memcmp(bytes, wide, sizeof(wide)) == 0)))
		return 0;
	memcpy(number, bytes + length - 4, sizeof(*number));
	return length;
}

/* Whether flags are written before they are read, whatever the call returns. The ABI has none
 * across calls and returns. */
static bool flags_are_dead(struct finder *finder, const struct pair *pair)
{
	uint64_t at = pair->address + SYSCALL_BYTES;
	unsigned jumps = 0;

	for (unsigned i = 0; i < FOLLOWED && jumps <= FOLLOWED_JUMPS; i++) {
		struct instruction found;

		if (!decoder_step(finder->decoder, finder->image, at, UINT64_MAX, &found))
			return false;
		switch (found.kind) {
		case INSTRUCTION_COUNTS:
		case INSTRUCTION_CALL:
		case INSTRUCTION_ENDS:
			return true;
		case INSTRUCTION_PLAIN:
		case INSTRUCTION_SYSCALL:
			at += found.size;
			break;
		case INSTRUCTION_JUMP:
			at = found.target;
			jumps++;
			break;
		default:
			return false;
		}
	}
	return false;
}

/* A word is tested, a jump goes elsewhere if it is not zero, arguments are loaded, and the kernel
 * is called, by a number that is an argument: so does __syscall_cancel_arch of glibc 2.41 and
 * later, and safe_syscall of qemu-user. Their signal handlers compare the interrupted place with
 * this code, to tell whether the test or the call came first; in a stub a signal would be missed.
 */
static bool is_watched(struct finder *finder, const struct pair *pair)
{
	uint64_t at = pair->address;
	bool branched = false;

	for (unsigned i = 0; i < pair->before_count; i++) {
		struct instruction found;

		at -= pair->before[i];
		if (!decoder_step(finder->decoder, finder->image, at, pair->address, &found) ||
		    found.number)
			return false;
		if (branched)
			return found.asks_zero;
		branched = found.kind == INSTRUCTION_IF_NOT;
		if (!branched && !found.moves)
			return false;
	}
	return false;
}

struct run {
	uint64_t begin, end;
};

/* Its instructions can be moved, and are not the load of the next site's number. */
static bool is_movable(struct finder *finder, uint64_t at, uint64_t end, uint8_t *size)
{
	const uint8_t *bytes = bytes_at(finder, at, JUMP_BYTES + SYSCALL_BYTES);
	struct instruction found;

	if (bytes && bytes[0] == 0xb8 && bytes[JUMP_BYTES] == 0x0f && bytes[JUMP_BYTES + 1] == 0x05)
		return false;
	if (!decoder_step(finder->decoder, finder->image, at, end, &found) || !found.movable)
		return false;
	*size = found.size;
	return true;
}

/* The run with that many instructions before, and as few as can be behind. */
static bool find_run(struct finder *finder, const struct pair *pair, unsigned before,
		     struct run *run)
{
	const uint64_t end = finder->bodies[pair->body].end;
	uint8_t size;

	run->begin = pair->address;
	run->end = pair->address + SYSCALL_BYTES;
	for (unsigned i = 0; i < before; i++) {
		run->begin -= pair->before[i];
		if (!is_movable(finder, run->begin, pair->address, &size))
			return false;
	}
	while (run->end - run->begin < JUMP_BYTES) {
		if (!is_movable(finder, run->end, end, &size))
			return false;
		run->end += size;
	}
	return run->end - run->begin <= sizeof(((struct arena_site *)NULL)->bytes);
}

static bool is_entered(const struct pair *pair, const struct run *run)
{
	for (uint64_t at = run->begin + 1; at < run->end; at++) {
		if (is_target(pair, at))
			return true;
	}
	return false;
}

/* What stands behind is preferred: then something may jump to the syscall instruction itself, as
 * loops do. */
static unsigned choose_run(struct finder *finder, const struct pair *pair, uint64_t from,
			   struct run *run)
{
	unsigned reason = SITES_UNMOVABLE;

	for (unsigned before = 0; before <= pair->before_count; before++) {
		if (!find_run(finder, pair, before, run) || run->begin < from)
			continue;
		if (!is_entered(pair, run))
			return SITES_NONE;
		reason = SITES_JUMPED_TO;
	}
	return reason;
}

static void fill(const struct finder *finder, const struct run *run, const struct pair *pair,
		 struct arena_site *site)
{
	const uint8_t *bytes = bytes_at(finder, run->begin, run->end - run->begin);

	site->address = run->begin;
	site->length = (uint8_t)(run->end - run->begin);
	site->at = (uint8_t)(pair->address - run->begin);
	if (bytes)
		memcpy(site->bytes, bytes, site->length);
}

/* Why the bytes must stay, whatever is around them. */
static unsigned must_stay(struct finder *finder, const struct pair *pair)
{
	if (pair->kind == PAIR_DOUBTFUL)
		return pair->reason;
	if (is_watched(finder, pair))
		return SITES_WATCHED;
	return flags_are_dead(finder, pair) ? SITES_NONE : SITES_FLAGS;
}

/* Why nothing in the function may be moved. Its numbers can be patched all the same: there the
 * syscall instruction stays, so a jump to it that was not seen would escape, and do no harm. */
static unsigned must_not_move(const struct body *body)
{
	if (!body->whole)
		return SITES_UNDECODED;
	return body->computes || (body->switches && !body->table) || !body->landings ?
		       SITES_COMPUTED :
		       SITES_NONE;
}

/* 'run' is the load of the number and the call, and becomes what is moved. */
static void choose_patch(struct finder *finder, const struct pair *pair, uint64_t from,
			 struct run *run, struct arena_site *site)
{
	if (pair->address - run->begin == JUMP_BYTES && run->begin >= from &&
	    !is_entered(pair, run)) {
		site->shape = SITE_NUMBER;
		return;
	}
	site->reason = (uint8_t)must_not_move(&finder->bodies[pair->body]);
	if (site->reason == SITES_NONE)
		site->reason = (uint8_t)choose_run(finder, pair, from, run);
	if (site->reason == SITES_NONE)
		site->shape = SITE_MOVED;
}

void shape_choose(struct finder *finder, const struct pair *pair, uint64_t from,
		  struct arena_site *site)
{
	const struct run call = { pair->address, pair->address + SYSCALL_BYTES };
	struct run run = call;
	uint32_t number = 0;

	*site = (struct arena_site){ .shape = SITE_LEFT };
	if (pair->kind == PAIR_CALL)
		run.begin -= number_before(finder, pair, &number);
	if (run.begin < call.begin && number == SIGRETURN) {
		site->shape = SITE_RETURNS;
	} else {
		site->reason = (uint8_t)must_stay(finder, pair);
		if (site->reason == SITES_NONE)
			choose_patch(finder, pair, from, &run, site);
	}
	if (site->shape == SITE_RETURNS || site->shape == SITE_NUMBER)
		site->number = number;
	fill(finder, site->shape == SITE_LEFT ? &call : &run, pair, site);
}
