/* Syscall user dispatch: the kernel turns a system call of a thread into a SIGSYS, unless it is
 * made from this library's code; the handler sends the thread to a stub, which makes the call
 * there. Linux 5.11 and later; each thread has to ask for it, and so has each child. */
#ifndef TRACER_PRELOAD_DISPATCH_H
#define TRACER_PRELOAD_DISPATCH_H

#include "tracer/preload/stubs.h"

#include <stdbool.h>

/* For the calling thread and those that come. False: the kernel has no such thing. */
bool dispatch_start(void);
/* Whether what is caught has been missed by patches, and is recorded as such. */
void dispatch_audits(bool audits);
/* A new thread or child. */
void dispatch_arm(void);
/* Whether dispatch_start has been successful. */
bool dispatch_is_armed(void);
/* The program wants to use it itself: it is left to that. */
void dispatch_end(void);
/* Makes a call that must not touch our signal, and puts its result into rax; false: any other call.
 */
bool dispatch_look(struct stub_frame *frame);

#endif
