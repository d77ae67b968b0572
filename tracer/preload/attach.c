/* Takes rings from the arena, for the threads of this process and of those forked from it. */
#include "tracer/preload/attach.h"

#include "tracer/preload/module.h"
#include "tracer/preload/real.h"
#include "tracer/preload/syscalls.h"
#include "tracer/preload/system.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef MADV_WIPEONFORK
#define MADV_WIPEONFORK 18
#endif

/* Private memory that the kernel empties in a forked child: a number of 0 says that this process
 * has not attached, and every ring that its threads could still point to says that it is nobody's.
 */
struct bookkeeping {
	_Alignas(4096) _Atomic uint32_t process;
	uint32_t parent, pid;
	uint64_t proc;
	uint32_t proc_pid;
	_Alignas(64) struct ring rings[ARENA_RINGS];
};

/* limit 0 sends every event to the slow path; next may grow as it likes. */
static struct ring nobody;
/* Threads that share their thread-local storage have this one: for each event the kernel is asked
 * which of them it is. */
static struct ring crowd;
__thread struct ring *ring_current __attribute__((tls_model("initial-exec"))) = &nobody;

static struct arena *arena;
static struct bookkeeping *own;
static uint32_t ancestor; /* the number of the last process that attached with this memory */
static pthread_key_t at_end;
static bool has_key;
static char library[PATH_MAX];
/* Where the process has mapped large rings; a forked child has them too. */
static void *large[ARENA_LARGE_RINGS];
static _Atomic int started;
static __thread bool strict __attribute__((tls_model("initial-exec")));
/* A child of vfork has run with this storage. */
static __thread bool borrowed __attribute__((tls_model("initial-exec")));
static bool quiet; /* a seccomp filter may forbid system calls that the program does not make */

const char *attach_library(void)
{
	return arena ? library : NULL;
}

static void futex_wake(_Atomic uint32_t *word, int count)
{
	SYSTEM(SYS_futex, word, FUTEX_WAKE, count);
}

void attach_be_quiet(void)
{
	quiet = true;
}

bool attach_is_quiet(void)
{
	return quiet;
}

void attach_be_strict(void)
{
	ring_close(ring_current);
	strict = true;
}

bool attach_is_strict(void)
{
	return strict;
}

void attach_wake_launcher(void)
{
	/* [ring-wanted] The launcher counts before it looks at the rings, and sleeps only if the
	 * count is still the same. */
	atomic_fetch_add_explicit(&arena->wanted, 1, memory_order_release);
	if (!quiet)
		futex_wake(&arena->wanted, 1);
}

bool attach_stopped(void)
{
	return atomic_load_explicit(&arena->stop, memory_order_relaxed) != ARENA_RUNNING ||
	       !arena_launcher_lives(arena);
}

bool attach_ended(void)
{
	return !arena || atomic_load_explicit(&arena->stop, memory_order_relaxed) == ARENA_ENDED;
}

void attach_lost(unsigned events)
{
	if (!attach_ended())
		atomic_fetch_add_explicit(&arena->lost, events, memory_order_relaxed);
}

/* Takes a ready ring out of a range; -1: there is none. */
static int claim(uint32_t from, uint32_t to, _Atomic uint32_t *ready)
{
	if (atomic_load_explicit(ready, memory_order_relaxed) == 0)
		return -1;
	for (uint32_t i = from; i < to; i++) {
		uint32_t state = RING_READY;

		/* [ring-ready] The ring is zeroed and granted before it is ready. */
		if (atomic_load_explicit(&arena->states[i], memory_order_relaxed) == RING_READY &&
		    atomic_compare_exchange_strong_explicit(&arena->states[i], &state, RING_CLAIMED,
							    memory_order_acquire,
							    memory_order_relaxed)) {
			atomic_fetch_sub_explicit(ready, 1, memory_order_relaxed);
			return (int)i;
		}
	}
	return -1;
}

static void give_back(uint32_t index, _Atomic uint32_t *ready)
{
	/* [ring-ready] As it was taken. */
	atomic_store_explicit(&arena->states[index], RING_READY, memory_order_release);
	atomic_fetch_add_explicit(ready, 1, memory_order_relaxed);
}

/* Waits for the launcher when a burst of threads has used up what was ready. */
static int claim_small(void)
{
	for (int tries = 0; tries < 250 && !attach_stopped(); tries++) {
		const uint32_t seen =
			atomic_load_explicit(&arena->replenished, memory_order_relaxed);
		const struct timespec limit = { .tv_nsec = 20000000 };
		const int index = claim(0, ARENA_SMALL_RINGS, &arena->ready_small);

		if (atomic_load_explicit(&arena->ready_small, memory_order_relaxed) < 8)
			attach_wake_launcher();
		if (index >= 0)
			return index;
		if (atomic_load_explicit(&arena->exhausted, memory_order_relaxed))
			return -1;
		SYSTEM(SYS_futex, &arena->replenished, FUTEX_WAIT, seen, &limit);
	}
	return -1;
}

