/* Calls that may block: recorded before, and then jumped to. Nothing of ours is left on the stack,
 * so errno, cancellation, signals that interrupt, and the child of vfork find what they would
 * without us. What the recorder itself calls is none of these: it would record itself. */

/* pread and pread64 are two names, and both are wanted. */
#undef _FILE_OFFSET_BITS
#include "tracer/preload/attach.h"
#include "tracer/preload/real.h"
#include "tracer/preload/syscalls.h"

#include <sys/file.h>
#include <sys/sendfile.h>
#include <unistd.h>

/* What programs call that are built with _FORTIFY_SOURCE, as Debian's are; in no header. */
extern ssize_t __read_chk(int fd, void *to, size_t size, size_t room);
extern ssize_t __pread_chk(int fd, void *to, size_t size, off_t at, size_t room);
extern ssize_t __pread64_chk(int fd, void *to, size_t size, off64_t at, size_t room);
extern ssize_t __recv_chk(int fd, void *to, size_t size, size_t room, int flags);
extern ssize_t __recvfrom_chk(int fd, void *to, size_t size, size_t room, int flags,
			      __SOCKADDR_ARG from, socklen_t *length);
extern int __poll_chk(struct pollfd *fds, nfds_t count, int ms, size_t room);
extern int __ppoll_chk(struct pollfd *fds, nfds_t count, const struct timespec *limit,
		       const sigset_t *mask, size_t room);

/* In seccomp's strict mode these are what a thread may still call, but it must not read the
 * counter; it has no ring then. */
static inline void about(enum trace_call call)
{
	if (syscalls_in_time)
		return;
	if (__builtin_expect(ring_current->limit != 0, 1) || !attach_is_strict())
		ring_event(TRACE_CALL, 0, call);
}

#define INIT(name, kind, type, with, detail)
#define DESTROY(name, kind, type)
#define LOCK(name, kind, type, try)
#define TIMEDLOCK(name, kind, type, try)
#define CLOCKLOCK(name, kind, type, try)
#define TRY(name, kind, type)
#define RELEASE(name, kind, type)
#define OTHER(result, name, parameters)
#define CALLING(result, name, call, parameters, arguments) \
	result name parameters \
	{ \
		about(TRACE_CALL_##call); \
		return REAL(name) arguments; \
	}

#include "tracer/preload/hooks.def"
