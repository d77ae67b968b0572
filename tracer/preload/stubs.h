/* Stubs: what a thread runs instead of a syscall instruction, to record the call and its result.
 * They are fixed code, a slot for each instruction; what differs is in a table. All of it lies in
 * the library's own code: the range from which dispatch lets calls through, and for which unwinders
 * find a rule.
 *
 * A stub is reached by a jump in the place of the instruction, or from dispatch's signal handler.
 * 1. It changes rcx and r11, which the kernel destroys anyway, and the flags, which nobody needs
 * there (tracer/sites/find.h). What it keeps is on the stack, behind the red zone, and not across
 * the call: behind a clone there may be another stack. A ring is no place to keep anything: the
 * child of a fork in a signal handler comes back to the same slot, which may be another record's by
 * then.
 * 2. What is not hot is in C: all registers are saved for that, vector registers too.
 * 3. To unwinders a stub is a frame without size, whose caller is at the syscall instruction: so a
 *    thread that is cancelled within it unwinds as it would have there. */
#ifndef TRACER_PRELOAD_STUBS_H
#define TRACER_PRELOAD_STUBS_H

#define STUBS 1024
#define STUB_ENTRY_BYTES 32 /* in the table */
#define STUB_BYTES 256      /* of hot code */
#define STUB_COLD_BYTES 256
#define STUB_MOVED_BYTES 64 /* for instructions that are moved from a site; two for each stub */
#define STUB_MOVED_ROOM 56  /* of which so many can be written */
#define STUB_NUMBERS 512

/* Offsets in struct stub, struct ring and struct stub_frame; checked in syscalls.c. */
#define STUB_BACK 0
#define STUB_SITE 8
#define STUB_NUMBER 16
#define STUB_RING_NEXT 0
#define STUB_RING_LIMIT 8
#define STUB_RING_MASK 16
#define STUB_RING_RECORDS 24
#define STUB_RING_PLACE 56
#define STUB_FRAME_STUB 72

#ifndef __ASSEMBLER__

#include <stdatomic.h>
#include <stdint.h>

struct stub {
	uint64_t back;         /* where it goes when the call is over */
	_Atomic uint64_t site; /* the syscall instruction; 0: the slot is free */
	uint32_t number;       /* of the call, where the site's own code set it, else STUB_ANY */
	uint32_t patched;      /* a jump leads here from its object */
	uint64_t object;       /* the load address of what the site is in */
};
#define STUB_ANY UINT32_MAX

/* The registers as a stub was left; what is changed here is changed there. */
struct stub_frame {
	uint64_t rbx, r10, r9, r8, rdx, rsi, rdi, rax;
	uint64_t at; /* in: a place in a ring and the ring's, see stubs.S; out: where to go on */
	struct stub *stub;
};

/* Where a slot is entered and left: in the hot code, and in the cold. */
struct stub_ways {
	uint32_t plain; /* the number is in eax; at the beginning: it is in the table */
	uint32_t call;  /* makes the call */
	uint32_t done;
	uint32_t any;   /* the number is in eax, and may be one that C looks at */
	uint32_t look;  /* C looks at it */
	uint32_t spawn; /* makes a call that returns in two threads */
};

#define STUB_HIDDEN __attribute__((visibility("hidden")))
extern struct stub stub_table[STUBS] STUB_HIDDEN;
extern const unsigned char stub_code[STUBS][STUB_BYTES] STUB_HIDDEN;
extern const unsigned char stub_cold[STUBS][STUB_COLD_BYTES] STUB_HIDDEN;
extern unsigned char stub_moved[STUBS][2][STUB_MOVED_BYTES] STUB_HIDDEN;
extern const struct stub_ways stub_ways STUB_HIDDEN;
/* Read by the stubs. 1: C looks at calls of this number. */
extern unsigned char stub_specials[STUB_NUMBERS] STUB_HIDDEN;
/* What C may change of the processor's state, as xsave has it (0: only fxsave is there), and the
 * room that it takes. */
extern uint32_t stub_state_mask STUB_HIDDEN, stub_state_bytes STUB_HIDDEN;

static inline uint64_t stub_hot_at(const struct stub *stub, uint32_t way)
{
	return (uint64_t)(uintptr_t)&stub_code[stub - stub_table][way];
}

static inline uint64_t stub_cold_at(const struct stub *stub, uint32_t way)
{
	return (uint64_t)(uintptr_t)&stub_cold[stub - stub_table][way];
}

/* What stubs call: a record that finds no room, before and after the call; a call that C looks at;
 * a call's second return. */
void stub_enter_slow(struct stub_frame *frame);
void stub_exit_slow(struct stub_frame *frame);
void stub_look(struct stub_frame *frame);
void stub_child(struct stub_frame *frame);
/* What a signal handler of ours returns to. */
void stub_restorer(void);

#endif
#endif