static struct ring *set_up(uint32_t index)
{
	struct ring *ring = &own->rings[index];
	const uint32_t starts = atomic_load_explicit(&ring->starts, memory_order_relaxed);

	*ring = (struct ring){
		.mask = arena_ring_bytes(index) - 1,
		.records = arena_records(arena, index),
		.shared = &arena->rings[index],
		.place = index + 1,
		.starts = starts,
		.starts_before = starts,
	};
	return ring;
}

/* Says whose the ring is, so that it can be had again if the process ends before it is used. */
static struct ring *reserve(uint32_t index)
{
	struct ring *ring = set_up(index);
	struct arena_ring *shared = ring->shared;

	/* Nothing is allowed yet; 0 would say that raw counters cannot be used. */
	ring->limit = arena->counter == ARENA_RAW;
	shared->process = atomic_load_explicit(&own->process, memory_order_relaxed);
	shared->parent = own->parent;
	shared->pid = own->pid;
	shared->proc = own->proc;
	shared->proc_pid = own->proc_pid;
	/* [ring-active] */
	atomic_store_explicit(&arena->states[index], RING_RESERVED, memory_order_release);
	return ring;
}

static void identify(struct ring *ring, uint32_t number, uint32_t predecessor)
{
	struct arena_ring *shared = ring->shared;

	/* No two threads of a trace have the same, and sums with addresses are apart. */
	ring->token = number * UINT64_C(0x9e3779b97f4a7c15);
	shared->number = number;
	shared->predecessor = predecessor;
	shared->tid = (uint32_t)SYSTEM(SYS_gettid);
	shared->handle = pthread_self();
	SYSTEM(SYS_prctl, PR_GET_NAME, shared->comm);
	/* [ring-active] The launcher reads who it is when it sees it active. */
	atomic_store_explicit(&arena->states[ring->place - 1], RING_ACTIVE, memory_order_release);
}

static void block_signals(uint64_t *saved)
{
	const uint64_t all = UINT64_MAX;

	SYSTEM(SYS_rt_sigprocmask, SIG_SETMASK, &all, saved, sizeof(all));
}

static void restore_signals(const uint64_t *saved)
{
	SYSTEM(SYS_rt_sigprocmask, SIG_SETMASK, saved, NULL, sizeof(*saved));
}

/* The first thread of a process image, or of a forked child, gives the process its number: it is
 * alone then. */
static bool begin_process(void)
{
	char pid[16] = "";
	struct stat self = { 0 };

	if (atomic_load_explicit(&own->process, memory_order_relaxed) != 0)
		return false;
	own->parent = ancestor;
	own->pid = (uint32_t)SYSTEM(SYS_getpid);
	/* Pids differ between namespaces; what counts is which /proc knows us, and as whom. */
	if (SYSTEM(SYS_newfstatat, AT_FDCWD, "/proc/self", &self, AT_SYMLINK_NOFOLLOW) == 0 &&
	    SYSTEM(SYS_readlinkat, AT_FDCWD, "/proc/self", pid, sizeof(pid) - 1) > 0) {
		own->proc = self.st_dev;
		own->proc_pid = (uint32_t)strtoul(pid, NULL, 10);
	}
	ancestor = atomic_fetch_add_explicit(&arena->processes, 1, memory_order_relaxed) + 1;
	atomic_store_explicit(&own->process, ancestor, memory_order_relaxed);
	return true;
}

static uint32_t next_number(void)
{
	return atomic_fetch_add_explicit(&arena->threads, 1, memory_order_relaxed) + 1;
}

static bool has_ring(void)
{
	return ring_current->shared != NULL;
}

static struct ring *find_mine(uint32_t tid)
{
	for (uint32_t i = 0; i < ARENA_RINGS; i++) {
		const struct arena_ring *shared = own->rings[i].shared;

		if (shared && shared->tid == tid &&
		    atomic_load_explicit(&arena->states[i], memory_order_relaxed) == RING_ACTIVE)
			return &own->rings[i];
	}
	return NULL;
}

/* Of a thread that shares; it keeps it until its process ends, for its end is not seen. */
struct ring *attach_mine(void)
{
	const int saved_errno = errno;
	struct ring *ring = find_mine((uint32_t)SYSTEM(SYS_gettid));
	bool is_new = false;
	uint64_t saved;
	int index;

