/* Tells a waiting person how far long work is. On a terminal one line that is rewritten, with the
 * time left; elsewhere a plain line now and then. To standard error. */
#ifndef BASE_PROGRESS_H
#define BASE_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
	uint64_t total, done;
	uint64_t start_ns, shown_ns;
	unsigned shown_tenth; /* plain lines: the last tenth that was told */
	bool terminal, shown;
	unsigned width; /* of the terminal */
};

void progress_start(struct progress *progress, uint64_t total);
/* 'what' is what happens next, shown on a terminal only. Cheap: redraws at
 * most ten times a second. */
void progress_step(struct progress *progress, uint64_t done, const char *what);
/* Removes the line, so that what is printed next stands alone. */
void progress_end(struct progress *progress);

#endif
