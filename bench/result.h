/* The result of a run, and its files. What every field means is in results/README.md. */
#ifndef BENCH_RESULT_H
#define BENCH_RESULT_H

#include "base/machine.h"
#include "bench/calibrate.h"
#include "bench/matrix.h"
#include "bench/runtime.h"

struct result {
	int argc;
	char **argv;
	time_t started;
	uint64_t duration_ns, seed;
	unsigned runs, warmup;
	unsigned traced;            /* rounds of traced samples, at most CELL_TRACED */
	const char *pin;            /* null: not pinned */
	const char *partial_reason; /* null: complete */
	struct machine machine;
	struct disturbance disturbance; /* during the run */
	struct counters *counters;
	struct calibration calibrations[CALIBRATIONS_MAX];
	size_t calibration_count;
	const struct matrix *matrix;
	struct runtimes *runtimes; /* all that were asked for, also those that are not here */
};

/* The files are opened before the run, under names that are not the final ones, so that a folder
 * that cannot be written is known before anything is measured. */
struct result_files;
/* One of them; 'subject' is what result_write was given. */
struct result_output {
	const char *name; /* null ends a list */
	void (*write)(const void *subject, FILE *to);
};
/* The last of the list is the one that a reader looks for: when it is there, all are. At most
 * RESULT_OUTPUTS. */
#define RESULT_OUTPUTS 5
/* Different notes that are kept of a cell. */
#define RESULT_NOTES 8
struct result_files *result_open(const char *folder, const struct result_output *list,
				 struct err *err);
/* Writes them all, flushes them to the disk, and gives them their names; on trouble removes them.
 * Frees 'files' in any case. */
bool result_write(struct result_files *files, const void *subject, struct err *err);
/* Removes them: there is nothing to write. Null is nothing. */
void result_abandon(struct result_files *files);

/* What goes into each file; the subject is a struct result. */
void result_json(const void *subject, FILE *to);
void result_samples_tsv(const void *subject, FILE *to);
void result_cells_tsv(const void *subject, FILE *to);
void result_counts_tsv(const void *subject, FILE *to);
extern const struct result_output result_outputs[];
/* The members of the object in result.json but its schema, for another file that has them too. */
void result_members(const struct result *result, struct emit *emit);
/* A member '[low, high]', null when it is not known. */
void result_interval(struct emit *emit, const char *name, struct interval interval);

#endif