	if (!ring && !attach_stopped()) {
		block_signals(&saved);
		is_new = begin_process();
		index = claim_small();
		if (index >= 0) {
			ring = reserve((uint32_t)index);
			identify(ring, next_number(), 0);
		}
		restore_signals(&saved);
		if (is_new && ring)
			module_begin(TRACE_BY_FORK, own->pid);
	}
	errno = saved_errno;
	return ring;
}

void attach_share(void)
{
	if (has_ring())
		ring_current = &crowd;
}

bool attach_shares(void)
{
	return ring_current == &crowd;
}

bool ring_attach(void)
{
	const int saved_errno = errno;
	bool is_new = false;
	uint64_t saved;
	int index;

	recorder_start();
	if (!arena || attach_stopped())
		return false;
	if (attach_shares())
		return attach_mine() != NULL;
	block_signals(&saved);
	if (!has_ring()) {
		is_new = begin_process();
		index = claim_small();
		if (index >= 0) {
			struct ring *ring = reserve((uint32_t)index);

			identify(ring, next_number(), 0);
			ring_current = ring;
			if (has_key)
				pthread_setspecific(at_end, ring);
		}
	}
	restore_signals(&saved);
	if (is_new && has_ring())
		module_begin(own->parent == 0 ? TRACE_BY_EXEC : TRACE_BY_FORK, own->pid);
	errno = saved_errno;
	return has_ring();
}

struct ring *attach_spare(void)
{
	const int saved_errno = errno;
	const int index = ring_attach() ? claim_small() : -1;
	struct ring *ring = index >= 0 ? reserve((uint32_t)index) : NULL;

	/* The thread's start and its exit. */
	if (!ring)
		attach_lost(2);
	errno = saved_errno;
	return ring;
}

void attach_give_back(struct ring *ring)
{
	ring->shared = NULL;
	give_back(ring->place - 1, &arena->ready_small);
}

bool attach_is_reserved(const struct ring *ring)
{
	return ring->shared && atomic_load_explicit(&arena->states[ring->place - 1],
						    memory_order_relaxed) == RING_RESERVED;
}

struct ring *attach_ring(unsigned place)
{
	return place > 0 && place <= ARENA_RINGS ? &own->rings[place - 1] : &nobody;
}

uint32_t attach_proc_pid(void)
{
	return own->proc == arena->proc ? own->proc_pid : 0;
}

void attach_adopt(struct ring *ring)
{
	/* Where system calls are recorded it has been done before the thread's first. */
	if (ring_current == ring && !attach_is_reserved(ring))
		return;
	identify(ring, next_number(), 0);
	ring_current = ring;
	if (has_key)
		pthread_setspecific(at_end, ring);
}

static void close_at(struct ring *ring, uint64_t end)
{
	if (!ring->shared)
		return;
	atomic_store_explicit(&ring->shared->end, end, memory_order_relaxed);
	if (ring == ring_current)
		ring_current = &nobody;
	/* [ring-closed] Whoever sees it closed sees all that was recorded in it. */
	atomic_store_explicit(&arena->states[ring->place - 1], RING_CLOSED, memory_order_release);
}

void ring_close(struct ring *ring)
{
	uint64_t granted;

	if (!ring->shared)
		return;
	/* What was reserved beyond it has been lost. */
	granted = atomic_load_explicit(&ring->shared->granted, memory_order_relaxed);
	close_at(ring, ring->next < granted ? ring->next : granted);
}

/* Large rings are mapped when they are had, for address space may be dear: there is no descriptor
 * any more, but a shared mapping can be made again from any of its pages, and longer: here from the
 * last small ring. Null: no room. */
static void *map_large(uint32_t index)
{
	const uint32_t n = index - ARENA_SMALL_RINGS;
	const size_t page = ARENA_SMALL_BYTES, before = page + n * ARENA_LARGE_BYTES;
	char *last = (char *)arena + arena_ring_offset(ARENA_SMALL_RINGS) - page;
	long at;

	if (large[n])
		return large[n];
	at = SYSTEM(SYS_mremap, last, 0, before + ARENA_LARGE_BYTES, MREMAP_MAYMOVE);
	if (at < 0)
		return NULL;
	SYSTEM(SYS_munmap, at, before);
	large[n] = (char *)at + before;
	return large[n];
}

static struct ring *claim_large(void)
{
	const int index = claim(ARENA_SMALL_RINGS, ARENA_RINGS, &arena->ready_large);
	struct ring *ring;
	void *records;

