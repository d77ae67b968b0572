/* The memory that the launcher shares with every traced process: one file on tmpfs, mapped
 * when a program starts, inherited by fork. A thread takes a ring of it without a system call, a
 * descriptor or a path, so tracing survives chroot, dropped privileges, closed descriptors and a
 * thousand threads. Both sides are of one build; nothing outside tracer/ reads it.
 *
 * A ring's life, by its state word:
 * 1. FREE: nobody's. The launcher allocates its pages in the file system, zeroes them and its
 *    header, grants it all, and makes it READY. [ring-ready]
 * 2. A thread makes it CLAIMED by compare-and-swap, writes down its process, and makes it RESERVED;
 *    the thread that will use it, which may be one that it creates, fills in who it is and makes
 *    it ACTIVE. [ring-active]
 * 3. Positions count bytes from 0 and are reduced to the ring's size. The thread writes below
 *    'granted'; the launcher copies what is committed to the thread's file, zeroes it, and raises
 *    'granted' by as much. [ring-grant] [record-commit]
 * 4. The thread makes it CLOSED when it ends or has moved to another ring, 'successor'; the
 *    launcher does so for the rings of a process that is no more. Drained, it is FREE again.
 *    [ring-closed]
 * 5. A thread that finds neither granted space nor a larger ring waits on 'granted'; it gives up,
 *    counting what it loses, only when the launcher says stop or is dead: the launcher holds a
 *    robust mutex, whose word the kernel marks when its owner dies. */
#ifndef TRACER_ARENA_H
#define TRACER_ARENA_H

#include "tracer/format.h"

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

#define ARENA_MAGIC UINT64_C(0x31616e657261736c)
#define ARENA_FILE \
	"arena" /* in the folder that holds the library, as the link it was preloaded by */
#define ARENA_LIBRARY "libgilscope-preload.so"

/* Most threads are slow: they keep a small ring. One that outruns the launcher gets a large one,
 * which at 5 million records a second lasts 50 ms, and when that is full another: a burst is taken
 * up by memory before a thread has to wait. */
#define ARENA_SMALL_RINGS 4096u
#define ARENA_LARGE_RINGS 256u
#define ARENA_RINGS (ARENA_SMALL_RINGS + ARENA_LARGE_RINGS)
#define ARENA_SMALL_BYTES (UINT64_C(64) << 10)
#define ARENA_LARGE_BYTES (UINT64_C(4) << 20)

enum arena_state { RING_FREE, RING_READY, RING_CLAIMED, RING_RESERVED, RING_ACTIVE, RING_CLOSED };

enum arena_stop {
	ARENA_RUNNING,
	ARENA_ENDED, /* the command is done; whoever still runs is no longer recorded */
	ARENA_FULL,  /* the output cannot be written */
};

/* How system calls are to be recorded. */
enum arena_syscalls {
	ARENA_SYSCALLS_OFF,
	ARENA_SYSCALLS_AUTO, /* patch, or dispatch where that cannot be */
	ARENA_SYSCALLS_PATCH,
	ARENA_SYSCALLS_AUDIT, /* patch, with dispatch behind */
	ARENA_SYSCALLS_DISPATCH,
};

/* Where the syscall instructions of an object are and how each can be patched is found out by the
 * launcher, once per object and trace; processes ask for it by the object's build-id:
 * 1. A process takes a FREE object by compare-and-swap, fills it in, and makes it ASKED; then it
 *    counts that in objects_asked, wakes the launcher, and sleeps on the state. [object-asked]
 * 2. The launcher reads the file, fills in sites, and makes it KNOWN, or UNKNOWN when it cannot be
 *    read or is another file. Neither changes any more. [object-known]
 * Whoever patches compares the bytes of each site with those in memory first. */
#define ARENA_OBJECTS 1024u
#define ARENA_SITES 16384u
#define ARENA_KEY_BYTES 32

enum arena_object_state {
	OBJECT_FREE,
	OBJECT_TAKEN,
	OBJECT_ASKED,
	OBJECT_KNOWN,
	OBJECT_UNKNOWN,
	OBJECT_ABANDONED, /* whoever took it was killed before it had said what it wants */
};

struct arena_object {
	_Atomic uint32_t state; /* futex */
	uint32_t pid;           /* of who asks, as the launcher's /proc knows it; 0: it does not */
	/* The build-id, cut or filled with zeros; zeros: it has none. */
	uint8_t key[ARENA_KEY_BYTES];
	char path[1024]; /* as that process sees it; "[vdso]": the kernel's */
	/* The launcher. */
	uint32_t first, count; /* in 'sites', by address */
};

/* How a site can be patched, by a jump of 5 bytes at its first byte. Its other instructions do the
 * same in a stub, in their order; just before the syscall instruction and just behind it rcx, r11
 * and the arithmetic flags are free. */
