/* System calls by their numbers of x86-64, which are a trace's wherever it is read: what they are
 * called, and what is to be known of each. */
#ifndef TRACER_SYSCALLS_H
#define TRACER_SYSCALLS_H

#include <stdbool.h>
#include <stdint.h>

/* The calls of which more is to be known than a table of names says. */
enum syscall_number {
	SYSCALL_NUMBER_RT_SIGRETURN = 15,
	SYSCALL_NUMBER_CLONE = 56,
	SYSCALL_NUMBER_VFORK = 58,
	SYSCALL_NUMBER_EXECVE = 59,
	SYSCALL_NUMBER_EXIT = 60,
	SYSCALL_NUMBER_FUTEX = 202,
	SYSCALL_NUMBER_EXIT_GROUP = 231,
	SYSCALL_NUMBER_EXECVEAT = 322,
	SYSCALL_NUMBER_CLONE3 = 435,
};

/* The errno of a result that is an error; 0 of others. */
static inline unsigned syscall_error(uint64_t result)
{
	return -result - 1 < 4095 ? (unsigned)-result : 0;
}

/* Longest name, and the 0 at its end. */
#define SYSCALL_NAME 32

/* "read"; of a number that has no name "syscall_451". In 'to', or for ever. */
const char *syscall_name(uint32_t number, char to[SYSCALL_NAME]);
/* Whether the first argument is a number, such as a descriptor, and not an address or none. */
bool syscall_takes_number(uint32_t number);
/* The trace_call that is this call, as which CALL would tell of it; TRACE_CALL_NONE. */
unsigned syscall_call(uint32_t number);

/* Numbers of calls as small indices, in the order in which they are seen. All zero has none. */
#define SYSCALL_SLOTS 640
#define SYSCALL_SLOT_DIRECT 512

struct syscall_slots {
	uint32_t numbers[SYSCALL_SLOTS];
	uint32_t count;
	uint16_t direct[SYSCALL_SLOT_DIRECT]; /* slot + 1; 0: not seen yet */
};

/* Of numbers that are no call's or new ones. */
uint32_t syscall_slot_rare(struct syscall_slots *slots, uint32_t number);

/* The last slot is of all numbers for which there are none left. */
static inline uint32_t syscall_slot(struct syscall_slots *slots, uint32_t number)
{
	if (number < SYSCALL_SLOT_DIRECT && slots->direct[number])
		return slots->direct[number] - 1u;
	return syscall_slot_rare(slots, number);
}

/* As syscall_name. */
const char *syscall_slot_name(const struct syscall_slots *slots, uint32_t slot,
			      char to[SYSCALL_NAME]);

/* How a process's calls are recorded, by its trace_syscalls: "patch,audit"; and why not, or not as
 * asked, in words, by its trace_syscalls_reason. */
const char *syscalls_mode(unsigned mode);
const char *syscalls_reason(uint64_t reason);

#endif
