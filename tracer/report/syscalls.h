/* What the system calls of a trace came to: by call, by process and thread, what futex calls were
 * for, and what is not known of them. Fed by the analysis of locks (locks.h), whose objects are
 * what futex words belong to. Durations are raw units, from entry to return as recorded.
 *
 * A call counts when it begins in the window; its time does when it has ended. A call that never
 * returned, because a handler of a signal left it by a jump or its thread was killed, is
 * unfinished; exit, rt_sigreturn and an exec that succeeds are not.
 *
 * What a child does on its parent's memory, up to its exec or its end (vfork, posix_spawn), is in
 * the records of a thread of its parent, but it is the child's: a process of its own, and one with
 * the image that it executes when that is recorded. */
#ifndef TRACER_REPORT_SYSCALLS_H
#define TRACER_REPORT_SYSCALLS_H

#include "tracer/report/nest.h"
#include "tracer/report/object.h"

struct syscalls_tally {
	uint64_t calls, errors, futex;
	uint64_t time; /* of those that have ended */
};

struct syscalls_call {
	uint64_t calls, ended, errors;
	struct spread time;
};

/* The syscall instructions of an object. */
struct syscalls_sites {
	uint64_t base; /* of its module; of none: the vDSO */
	uint64_t found, patched;
	uint32_t process, next; /* next: index + 1 of the process's next; 0: none */
};

/* Calls that patches missed at an instruction. */
struct syscalls_missed {
	uint64_t instruction, calls;
	uint32_t slot; /* of the call that was made */
	uint32_t process, next;
};

struct syscalls_process {
	uint32_t process; /* index in the family; FAMILY_NONE: it left no records of its own */
	uint32_t parent;  /* index: of such a one */
	uint32_t pid;     /* 0: unknown */
	bool joined;      /* such a one whose calls are now those of the image that it executed */
	bool mode_known;
	uint8_t mode;         /* a trace_syscalls */
	uint64_t mode_reason; /* a trace_syscalls_reason */
	uint64_t begin;
	struct syscalls_tally tally;
	uint64_t *calls; /* by slot */
	uint32_t call_room;
	uint32_t sites, missed; /* index + 1 of the first; 0: none */
};

#define SYSCALLS_WORD_BITS 3

struct syscalls_thread {
	struct nest nest;
	struct syscalls_tally tally; /* less what children did in its records */
	uint32_t process;            /* whose calls are being recorded: an index here */
	bool missed;                 /* the next call, at: */
	uint64_t instruction;
	/* What futex words are parts of, by a hash of the word. */
	struct {
		uint64_t word;
		struct object *object;
		size_t objects; /* that there were when none was found */
	} words[1 << SYSCALLS_WORD_BITS];
};

struct syscalls {
	struct syscall_slots slots;
	struct syscalls_call calls[SYSCALL_SLOTS];
	struct syscalls_tally tally;
	struct syscalls_process *processes; /* those of the family, and behind them children */
	size_t process_count, process_room;
	struct syscalls_thread *threads;
	/* Of words that belong to no object: of threads, which are joined by them, and unknown. */
	struct futex_use joins[FUTEX_WAYS], unknown[FUTEX_WAYS];
	struct syscalls_sites *sites;
	size_t site_count, site_room;
	struct syscalls_missed *missed;
	size_t missed_count, missed_room;
	uint64_t missed_calls, missed_returns; /* the second: rt_sigreturn, left alone by intent */
};

/* Null: no memory. */
struct syscalls *syscalls_create(const struct family *family);
void syscalls_destroy(struct syscalls *syscalls);
/* All is read and the family is complete. False: no memory. */
bool syscalls_complete(struct syscalls *syscalls, const struct family *family);
/* Calls of a slot that had not ended. */
uint64_t syscalls_unfinished(const struct syscalls *syscalls, uint32_t slot);
/* Whether a process's calls were recorded, so that none are 0; of a child of vfork they were. */
bool syscalls_are_known(const struct syscalls_process *process);
/* Whether system calls of any process were recorded. */
bool syscalls_recorded(const struct syscalls *syscalls);

#endif