enum arena_shape {
	SITE_LEFT,   /* it cannot, safely */
	SITE_NUMBER, /* "mov $number, %eax" and the syscall instruction: 7 bytes, of which 5 change
		      */
	SITE_MOVED, /* whole instructions, before or behind the syscall instruction or both, that do
		     * the same elsewhere and that nobody jumps to: they are moved to a stub */
	SITE_RETURNS, /* rt_sigreturn of a signal frame's restorer: left as it is, for debuggers and
		       * unwinders tell such frames by these bytes */
};

struct arena_site {
	uint64_t address;  /* of the first byte, relative to the load address */
	uint32_t number;   /* SITE_NUMBER: of the call */
	uint8_t shape;     /* an arena_shape */
	uint8_t length;    /* of all instructions together, in bytes; SITE_LEFT: 2 */
	uint8_t at;        /* the syscall instruction's offset in them */
	uint8_t reason;    /* SITE_LEFT: a sites_reason, for people */
	uint8_t bytes[16]; /* what the site is */
};
_Static_assert(sizeof(struct arena_site) == 32, "sites lie close");

enum arena_counter { ARENA_RAW, ARENA_NANOSECONDS };

/* Lines are 64 bytes; who writes which is said at its first field. */
struct arena_ring {
	/* The launcher. */
	_Alignas(64) _Atomic uint64_t granted;
	uint64_t before; /* bytes of records in the thread's file before this ring's first */
	/* The thread. */
	_Alignas(64) _Atomic uint32_t waiting; /* for granted to grow */
	_Atomic uint32_t successor;            /* index + 1 */
	_Atomic uint64_t end; /* of a closed ring: all below is or will be written, nothing above */
	_Atomic uint64_t lost, stalls, stall_raw;
	/* The thread, before it makes the ring ACTIVE. */
	_Alignas(64) uint32_t number; /* of the thread in the trace */
	uint32_t predecessor;         /* index + 1 of the ring it continues */
	uint32_t process, parent, pid, tid;
	uint64_t proc;     /* the /proc that knows it (device), 0: none does */
	uint32_t proc_pid; /* and by which pid */
	uint64_t handle;
	char comm[16];
};

struct arena {
	uint64_t magic;
	uint64_t bytes; /* of the file: both sides agree on its layout */
	uint8_t uuid[16];
	uint32_t counter;  /* an arena_counter */
	uint32_t syscalls; /* an arena_syscalls */
	uint64_t proc;     /* the /proc of the launcher: device */
	struct trace_clock start;
	/* Held by the launcher while it lives; its first int is the futex word. */
	pthread_mutex_t alive;
	/* The launcher. */
	_Alignas(64) _Atomic uint32_t stop;        /* an arena_stop */
	_Atomic uint32_t ready_small, ready_large; /* counted up by the launcher, down by threads */
	_Atomic uint32_t replenished;              /* futex: rings became ready, or cannot */
	_Atomic uint32_t exhausted; /* the file system has no room for another small ring */
	/* Threads. */
	_Alignas(64) _Atomic uint32_t wanted; /* futex: the launcher sleeps on it */
	_Atomic uint32_t processes, threads;  /* numbers given so far */
	_Atomic uint64_t lost;                /* events of threads that got no ring */
	_Alignas(64) _Atomic uint32_t states[ARENA_RINGS];
	struct arena_ring rings[ARENA_RINGS];
	/* Both. */
	_Atomic uint32_t objects_asked; /* counted up when an object becomes ASKED */
	struct arena_object objects[ARENA_OBJECTS];
	/* The launcher. */
	struct arena_site sites[ARENA_SITES];
};

/* Whole pages, of any size that Linux has. */
#define ARENA_HEAD_BYTES ((sizeof(struct arena) + 65535) / 65536 * 65536)
#define ARENA_BYTES \
	(ARENA_HEAD_BYTES + ARENA_SMALL_RINGS * ARENA_SMALL_BYTES + \
	 ARENA_LARGE_RINGS * ARENA_LARGE_BYTES)

static inline uint64_t arena_ring_bytes(uint32_t index)
{
	return index < ARENA_SMALL_RINGS ? ARENA_SMALL_BYTES : ARENA_LARGE_BYTES;
}

/* Where in the file a ring's records are. */
static inline uint64_t arena_ring_offset(uint32_t index)
{
	if (index < ARENA_SMALL_RINGS)
		return ARENA_HEAD_BYTES + index * ARENA_SMALL_BYTES;
	return ARENA_HEAD_BYTES + ARENA_SMALL_RINGS * ARENA_SMALL_BYTES +
	       (index - ARENA_SMALL_RINGS) * ARENA_LARGE_BYTES;
}

static inline struct record *arena_records(struct arena *arena, uint32_t index)
{
	return (struct record *)((char *)arena + arena_ring_offset(index));
}

/* The kernel sets this bit in the word of a robust mutex whose owner has died (FUTEX_OWNER_DIED).
 */
static inline int arena_launcher_lives(const struct arena *arena)
{
	return (__atomic_load_n((const unsigned *)&arena->alive, __ATOMIC_RELAXED) & 0x40000000) ==
	       0;
}

#endif
