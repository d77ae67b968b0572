/* What the files of this folder share while they look at one object.
 *
 * Why a patch is safe:
 * 1. Where instructions begin is known: the function is decoded from its first byte, and every byte
 *    of it is decoded. (A pair of bytes that is the tail of an instruction is no site.)
 * 2. Of a site's bytes only those of the jump change; they are whole instructions, or the one that
 *    loads the number, and nobody enters them but at the first byte. Who could: direct jumps and
 *    calls (of 32 bits: every offset of the code is taken for one, wherever they are; of 8 bits:
 *    all functions within reach are decoded), pointers (every aligned word of the object is taken
 *    for one, so relocations, symbols and tables of addresses are covered; and every lea of an
 *    address relative to the instruction), tables of offsets (every lea's target is taken for one,
 *    up to the next), unwinders (the tables of landing pads), and in an object that cannot be
 *    moved every immediate value. A function that jumps to a register otherwise than a switch
 *    does, by a table that was found, computes: then nothing is moved. Return addresses are behind
 *    calls, which are not moved.
 * 3. What is moved does the same elsewhere: it is on a list of plain instructions, and uses
 *    neither its own address nor changes the stack pointer.
 * 4. A stub destroys rcx and r11, as the kernel does, and flags, which the kernel keeps: what
 *    follows must write them before it reads them. */
#ifndef TRACER_SITES_FIND_H
#define TRACER_SITES_FIND_H

#include "tracer/sites/frames.h"
#include "tracer/sites/sites.h"

/* The bytes around a syscall instruction that a site of at most 16 bytes can have. */
#define ZONE_BEFORE 16
#define ZONE_BYTES 34
#define PAIR_BEFORE 16

enum pair_kind {
	PAIR_UNSEEN,
	PAIR_CALL,     /* is a syscall instruction */
	PAIR_DOUBTFUL, /* may be one */
	PAIR_TAIL,     /* of another instruction */
};

/* Two bytes that may be a syscall instruction. */
struct pair {
	uint64_t address;
	uint64_t targets; /* bit i: something jumps to address - ZONE_BEFORE + i */
	uint32_t body;    /* index of its function */
	uint8_t kind;     /* a pair_kind */
	uint8_t reason;   /* of a doubtful one, a sites_reason */
	/* The lengths of the instructions before it, the nearest first. */
	uint8_t before_count, before[PAIR_BEFORE];
};

/* A function that holds a pair. */
struct body {
	struct function function;
	uint64_t begin, end; /* where its code does, with what it falls into */
	bool whole;          /* all of it could be decoded */
	bool switches;       /* it jumps by a table of offsets */
	bool computes;       /* it jumps to what is in a register, some other way */
	bool table;          /* a table, or another pointer, leads into it */
	bool landings;       /* its landing pads are known */
};

struct decoder;

struct finder {
	const struct image *image;
	struct frames frames;
	bool framed; /* there are frames */
	struct decoder *decoder;
	struct pair *pairs; /* by address */
	size_t pair_count, pair_room;
	struct body *bodies; /* by address */
	size_t body_count, body_room;
	uint64_t decoded; /* bytes */
};

bool find_sites(struct image *image, struct sites *sites, struct err *err);

/* Something jumps to this address. */
void find_target(struct finder *finder, uint64_t address);
/* The function with this address; null: none that holds a pair. */
struct body *find_body(struct finder *finder, uint64_t address);

#endif
