/* Makes and keeps the memory that is shared with the traced processes. */
#include "tracer/launcher/memory.h"

#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#define TMPFS_MAGIC_NUMBER 0x01021994
/* Below this there is no point in beginning. */
#define ROOM_BYTES (UINT64_C(8) << 20)

static bool has_room(const char *folder, bool tmpfs)
{
	struct statfs system;

	return folder && access(folder, W_OK | X_OK) == 0 && statfs(folder, &system) == 0 &&
	       (!tmpfs || system.f_type == TMPFS_MAGIC_NUMBER) &&
	       system.f_bavail * (uint64_t)system.f_bsize >= ROOM_BYTES;
}

static const char *choose_place(void)
{
	const char *const folders[] = { "/dev/shm", getenv("XDG_RUNTIME_DIR"), getenv("TMPDIR"),
					"/tmp", NULL };

	/* Only tmpfs never makes a thread wait for a disk. */
	for (int tmpfs = 1; tmpfs >= 0; tmpfs--) {
		for (int i = 0; i < 4; i++) {
			if (has_room(folders[i], tmpfs))
				return folders[i];
		}
	}
	return NULL;
}

static bool raw_counter_is_trusted(void)
{
#if defined(__x86_64__)
	char text[256] = "";
	FILE *file =
		fopen("/sys/devices/system/clocksource/clocksource0/available_clocksource", "re");

	if (!file)
		return false;
	/* The kernel strikes it from the list when it runs apart between CPUs, or stops. */
	if (!fgets(text, sizeof(text), file))
		text[0] = '\0';
	fclose(file);
	return strstr(text, "tsc") != NULL;
#else
	return true;
#endif
}

static uint32_t choose_counter(const char *counter)
{
	if (strcmp(counter, "auto") == 0)
		return raw_counter_is_trusted() ? ARENA_RAW : ARENA_NANOSECONDS;
	return strcmp(counter, "raw") == 0 ? ARENA_RAW : ARENA_NANOSECONDS;
}

/* Locked here and never unlocked: the kernel marks it when this process is no more. */
static void lock_alive(pthread_mutex_t *alive)
{
	pthread_mutexattr_t attributes;

	pthread_mutexattr_init(&attributes);
	pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
	pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
	pthread_mutex_init(alive, &attributes);
	pthread_mutex_lock(alive);
	pthread_mutexattr_destroy(&attributes);
}

struct trace_clock memory_clock(const struct arena *arena)
{
	const struct clock_pair pair = clock_pair_now();

	return (struct trace_clock){ .raw = arena->counter == ARENA_RAW ? pair.raw : pair.ns,
				     .monotonic_ns = pair.ns,
				     .realtime_ns = clock_now_ns_of(CLOCK_REALTIME) };
}

static void fill_head(struct arena *arena, const char *counter)
{
	struct stat self;

	arena->magic = ARENA_MAGIC;
	arena->bytes = ARENA_BYTES;
	if (getrandom(arena->uuid, sizeof(arena->uuid), 0) < 0)
		memset(arena->uuid, 0x55, sizeof(arena->uuid));
	arena->counter = choose_counter(counter);
	arena->start = memory_clock(arena);
	if (lstat("/proc/self", &self) == 0)
		arena->proc = self.st_dev;
	lock_alive(&arena->alive);
}

static bool map(struct memory *memory, const char *counter, struct err *err)
{
	char path[PATH_MAX];
	void *at;

	snprintf(path, sizeof(path), "%s/%s", memory->folder, ARENA_FILE);
	memory->fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (memory->fd < 0)
		return err_set(err, EXIT_IMPOSSIBLE, "cannot make '%s': %s", path, strerror(errno));
	if (ftruncate(memory->fd, (off_t)ARENA_BYTES) != 0 ||
	    (errno = posix_fallocate(memory->fd, 0, (off_t)ARENA_HEAD_BYTES)) != 0)
		return err_set(err, EXIT_IMPOSSIBLE, "cannot make room in '%s': %s", path,
			       strerror(errno));
	at = mmap(NULL, ARENA_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, memory->fd, 0);
	if (at == MAP_FAILED)
		return err_set(err, EXIT_IMPOSSIBLE, "cannot map '%s': %s", path, strerror(errno));
	memory->arena = at;
	fill_head(memory->arena, counter);
	return true;
}

bool memory_create(struct memory *memory, const char *library, const char *counter, struct err *err)
{
	const char *place = choose_place();

	*memory = (struct memory){ .fd = -1, .high_large = ARENA_SMALL_RINGS };
	if (!place)
		return err_set(err, EXIT_IMPOSSIBLE,
			       "no room to record in /dev/shm, $TMPDIR or /tmp: %llu MB are needed",
			       (unsigned long long)(ROOM_BYTES >> 20));
	snprintf(memory->folder, sizeof(memory->folder), "%s/gilscope-XXXXXX", place);
	if (!mkdtemp(memory->folder)) {
		err_set(err, EXIT_IMPOSSIBLE, "cannot make '%s': %s", memory->folder,
			strerror(errno));
		memory->folder[0] = '\0';
		return false;
	}
	snprintf(memory->library, sizeof(memory->library), "%s/%s", memory->folder, ARENA_LIBRARY);
	if (symlink(library, memory->library) != 0) {
		err_set(err, EXIT_IMPOSSIBLE, "cannot make '%s': %s", memory->library,
			strerror(errno));
		memory_destroy(memory);
		return false;
	}
	if (map(memory, counter, err)) {
		memory->made = true;
		return true;
	}
	memory_destroy(memory);
	return false;
}

