/* Capstone, one instruction at a time, and what this folder wants to know of one. */
#ifndef TRACER_SITES_DECODER_H
#define TRACER_SITES_DECODER_H

#include "tracer/sites/image.h"

enum instruction_kind {
	INSTRUCTION_OTHER,
	INSTRUCTION_PLAIN,  /* does not read flags, and goes on behind itself */
	INSTRUCTION_COUNTS, /* the same, and writes all of them */
	INSTRUCTION_SYSCALL,
	INSTRUCTION_JUMP,   /* direct and always */
	INSTRUCTION_IF_NOT, /* jne */
	INSTRUCTION_CALL,
	INSTRUCTION_COMPUTED, /* a jump to what is in a register */
	INSTRUCTION_POINTED,  /* a jump to what is in memory */
	INSTRUCTION_ENDS,     /* ret, or no way on */
};

struct instruction {
	uint64_t address, target;
	uint8_t size;
	uint8_t kind;   /* an instruction_kind */
	bool jumps;     /* or calls, maybe: to 'target' */
	bool moves;     /* it is a mov */
	bool number;    /* of an immediate value to eax or rax */
	bool asks_zero; /* it tests whether a word in memory, or a bit of it, is zero */
	bool movable;   /* does the same elsewhere, and keeps the stack pointer */
};

struct decoder;

/* Null: no memory, or a capstone that cannot. */
struct decoder *decoder_create(void);
void decoder_destroy(struct decoder *decoder);
/* False: it is no known instruction, or is cut off at 'end'. */
bool decoder_step(struct decoder *decoder, const struct image *image, uint64_t address,
		  uint64_t end, struct instruction *instruction);

#endif
