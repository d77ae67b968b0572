/* How threads and processes come by their rings. All of it is rare, saves errno, and runs with
 * signals blocked where it matters. */
#ifndef TRACER_PRELOAD_ATTACH_H
#define TRACER_PRELOAD_ATTACH_H

#include "tracer/preload/ring.h"

/* A ring for a thread to come; null when there is none. */
struct ring *attach_spare(void);
void attach_give_back(struct ring *ring);
/* Whether it is a spare ring still, and no thread's. */
bool attach_is_reserved(const struct ring *ring);
/* From now on another thread, or a child, shares the calling thread's thread-local storage. */
void attach_share(void);
bool attach_shares(void);
/* The ring of a thread that shares; null: there is none for it. */
struct ring *attach_mine(void);
/* The ring of that place; one that is nobody's when there is none. */
struct ring *attach_ring(unsigned place);
/* The calling process, as the launcher's /proc knows it; 0: it does not. */
uint32_t attach_proc_pid(void);
/* The calling thread takes over a spare ring, unless it has done so. */
void attach_adopt(struct ring *ring);
/* A ring that outran the launcher is exchanged for another, a large one; false: there is none.
 * 'at' is the first position that will not be written in the old one. */
bool attach_larger(struct ring *ring, uint64_t at);
/* After a fork, where the kernel did not empty the bookkeeping. */
void attach_forked(void);
/* True when nothing is recorded any more: the launcher said so or is dead. */
bool attach_stopped(void);
/* The calling thread is a vfork's child. */
void attach_borrow(void);
/* True in the child of vfork, which runs on its parent's memory; and, where a filter forbids to
 * ask, in its parent from then on. */
bool attach_borrowed(void);
/* The command has ended, and recording with it: nothing is lost by that. */
bool attach_ended(void);
/* From now on no system call that can be done without. */
void attach_be_quiet(void);
bool attach_is_quiet(void);
/* The calling thread is in seccomp's strict mode and records no more: it must not read the counter.
 */
void attach_be_strict(void);
bool attach_is_strict(void);
/* Asks the launcher to look at the rings. */
void attach_wake_launcher(void);
/* Our library as LD_PRELOAD named it; null when not recording. */
const char *attach_library(void);
/* Events of a thread that could get no ring. */
void attach_lost(unsigned events);

#endif