	if (index < 0)
		return NULL;
	records = map_large((uint32_t)index);
	if (!records) {
		give_back((uint32_t)index, &arena->ready_large);
		return NULL;
	}
	ring = reserve((uint32_t)index);
	ring->records = records;
	return ring;
}

bool attach_larger(struct ring *ring, uint64_t at)
{
	const int saved_errno = errno;
	struct ring *larger;
	uint64_t saved;

	if (quiet || atomic_load_explicit(&arena->ready_large, memory_order_relaxed) == 0)
		return false;
	block_signals(&saved);
	/* A handler may have done it before signals were blocked. */
	larger = ring_current == ring ? claim_large() : NULL;
	if (larger) {
		larger->rounds = ring->rounds;
		larger->start = ring->start;
		larger->start_c11 = ring->start_c11;
		identify(larger, ring->shared->number, ring->place);
		atomic_store_explicit(&ring->shared->successor, larger->place,
				      memory_order_relaxed);
		close_at(ring, at);
		ring_current = larger; /* handlers are held off in between */
	}
	restore_signals(&saved);
	errno = saved_errno;
	return ring_current != ring;
}

/* Destructors of other libraries may still lock: this one lets them all go first, as long as there
 * are rounds. What is recorded after it goes into a ring of its own. */
static void thread_end(void *value)
{
	struct ring *ring = ring_current;

	if (!ring->shared)
		return;
	/* Its last system call is to come. */
	if (syscalls_recorded)
		return;
	if (++ring->rounds < PTHREAD_DESTRUCTOR_ITERATIONS)
		pthread_setspecific(at_end, value);
	else
		ring_close(ring);
}

static void map_arena(const char *path)
{
	const int fd = open(path, O_RDWR | O_CLOEXEC);
	struct stat file;
	void *at;

	if (fd < 0)
		return;
	if (fstat(fd, &file) == 0 && (uint64_t)file.st_size == ARENA_BYTES) {
		at = mmap(NULL, arena_ring_offset(ARENA_SMALL_RINGS), PROT_READ | PROT_WRITE,
			  MAP_SHARED, fd, 0);
		if (at != MAP_FAILED && ((struct arena *)at)->magic == ARENA_MAGIC &&
		    ((struct arena *)at)->bytes == ARENA_BYTES)
			arena = at;
	}
	close(fd);
}

void attach_forked(void)
{
	if (own && atomic_load_explicit(&own->process, memory_order_relaxed) == ancestor &&
	    own->pid != (uint32_t)SYSTEM(SYS_getpid))
		memset(own, 0, sizeof(*own));
}

void attach_borrow(void)
{
	borrowed = true;
}

bool attach_borrowed(void)
{
	if (quiet)
		return borrowed;
	return own && own->pid != 0 && own->pid != (uint32_t)SYSTEM(SYS_getpid);
}

static bool map_bookkeeping(void)
{
	void *at = mmap(NULL, sizeof(*own), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			0);

	if (at == MAP_FAILED)
		return false;
	own = at;
	/* Where the kernel cannot (before 4.14, or emulated: then it takes any advice), the child
	 * does it first of all. */
	if (madvise(at, sizeof(*own), MADV_WIPEONFORK) != 0 || madvise(at, sizeof(*own), -1) == 0)
		pthread_atfork(NULL, NULL, attach_forked);
	return true;
}

void recorder_start(void)
{
	char path[PATH_MAX];
	const char *slash;
	Dl_info info;

	if (atomic_exchange_explicit(&started, 1, memory_order_relaxed))
		return;
	real_find();
	if (!dladdr((void *)recorder_start, &info) || !info.dli_fname)
		return;
	slash = strrchr(info.dli_fname, '/');
	if (!slash || strlen(info.dli_fname) >= sizeof(library) ||
	    snprintf(path, sizeof(path), "%.*s/%s", (int)(slash - info.dli_fname), info.dli_fname,
		     ARENA_FILE) >= (int)sizeof(path))
		return;
	if (!map_bookkeeping())
		return;
	map_arena(path);
	if (!arena)
		return;
	snprintf(library, sizeof(library), "%s", info.dli_fname);
	has_key = pthread_key_create(&at_end, thread_end) == 0;
	if (ring_attach())
		syscalls_start(arena);
}

/* The first constructor of all: libc itself is not initialised, and 'environ' not yet set, so the
 * environment is taken from what the loader hands to constructors. */
__attribute__((constructor)) static void construct(int argc, char **argv, char **environment)
{
	(void)argc;
	(void)argv;
	recorder_start();
	if (arena)
		module_restore_environment(library, environment);
}
