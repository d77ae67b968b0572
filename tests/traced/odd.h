/* Programs that do odd things while they are traced, one function each; the table is in odd.c. Each
 * expects what it does, and returns its exit status. */
#ifndef TESTS_TRACED_ODD_H
#define TESTS_TRACED_ODD_H

#include "tests/traced/actor.h"

/* What is on the command line behind FILE; or null. */
extern const char *odd_word;
/* The file of expectations, for what moves elsewhere. */
extern const char *odd_file;

/* Locks and unlocks a mutex so many times. */
void odd_lock(unsigned long times);
/* So many threads at once; each locks 10 times. */
void odd_threads(int count);
/* A forked child that locks 10 times, and a thread in it. */
void odd_fork(void);

/* The program's end is expected, and its library's; and written down. */
void odd_end(void);

int odd_signals(void);
int odd_jumps(void);
int odd_cancels(void);
int odd_errno(void);
int odd_ends(void);
int odd_library(void);
int odd_many_ends(void);
int odd_fork_beside_threads(void);
int odd_detached(void);
int odd_calls(void);
int odd_calls_in_handlers(void);
int odd_cancels_calls(void);
int odd_strict(void);
int odd_gil_states(void);

#endif