bool memory_open(struct memory *memory, const char *folder, struct err *err)
{
	char path[PATH_MAX];
	struct stat file;
	void *at;

	*memory = (struct memory){ .fd = -1,
				   .high_small = ARENA_SMALL_RINGS,
				   .high_large = ARENA_RINGS };
	snprintf(path, sizeof(path), "%s/%s", folder, ARENA_FILE);
	memory->fd = open(path, O_RDWR | O_CLOEXEC);
	if (memory->fd < 0)
		return err_set(err, EXIT_IMPOSSIBLE, "cannot open '%s': %s", path, strerror(errno));
	if (fstat(memory->fd, &file) == 0 && (uint64_t)file.st_size == ARENA_BYTES) {
		at = mmap(NULL, ARENA_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, memory->fd, 0);
		if (at != MAP_FAILED)
			memory->arena = at;
	}
	if (!memory->arena || memory->arena->magic != ARENA_MAGIC ||
	    memory->arena->bytes != ARENA_BYTES) {
		memory_destroy(memory);
		return err_set(err, EXIT_IMPOSSIBLE, "'%s' is no memory of this gilscope", path);
	}
	if (arena_launcher_lives(memory->arena)) {
		memory_destroy(memory);
		return err_set(err, EXIT_IMPOSSIBLE,
			       "the recording still goes on: its launcher lives");
	}
	snprintf(memory->folder, sizeof(memory->folder), "%s", folder);
	snprintf(memory->library, sizeof(memory->library), "%s/%s", folder, ARENA_LIBRARY);
	return true;
}

static bool make_ready(struct memory *memory, uint32_t index, _Atomic uint32_t *ready)
{
	struct arena_ring *ring = &memory->arena->rings[index];

	if (!memory->allocated[index]) {
		if (posix_fallocate(memory->fd, (off_t)arena_ring_offset(index),
				    (off_t)arena_ring_bytes(index)) != 0) {
			memory->exhausted |= index < ARENA_SMALL_RINGS;
			return false;
		}
		memory->allocated[index] = true;
	}
	memset(ring, 0, sizeof(*ring));
	atomic_store_explicit(&ring->granted, arena_ring_bytes(index), memory_order_relaxed);
	/* [ring-ready] Who claims it finds it zeroed and granted. */
	atomic_store_explicit(&memory->arena->states[index], RING_READY, memory_order_release);
	atomic_fetch_add_explicit(ready, 1, memory_order_relaxed);
	return true;
}

/* 'none': all of them are in use. */
static bool prepare(struct memory *memory, uint32_t from, uint32_t to, uint32_t want,
		    _Atomic uint32_t *ready, bool *none)
{
	bool made = false;
	uint32_t i;

	for (i = from; i < to && atomic_load_explicit(ready, memory_order_relaxed) < want; i++) {
		uint32_t *high = i < ARENA_SMALL_RINGS ? &memory->high_small : &memory->high_large;

		if (atomic_load_explicit(&memory->arena->states[i], memory_order_relaxed) !=
		    RING_FREE)
			continue;
		if (!make_ready(memory, i, ready))
			break;
		made = true;
		if (i >= *high)
			*high = i + 1;
	}
	*none = i == to && atomic_load_explicit(ready, memory_order_relaxed) == 0;
	return made;
}

bool memory_prepare(struct memory *memory, uint32_t small, uint32_t large)
{
	struct arena *arena = memory->arena;
	bool made, exhausted, none, no_large;

	memory->exhausted = false;
	made = prepare(memory, 0, ARENA_SMALL_RINGS, small, &arena->ready_small, &none);
	/* Nobody waits for a large one: without it a thread waits for its own to be drained. */
	exhausted = memory->exhausted || none;
	made |= prepare(memory, ARENA_SMALL_RINGS, ARENA_RINGS, large, &arena->ready_large,
			&no_large);
	atomic_store_explicit(&arena->exhausted, exhausted, memory_order_relaxed);
	if (made || exhausted) {
		atomic_fetch_add_explicit(&arena->replenished, 1, memory_order_relaxed);
		syscall(SYS_futex, &arena->replenished, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
	}
	return made;
}

void memory_recycle(struct memory *memory, uint32_t index)
{
	atomic_store_explicit(&memory->arena->states[index], RING_FREE, memory_order_relaxed);
}

void memory_destroy(struct memory *memory)
{
	char path[PATH_MAX];

	if (memory->arena) {
		/* It is on this thread's list of robust mutexes, when we made it. */
		if (memory->made)
			pthread_mutex_unlock(&memory->arena->alive);
		munmap(memory->arena, ARENA_BYTES);
	}
	if (memory->fd >= 0)
		close(memory->fd);
	if (memory->folder[0]) {
		unlink(memory->library);
		snprintf(path, sizeof(path), "%s/%s", memory->folder, ARENA_FILE);
		unlink(path);
		rmdir(memory->folder);
	}
	memory->arena = NULL;
	memory->fd = -1;
	memory->folder[0] = '\0';
}
