/* gilscope report --hazards: what went wrong between the threads of a trace, and what could have.
 * What each kind is found by is said in hazards.c. */
#ifndef TRACER_REPORT_HAZARDS_H
#define TRACER_REPORT_HAZARDS_H

#include "tracer/report/cycle.h"
#include "tracer/report/report.h"
#include "tracer/report/stuck.h"

/* Tries of one thread for one lock, one behind the other, in vain. */
struct hazards_loop {
	const struct object *object;
	uint64_t tries;
	bool ended;      /* by having it */
	uint32_t thread; /* not ended: index */
};

/* A lock was held while its holder did what may block, and others wanted it. */
struct hazards_stay {
	const struct object *object;
	const struct object_stay *stay;
};

/* A thread kept an interpreter's lock in a call that may block. */
struct hazards_kept {
	const struct gil *gil;
	const struct object *object; /* that stands for it */
	const struct gil_user *user;
	const struct gil_call *call;
	uint32_t slot; /* of the gils' */
};

#define HAZARDS_WORD 80
/* Fewer tries are no loop. */
#define HAZARDS_LOOP_TRIES 1000
#define HAZARDS_NOTES 8

struct hazards {
	struct report *report;
	struct cycles cycles;
	size_t cycle_count; /* of them, that did not happen */
	struct stuck stuck;
	const struct watch_duel **livelocks; /* most turns first */
	size_t livelock_count;
	struct hazards_loop *loops; /* most tries first */
	size_t loop_count;
	const struct long_wait *longest; /* for a lock; null: nobody waited for one */
	bool starved;                    /* that thread, by the others */
	struct hazards_stay *stays;      /* longest in the way first */
	size_t stay_count;
	struct hazards_kept *kept; /* others waiting longest first */
	size_t kept_count;
	/* Who waited longest for an interpreter's lock; null: nobody. */
	const struct gil_user *asker;
	const struct object *asked;
	uint64_t asker_longest; /* raw */
	size_t lock_count;
	char verdict[REPORT_SENTENCES][REPORT_SENTENCE];
	size_t sentence_count;
	const char *notes[HAZARDS_NOTES]; /* what is not seen */
	size_t note_count;
};

/* Of a report with hazards asked for; prints to standard output. */
bool hazards_report(struct report *report, bool as_json, struct err *err);
/* Whether the waiting of a thread at the end is to be told: its process was not over. */
bool hazards_tells_wait(const struct hazards *hazards, const struct stuck_wait *wait);
/* "#3", or "the GIL of process 1 (cpython3)". */
const char *hazards_word(const struct object *object, char to[HAZARDS_WORD]);
/* "1.234567s": a time since the first record. */
const char *hazards_moment(const struct hazards *hazards, uint64_t raw, char to[32]);
/* What a thread was doing when the records ended: "had ended at ...". */
#define HAZARDS_TEXT 300
void hazards_say_state(const struct hazards *hazards, uint32_t thread, char to[HAZARDS_TEXT]);
/* What a holder did: "read", "a wait at condition #3". */
void hazards_say_stay(const struct object_stay *stay, char to[HAZARDS_TEXT]);

/* Its parts: the verdict, and what is not seen; */
void hazards_judge(struct hazards *hazards);
void hazards_note(struct hazards *hazards);
/* and both ways to print it. */
void hazards_show(const struct hazards *hazards);
void hazards_emit(const struct hazards *hazards);

#endif
