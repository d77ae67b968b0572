/* A record on its way through the analysis: what its kind means is a row of the table in locks.c,
 * whose functions take it in. */
#ifndef TRACER_REPORT_STEP_H
#define TRACER_REPORT_STEP_H

#include "tracer/report/wait.h"

struct step;

struct meaning {
	void (*take)(const struct step *step); /* null: it tells this analysis nothing */
	uint8_t type, mode;                    /* object_type; object_mode, or wait_kind */
	bool always;                           /* also before the window: names and makers */
};

struct step {
	struct moment at;
	const struct record *record;
	size_t count; /* of records from this one on; its ARGs are among them */
	const struct meaning *meaning;
};

static inline uint64_t step_value(const struct step *step)
{
	return record_value(step->record);
}

static inline unsigned step_detail(const struct step *step)
{
	return record_detail(step->record);
}

/* The object of a type at an address of the thread's process; null without memory. */
struct object *step_look_up(const struct step *step, uint64_t address, enum object_type type);

/* The same: threads use few objects for long. */
static inline struct object *step_object(const struct step *step, uint64_t address,
					 enum object_type type)
{
	struct object **cached = &step->at.actor->cached[(address >> 4) % LOCKS_CACHED];
	const struct object *object = *cached;

	if (!object || object->address != address || object->type != type || object->retired)
		*cached = step_look_up(step, address, type);
	return *cached;
}

/* meet.c: conditions, barriers, once controls, joins. */
void meet_wait(const struct step *step);
void meet_return(const struct step *step);
void meet_signal(const struct step *step);
void meet_broadcast(const struct step *step);
void meet_join(const struct step *step);
void meet_joined(const struct step *step);

/* syscalls.c: system calls, and how they are recorded. */
void syscalls_enter(const struct step *step);
void syscalls_futex(const struct step *step);
void syscalls_leave(const struct step *step);
void syscalls_miss(const struct step *step);
void syscalls_spawned(const struct step *step);
void syscalls_mode_of(const struct step *step);
void syscalls_sites_of(const struct step *step);

/* life.c: objects come and go. */
void life_init(const struct step *step);
void life_open(const struct step *step);
void life_destroy(const struct step *step);

#endif
