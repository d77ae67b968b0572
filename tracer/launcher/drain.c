/* See the life of a ring in arena.h. */
#include "tracer/launcher/drain.h"

#include "base/clock.h"
#include "tracer/launcher/process.h"

#include <limits.h>
#include <linux/futex.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* So long a slot may stay unwritten: a signal handler that came between runs that long. */
#define PATIENCE_NS UINT64_C(2000000000)

struct drain {
	struct memory *memory;
	const char *folder;
	struct stream *streams[ARENA_RINGS];
	struct process_table *processes;
	struct drain_totals totals;
	uint64_t looked_ns;
	bool over;    /* nothing is written any more: what is not there will not come */
	bool resumed; /* after another launcher, which was killed */
};

struct drain *drain_create(struct memory *memory, const char *folder)
{
	struct drain *drain = calloc(1, sizeof(*drain));

	if (!drain)
		return NULL;
	drain->memory = memory;
	drain->folder = folder;
	drain->processes = process_table_create(memory->arena->proc);
	if (drain->processes)
		return drain;
	free(drain);
	return NULL;
}

struct drain *drain_resume(struct memory *memory, const char *folder)
{
	struct drain *drain = drain_create(memory, folder);

	if (drain)
		drain->resumed = true;
	return drain;
}

static void stop_recording(struct drain *drain, enum arena_stop why)
{
	struct arena *arena = drain->memory->arena;

	atomic_store_explicit(&arena->stop, why, memory_order_relaxed);
	/* Whoever waits for space or for a ring looks at 'stop' when it wakes. */
	for (uint32_t i = 0; i < ARENA_RINGS; i++) {
		if (atomic_load_explicit(&arena->rings[i].waiting, memory_order_relaxed))
			syscall(SYS_futex, &arena->rings[i].granted, FUTEX_WAKE, INT_MAX, NULL,
				NULL, 0);
	}
	syscall(SYS_futex, &arena->replenished, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

/* How many records from 'at' on are committed, without a gap, up to the ring's end or 'most'. */
static uint64_t committed(const struct record *at, uint64_t most)
{
	uint64_t n = 0;

	/* [record-commit] The operand of a record whose head is seen is there too. */
	while (n < most && __atomic_load_n(&at[n].head, __ATOMIC_ACQUIRE) != 0)
		n++;
	return n;
}

static void grant(struct arena_ring *ring, uint64_t bytes)
{
	/* [ring-grant] The slots are read and zeroed before the thread may write them again. */
	atomic_fetch_add_explicit(&ring->granted, bytes, memory_order_release);
	if (atomic_load_explicit(&ring->waiting, memory_order_relaxed))
		syscall(SYS_futex, &ring->granted, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

/* Writes what is committed to the file and frees it: at most what the ring holds, for its thread
 * may go on writing, and others wait too. */
static bool take(struct drain *drain, struct stream *stream)
{
	struct arena *arena = drain->memory->arena;
	const uint64_t size = arena_ring_bytes(stream->ring);
	struct record *records = arena_records(arena, stream->ring);
	const uint64_t begin = stream->drained;

	while (stream->drained < begin + size) {
		const uint64_t offset = stream->drained & (size - 1);
		struct record *at = records + offset / sizeof(*at);
		const uint64_t n = committed(at, (size - offset) / sizeof(*at));

		if (n == 0)
			break;
		if (!stream_append(stream, at, n) && !drain->totals.full) {
			drain->totals.full = true;
			stop_recording(drain, ARENA_FULL);
		}
		/* The only copy, of a recording that is over: it can be tried again. */
		if (drain->resumed && drain->totals.full)
			break;
		memset(at, 0, n * sizeof(*at));
		stream->drained += n * sizeof(*at);
		if (!drain->over)
			grant(&arena->rings[stream->ring], n * sizeof(*at));
	}
	return stream->drained > begin;
}

/* The first written slot behind those that are not, in slots from the first of these; 0: none is.
 * ARGs alone are the rest of an event whose thread was killed before its first record. */
static uint64_t gap(const struct drain *drain, const struct stream *stream)
{
	struct arena *arena = drain->memory->arena;
	const uint64_t slots = arena_ring_bytes(stream->ring) / sizeof(struct record);
	const struct record *records = arena_records(arena, stream->ring);

	for (uint64_t i = 1; i < slots; i++) {
		const struct record *at =
			&records[(stream->drained / sizeof(*at) + i) & (slots - 1)];
		const uint64_t head = __atomic_load_n(&at->head, __ATOMIC_ACQUIRE);

		if (head != 0 && (head & 0xff) != TRACE_ARG)
			return i;
	}
	return 0;
}

/* Fills a gap that will not be filled any more, so that what lies behind it can be drained. */
static void abandon(struct drain *drain, struct stream *stream, uint64_t slots)
{
	struct arena *arena = drain->memory->arena;
	const uint64_t size = arena_ring_bytes(stream->ring);
	struct record *records = arena_records(arena, stream->ring);

	for (uint64_t i = 0; i < slots; i++) {
		struct record *at = &records[((stream->drained & (size - 1)) / sizeof(*at) + i) &
					     (size / sizeof(*at) - 1)];

		if (at->head != 0 && (at->head & 0xff) != TRACE_ARG)
			continue;
		*at = (struct record){ .head = (stream->last_head & ~UINT64_C(0xff)) |
					       TRACE_ABANDONED };
		/* When recording has stopped, a slot is left by an event that counted itself lost.
		 */
		stream->header.abandoned += stream->lost == 0;
	}
}

static void account(struct drain *drain, struct stream *stream)
{
	const struct arena_ring *ring = &drain->memory->arena->rings[stream->ring];

	stream->header.lost += atomic_load_explicit(&ring->lost, memory_order_relaxed);
	stream->header.stalls += atomic_load_explicit(&ring->stalls, memory_order_relaxed);
	stream->header.stall_raw += atomic_load_explicit(&ring->stall_raw, memory_order_relaxed);
}

static void finish_stream(struct drain *drain, struct stream *stream)
{
	struct drain_totals *totals = &drain->totals;

	totals->records += stream->bytes / sizeof(struct record);
	totals->lost += stream->header.lost + stream->lost;
	totals->abandoned += stream->header.abandoned;
	totals->stalls += stream->header.stalls;
	totals->stall_raw += stream->header.stall_raw;
	totals->threads++;
	if (!stream_finish(stream, memory_clock(drain->memory->arena)))
		totals->full = true;
}

/* In a killed thread's ring slots may be written behind one that never was: they must be zero for
 * the next owner. */
static void wipe(struct arena *arena, uint32_t index)
{
	struct record *records = arena_records(arena, index);

	for (uint64_t i = 0; i < arena_ring_bytes(index) / sizeof(*records); i++) {
		if (records[i].head != 0 || records[i].operand != 0)
			records[i] = (struct record){ 0 };
	}
}

/* A ring without more to come: its stream goes on in the successor, or ends. */
static void leave(struct drain *drain, uint32_t index, bool clean)
{
	struct arena *arena = drain->memory->arena;
	struct stream *stream = drain->streams[index];
	uint32_t successor =
		atomic_load_explicit(&arena->rings[index].successor, memory_order_relaxed);

	/* A traced program may write where it should not; that is not to spread here. */
	if (successor > ARENA_RINGS)
		successor = 0;
	/* First of all, for a launcher that comes after us if we are killed. */
	if (successor != 0)
		arena->rings[successor - 1].before = stream->bytes;
	account(drain, stream);
	drain->streams[index] = NULL;
	if (!clean)
		wipe(arena, index);
	memory_recycle(drain->memory, index);
	if (successor == 0) {
		finish_stream(drain, stream);
		return;
	}
	stream->ring = successor - 1;
	stream->drained = 0;
	drain->streams[successor - 1] = stream;
}

/* How many slots to give up, so that what lies behind them can be drained; 0: none, or not yet. */
static uint64_t hopeless(const struct drain *drain, struct stream *stream, bool gone, uint64_t end)
{
	const uint64_t now = clock_now_ns();
	uint64_t slots;

	if (gone)
		return gap(drain, stream);
	if (stream->waiting_since_ns == 0)
		stream->waiting_since_ns = now;
	if (now - stream->waiting_since_ns < PATIENCE_NS)
		return 0;
	slots = gap(drain, stream);
	return slots != 0 || end == 0 ? slots : (end - stream->drained) / sizeof(struct record);
}

/* What is drained is left; a gap is waited for. 'gone': nobody is there who could fill it. Returns
 * whether the ring was left. */
static bool leave_or_wait(struct drain *drain, struct stream *stream, bool closed, bool gone)
{
	const struct arena_ring *ring = &drain->memory->arena->rings[stream->ring];
	uint64_t end = closed ? atomic_load_explicit(&ring->end, memory_order_relaxed) : 0;
	uint64_t slots;

	if (end > stream->drained + arena_ring_bytes(stream->ring))
		end = stream->drained + arena_ring_bytes(stream->ring);
	if (drain->resumed && drain->totals.full)
		return false;

	while (!closed || stream->drained < end) {
		slots = hopeless(drain, stream, gone, end);
		if (slots == 0) {
			if (gone)
				break;
			return false;
		}
		abandon(drain, stream, slots);
		take(drain, stream);
	}
	stream->waiting_since_ns = 0;
	leave(drain, stream->ring, closed && stream->drained >= end);
	return true;
}

/* A successor's stream comes with its predecessor, when that is drained. */
static bool must_wait(const struct drain *drain, uint32_t index)
{
	const struct arena *arena = drain->memory->arena;
	const uint32_t predecessor = arena->rings[index].predecessor;

	if (predecessor == 0 || predecessor > ARENA_RINGS)
		return false;
	return !drain->resumed || (atomic_load_explicit(&arena->states[predecessor - 1],
							memory_order_relaxed) == RING_CLOSED &&
				   atomic_load_explicit(&arena->rings[predecessor - 1].successor,
							memory_order_relaxed) == index + 1);
}

/* What the other launcher had written to the file, and was killed before it freed it, is not
 * written again: the file is longer than what was freed. */
static struct stream *resume(struct drain *drain, uint32_t index)
{
	struct arena *arena = drain->memory->arena;
	struct stream *stream = stream_resume(drain->folder, arena, index);
	const uint64_t size = arena_ring_bytes(index);
	uint64_t written;

	if (!stream)
		return NULL;
	stream->drained =
		atomic_load_explicit(&arena->rings[index].granted, memory_order_relaxed) - size;
	written = stream->bytes - arena->rings[index].before;
	for (; stream->drained < written; stream->drained += sizeof(struct record))
		arena_records(arena,
			      index)[(stream->drained & (size - 1)) / sizeof(struct record)] =
			(struct record){ 0 };
	return stream;
}

static struct stream *make_stream(struct drain *drain, uint32_t index)
{
	const struct arena_ring *ring = &drain->memory->arena->rings[index];
	struct stream *stream = drain->resumed ? resume(drain, index) : NULL;

	if (stream)
		return stream;
	stream = stream_create(drain->folder, drain->memory->arena, index);
	if (stream)
		stream->header.parent = process_parent(drain->processes, ring);
	return stream;
}

static struct stream *find_stream(struct drain *drain, uint32_t index)
{
	if (drain->streams[index] || must_wait(drain, index))
		return drain->streams[index];
	drain->streams[index] = make_stream(drain, index);
	if (!drain->streams[index] && !drain->totals.full) {
		drain->totals.full = true;
		stop_recording(drain, ARENA_FULL);
	}
	process_seen(drain->processes, &drain->memory->arena->rings[index]);
	return drain->streams[index];
}

/* Without a file what is in the ring is lost, and counted. */
static void discard(struct drain *drain, uint32_t index)
{
	struct arena *arena = drain->memory->arena;
	struct arena_ring *ring = &arena->rings[index];
	struct record *records = arena_records(arena, index);
	const uint64_t slots = arena_ring_bytes(index) / sizeof(*records);

	if (must_wait(drain, index) && !drain->over)
		return;
	drain->totals.lost += stream_count_events(records, committed(records, slots)) +
			      atomic_load_explicit(&ring->lost, memory_order_relaxed);
	memset(records, 0, arena_ring_bytes(index));
	memory_recycle(drain->memory, index);
}

/* Returns whether the ring was left for its successor. */
static bool sweep_stream(struct drain *drain, struct stream *stream, bool closed, bool *any)
{
	const struct arena_ring *ring = &drain->memory->arena->rings[stream->ring];
	/* Death first, then the records: then none can come after. */
	const bool gone = drain->over || !process_lives(drain->processes, stream->header.process);
	const uint32_t successor =
		closed ? atomic_load_explicit(&ring->successor, memory_order_relaxed) : 0;

	*any |= take(drain, stream);
	if (!closed && !gone && atomic_load_explicit(&ring->waiting, memory_order_relaxed) == 0) {
		stream->waiting_since_ns = 0;
		return false;
	}
	return leave_or_wait(drain, stream, closed, gone) && successor != 0;
}

/* Taken for a thread that has not begun, and will not if its process is no more. */
static void look_after_reserved(struct drain *drain, uint32_t index)
{
	const struct arena_ring *ring = &drain->memory->arena->rings[index];

	process_seen(drain->processes, ring);
	if (!process_lives(drain->processes, ring->process))
		memory_recycle(drain->memory, index);
}

static bool sweep_ring(struct drain *drain, uint32_t index)
{
	struct arena *arena = drain->memory->arena;
	struct stream *stream;
	bool any = false, left = true;

	for (uint32_t hops = 0; left && hops <= ARENA_LARGE_RINGS; hops++) {
		/* [ring-active] [ring-closed] */
		const uint32_t state =
			atomic_load_explicit(&arena->states[index], memory_order_acquire);

		if (state == RING_RESERVED)
			look_after_reserved(drain, index);
		if (state != RING_ACTIVE && state != RING_CLOSED)
			break;
		stream = find_stream(drain, index);
		if (!stream) {
			if (state == RING_CLOSED || drain->over)
				discard(drain, index);
			break;
		}
		left = sweep_stream(drain, stream, state == RING_CLOSED, &any);
		/* Its thread may be waiting in the ring that it went on in. */
		if (left)
			index = stream->ring;
	}
	return any;
}

bool drain_sweep(struct drain *drain)
{
	const struct memory *memory = drain->memory;
	bool any = false;

	for (uint32_t i = 0; i < memory->high_small; i++)
		any |= sweep_ring(drain, i);
	for (uint32_t i = ARENA_SMALL_RINGS; i < memory->high_large; i++)
		any |= sweep_ring(drain, i);
	return any;
}

static bool is_used_by(const struct drain *drain, uint32_t index, uint32_t process)
{
	const struct arena *arena = drain->memory->arena;

	return atomic_load_explicit(&arena->states[index], memory_order_relaxed) == RING_ACTIVE &&
	       arena->rings[index].process == process;
}

unsigned drain_count_running(const struct drain *drain)
{
	const struct arena *arena = drain->memory->arena;
	unsigned running = 0;

	for (uint32_t i = 0; i < ARENA_RINGS; i++) {
		const uint32_t process = arena->rings[i].process;
		uint32_t first = 0;

		if (!is_used_by(drain, i, process) || !process_lives(drain->processes, process))
			continue;
		/* It may have been closed meanwhile. */
		while (first < i && !is_used_by(drain, first, process))
			first++;
		running += first == i;
	}
	return running;
}

void drain_look_after_processes(struct drain *drain, uint64_t interval_ns)
{
	const uint64_t now = clock_now_ns();

	if (now - drain->looked_ns >= interval_ns) {
		drain->looked_ns = now;
		process_look(drain->processes);
	}
}

static bool has_streams(const struct drain *drain)
{
	for (uint32_t i = 0; i < ARENA_RINGS; i++) {
		if (drain->streams[i])
			return true;
	}
	return false;
}

void drain_finish(struct drain *drain, struct drain_totals *totals)
{
	struct arena *arena = drain->memory->arena;

	process_look(drain->processes);
	drain_sweep(drain);
	drain->totals.still_running = drain_count_running(drain);
	stop_recording(drain, ARENA_ENDED);
	drain->over = true;
	/* Each round ends the rings that it meets; what a thread went on in may lie before them. */
	for (uint32_t i = 0; i <= ARENA_LARGE_RINGS && has_streams(drain); i++)
		drain_sweep(drain);
	drain_sweep(drain);
	drain->totals.lost += atomic_load_explicit(&arena->lost, memory_order_relaxed);
	drain->totals.exhausted = drain->memory->exhausted;
	drain->totals.processes = atomic_load_explicit(&arena->processes, memory_order_relaxed);
	*totals = drain->totals;
}

void drain_destroy(struct drain *drain)
{
	if (!drain)
		return;
	for (uint32_t i = 0; i < ARENA_RINGS; i++)
		stream_drop(drain->streams[i]);
	process_table_destroy(drain->processes);
	free(drain);
}
