/* Why the kernel refused a counter, in a sentence that says what would help. */
#ifndef BENCH_REFUSAL_H
#define BENCH_REFUSAL_H

#include <stdbool.h>
#include <stddef.h>

enum refusal_kind {
	REFUSAL_KERNEL, /* counting what the kernel does, of any kind of event */
	REFUSAL_USER,   /* a hardware counter of the user side only */
};

/* What the sentence depends on, besides errno. */
struct refusal_place {
	int paranoid; /* MACHINE_PARANOID_UNKNOWN: no such file */
	bool hypervisor, seccomp;
	bool pmu; /* the kernel drives some hardware counters */
};

void refusal_place_find(struct refusal_place *place);
void refusal_text(const struct refusal_place *place, enum refusal_kind kind, int error, char *to,
		  size_t room);

#endif
