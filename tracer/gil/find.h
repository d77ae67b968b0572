/* The first reading of a trace: what its mutexes, conditions and semaphores are to each other, and
 * which of them may be an interpreter's lock. That is told by how they were made and how they are
 * used, never by a version. What is found here is a suspicion; the second reading (follow.h) holds
 * each against all that happened. */
#ifndef TRACER_GIL_FIND_H
#define TRACER_GIL_FIND_H

#include "tracer/gil/places.h"
#include "tracer/report/family.h"

/* How a lock changes hands, seen from outside. */
enum protocol {
	PROTOCOL_CPYTHON3, /* a flag under a mutex, forced switching under another */
	PROTOCOL_PYPY,     /* a word; contended takers queue on a mutex and wait 0.1 ms at a time */
	PROTOCOL_MONITOR,  /* a flag or a queue under a mutex, waited for at conditions */
	PROTOCOL_QUEUE,    /* a queue under a mutex, whose first is given the lock */
	PROTOCOL_SEMAPHORE, /* a semaphore that began with 1 */
	PROTOCOL_MUTEX,     /* the mutex itself */
};

/* Whose lock it is. */
enum gil_kind {
	GIL_CPYTHON3,
	GIL_CPYTHON2,
	GIL_CPYTHON2COND,
	GIL_PYPY,
	GIL_RUBY,
	GIL_RUBY33,
	GIL_OCAML4,
	GIL_OCAML5,
	GIL_FAIR,
	GIL_MUTEX,
	GIL_KINDS,
};

/* Something at an address, as it was used. Threads are indices + 1; 0: none. */
struct thing {
	uint64_t address;
	uint32_t process;
	uint32_t maker; /* mutex: the thread of its last INIT */
	uint32_t user;  /* the first thread that took it */
	uint32_t bonds; /* condition: index + 1 of its first one; 0: none */
	bool many;      /* others took it, too */
	bool is_cond;
	bool signalled;  /* mutex: its first section ended in a signal */
	bool made;       /* mutex: as the lock of 'made_as' is made, with these around it */
	uint8_t made_as; /* gil_kind */
	uint64_t made_at;
	uint64_t taken;  /* how often */
	uint64_t outer;  /* mutex: held while it is waited with; 0: none */
	uint64_t nested; /* mutex: taken while another one was held */
	uint64_t inner;  /* mutex: taken while it is held, more often than any other; 0: none */
	uint64_t inners; /* mutex: how often another was taken while it is held */
	int64_t inner_lead;
	uint64_t within[4]; /* mutex: the first ones that were taken while it was held */
	uint64_t nests;     /* mutex: CPython 3's way to take its lock, with: */
	uint64_t switch_mutex, switch_cond, cond;
	/* Semaphore. */
	uint64_t first_value, adjacent, gave_up, foreign; /* adjacent: let go and taken at once */
	uint32_t holder;
};

/* What a condition is to a mutex. Ruby's threads have one condition each, for the lock and for
 * other waits. */
struct bond {
	uint32_t cond, next;               /* index of a thing; the condition's next bond + 1 */
	uint32_t user;                     /* the first thread that waited, + 1 */
	bool many;                         /* others waited, too */
	uint64_t mutex;                    /* that it is waited with, or signalled under */
	uint64_t waits, timed, longest_ns; /* the second: with a time limit, and the longest */
	uint64_t inside, after, under;     /* signals under the mutex, and right behind it; waits
					      while an outer mutex was held */
};

/* A suspicion. */
struct suspect {
	enum protocol protocol;
	enum gil_kind kind;
	uint32_t process;
	uint32_t thing;   /* index of the mutex or semaphore */
	uint32_t first;   /* the thread that has it from its making on; 0: nobody */
	uint32_t heir_of; /* the suspect of its parent process, + 1; 0: none */
	bool unwaited;    /* monitor: nobody waited at a condition of it */
	bool certain;     /* nothing else looks like it */
};

struct finding {
	const struct trace *trace;
	struct family family;
	struct thing *things;
	size_t thing_count, thing_room;
	struct places places; /* to index + 1 of a thing */
	struct bond *bonds;
	size_t bond_count, bond_room;
	struct suspect *suspects;
	size_t suspect_count, suspect_room;
	uint64_t idle_made; /* CPython locks that were made and never taken */
	uint64_t pypy_made; /* PyPy's that nobody found held */
	uint32_t idle_process;
	bool no_memory;
};

/* Reads up to 'to_ns'. On failure nothing is left. */
bool finding_read(struct finding *finding, const struct trace *trace, uint64_t to_ns,
		  struct err *err);
void finding_finish(struct finding *finding);
/* Whether a mutex was taken while another one was held, as far as that is known. */
bool thing_is_around(const struct thing *around, const struct thing *mutex);
/* The suspects, by what has been read. */
void suspect_things(struct finding *finding);
/* How far a deadline, in whichever clock it is, lies behind a record's time; negative: before. */
int64_t finding_deadline_in(const struct trace *trace, uint64_t when, uint64_t deadline_ns);

#endif
