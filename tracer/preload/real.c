/* Looks up what the hooks stand before. dlsym with RTLD_NEXT searches behind the object that calls
 * it, which it tells from the return address: the calls must not become tail calls, so each result
 * is stored. */
#include "tracer/preload/real.h"

#include "tracer/preload/ring.h"

#include <dlfcn.h>

struct real real;

void real_find(void)
{
#define FIND(name) *(void **)&real.name = dlsym(RTLD_NEXT, #name);
#define INIT(name, kind, type, with, detail) FIND(name)
#define DESTROY(name, kind, type) FIND(name)
#define LOCK(name, kind, type, try) FIND(name)
#define TIMEDLOCK(name, kind, type, try) FIND(name)
#define CLOCKLOCK(name, kind, type, try) FIND(name)
#define TRY(name, kind, type) FIND(name)
#define RELEASE(name, kind, type) FIND(name)
#define OTHER(result, name, parameters) FIND(name)
#define CALLING(result, name, call, parameters, arguments) FIND(name)
#include "tracer/preload/hooks.def"
#if defined(__x86_64__)
	/* dlsym has given the oldest version of a name before (glibc bug 14932). */
#define FIND_COND(name) \
	do { \
		void *now = dlvsym(RTLD_NEXT, "pthread_cond_" #name, "GLIBC_2.3.2"); \
		void *old = dlvsym(RTLD_NEXT, "pthread_cond_" #name, "GLIBC_2.2.5"); \
\
		if (now) \
			*(void **)&real.pthread_cond_##name = now; \
		*(void **)&real.old.name = old ? old : *(void **)&real.pthread_cond_##name; \
	} while (0)
	FIND_COND(init);
	FIND_COND(destroy);
	FIND_COND(wait);
	FIND_COND(timedwait);
	FIND_COND(signal);
	FIND_COND(broadcast);
#endif
}

void *real_early(const char *name)
{
	void *found;

	recorder_start();
	found = dlsym(RTLD_NEXT, name);
	return found;
}
