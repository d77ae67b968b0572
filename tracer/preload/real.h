/* The functions that the hooks stand before, as the next object in the search order defines them:
 * libc, or another preloaded library. */
#ifndef TRACER_PRELOAD_REAL_H
#define TRACER_PRELOAD_REAL_H

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <threads.h>
#include <time.h>

#define INIT(name, kind, type, with, detail) int (*name)(type *, with);
#define DESTROY(name, kind, type) int (*name)(type *);
#define LOCK(name, kind, type, try) int (*name)(type *);
#define TIMEDLOCK(name, kind, type, try) int (*name)(type *, const struct timespec *);
#define CLOCKLOCK(name, kind, type, try) int (*name)(type *, clockid_t, const struct timespec *);
#define TRY(name, kind, type) int (*name)(type *);
#define RELEASE(name, kind, type) int (*name)(type *);
#define OTHER(result, name, parameters) result(*name) parameters;
#define CALLING(result, name, call, parameters, arguments) result(*name) parameters;
struct real {
#include "tracer/preload/hooks.def"
#if defined(__x86_64__)
	/* Programs linked before glibc 2.3.2 have conditions of another layout. */
	struct {
		int (*init)(pthread_cond_t *, const pthread_condattr_t *);
		int (*destroy)(pthread_cond_t *);
		int (*wait)(pthread_cond_t *, pthread_mutex_t *);
		int (*timedwait)(pthread_cond_t *, pthread_mutex_t *, const struct timespec *);
		int (*signal)(pthread_cond_t *);
		int (*broadcast)(pthread_cond_t *);
	} old;
#endif
};
#undef INIT
#undef DESTROY
#undef LOCK
#undef TIMEDLOCK
#undef CLOCKLOCK
#undef TRY
#undef RELEASE
#undef OTHER
#undef CALLING
extern struct real real __attribute__((visibility("hidden")));

/* Looks all up, once. */
void real_find(void);
/* One that is called before that is done: by a constructor that ran before ours, or by an allocator
 * while we look up. */
void *real_early(const char *name);

/* The real function; a hook may run before every constructor. */
#define REAL(name) \
	(__builtin_expect(real.name != NULL, 1) ? real.name : \
						  (__typeof__(real.name))real_early(#name))

#endif
