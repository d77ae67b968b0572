/* What traced programs say about their own trace: each counts what it does, and writes down at its
 * end how many events of each kind its trace must show. */
#ifndef TESTS_TRACED_EXPECT_H
#define TESTS_TRACED_EXPECT_H

#include "tracer/format.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* A process begins to count: a new one, or an image of one; 'generation' counts the images that a
 * pid has had. It appends to the file 'path'. */
void expect_begin(const char *path, int generation);
/* One event, with an errno or 0. */
void expect(unsigned kind, int error);
void expect_many(unsigned kind, unsigned long count);
/* The number of these depends on who comes first. */
void expect_unknown(unsigned kind);
/* So many, from 'low' to 'high'; they are not counted else. */
void expect_between(unsigned kind, unsigned long low, unsigned long high);
/* The file is called so from now on. */
void expect_move(const char *path);
/* The threads that acquired an object, in their order. */
void expect_order(unsigned kind, const void *object, const pid_t *tids, size_t count);
/* Writes it down. */
void expect_end(void);

/* Ends the program when something did not go as the schedule has it. */
_Noreturn void must_fail(const char *what);
static inline void must(bool condition, const char *what)
{
	if (!condition)
		must_fail(what);
}
/* must: a result, zero or an errno, is the wanted one; and the event is expected. */
void must_be(int wanted, int result, const char *what);
/* Waits until a thread of a process sleeps in the kernel on a word of the object. */
void wait_until_blocked(pid_t pid, pid_t tid, const void *object, size_t size);
/* Whether it sleeps on any word, or in any other call. */
bool sleeps_in_futex(pid_t pid, pid_t tid);
bool sleeps_in_call(pid_t pid, pid_t tid);
/* Waits until a thread has computed for 20 ms from now on: it spins. */
void wait_until_spun(pid_t tid);

#endif
