/* Who made whom: the processes and threads of a trace, their names, their lives, and what they had
 * loaded. Fed with records in the order of time. Times are trace_when's: raw, since the first
 * record. */
#ifndef TRACER_REPORT_FAMILY_H
#define TRACER_REPORT_FAMILY_H

#include "tracer/trace.h"

#define FAMILY_NONE UINT32_MAX
#define FAMILY_NAME 64
#define FAMILY_BUILD_ID 64

struct family_module {
	uint64_t address, size;
	char *path;
	size_t build_id_length; /* 0: it has none */
	unsigned char build_id[FAMILY_BUILD_ID];
};

enum family_way { FAMILY_FORK, FAMILY_SPAWN, FAMILY_EXEC };

/* A process that another one asked for, or the image that it replaced itself by. */
struct family_child {
	uint32_t pid;
	enum family_way way;
	char *path; /* of an exec, as it was given; else null */
	bool recorded;
};

/* An image: exec makes a new one of the same pid. */
struct family_process {
	uint32_t number, pid;
	uint32_t parent;     /* index; FAMILY_NONE: none that is in the trace */
	int origin;          /* a trace_origin; -1 unknown */
	char *path;          /* of the executable; null: unknown */
	uint64_t executable; /* its load address; 0 unknown */
	uint32_t parent_pid; /* 0 unknown */
	uint64_t begin, end;
	bool replaced; /* by an image that it executed, at exited_at */
	bool exited;   /* by a call or by return from main, at exited_at */
	uint64_t exited_at;
	unsigned exit_way;    /* a trace_exit */
	uint64_t exit_status; /* as given to exit: not cut to 8 bits */
	struct family_module *modules;
	size_t module_count, module_room;
	struct family_child *children;
	size_t child_count, child_room;
};

struct family_thread {
	uint32_t process; /* index */
	uint32_t parent;  /* index of the thread that created it; FAMILY_NONE: main, or unknown */
	uint64_t handle, routine; /* start routine; 0 unknown */
	uint64_t begin, end;      /* end: of its records, and when they are all read of its life */
	uint64_t created_at;      /* its creator had created it; without one 0 */
	bool exited;              /* said so */
	char name[FAMILY_NAME];
};

struct family {
	const struct trace *trace;
	struct family_process *processes;
	size_t process_count;
	struct family_thread *threads; /* as trace->threads */
	uint32_t *by_handle;           /* threads by process, handle and begin */
	size_t unseen;                 /* threads that were created and left no records */
};

/* The trace must outlive the family. Fails when there is no memory, and leaves nothing then. */
bool family_init(struct family *family, const struct trace *trace, struct err *err);
void family_finish(struct family *family);
/* Takes in a record of a thread, behind which 'count' - 1 more of the same thread are readable; its
 * ARGs are among them. Kinds that tell nothing about families are ignored. False: no memory. */
bool family_event(struct family *family, size_t thread, const struct record *record, size_t count,
		  uint64_t when);
/* After the last record: which children left a record of their own, and how long threads lived
 * that did not say when they ended. */
void family_complete(struct family *family);
/* The thread of a process that had this handle at that time; FAMILY_NONE when there is none. */
uint32_t family_find(const struct family *family, uint32_t process, uint64_t handle, uint64_t when);
/* Whether an address lies in what a process's handles point to, the thread's own memory in libc. */
bool family_is_in_handle(const struct family *family, uint32_t process, uint64_t address);
/* The module of a process, or of those it was forked from, that covers an address; or null. */
const struct family_module *family_module(const struct family *family, uint32_t process,
					  uint64_t address);

#endif
