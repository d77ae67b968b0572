/* The progress line. */
#include "base/progress.h"

#include "base/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define REDRAW_NS 100000000u

static void print_left(char *to, size_t room, const struct progress *progress, uint64_t now)
{
	const double spent = (double)(now - progress->start_ns) / 1e9;
	const double left =
		spent / (double)progress->done * (double)(progress->total - progress->done);

	if (left < 90)
		snprintf(to, room, "%.0f s left", left);
	else
		snprintf(to, room, "%.0f min left", left / 60);
}

void progress_start(struct progress *progress, uint64_t total)
{
	struct winsize size = { 0 };
	const char *term = getenv("TERM");

	*progress = (struct progress){ .total = total, .start_ns = clock_now_ns(), .width = 80 };
	progress->terminal = isatty(STDERR_FILENO) && term && strcmp(term, "dumb") != 0;
	if (progress->terminal && ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 20)
		progress->width = size.ws_col;
}

static void draw(struct progress *progress, const char *what, uint64_t now)
{
	const unsigned cells = 20;
	const unsigned full = (unsigned)(progress->done * cells / progress->total);
	char left[32] = "", line[256];
	int length;

	if (progress->done > 0)
		print_left(left, sizeof(left), progress, now);
	length = snprintf(line, sizeof(line), "[%.*s%.*s] %3u %%  %s  %s", (int)full,
			  "####################", (int)(cells - full), "....................",
			  (unsigned)(progress->done * 100 / progress->total), left, what);
	if (length >= (int)progress->width)
		line[progress->width - 1] = '\0';
	fprintf(stderr, "\r%s\033[K", line);
	fflush(stderr);
	progress->shown = true;
}

void progress_step(struct progress *progress, uint64_t done, const char *what)
{
	const uint64_t now = clock_now_ns();
	const unsigned tenth = progress->total ? (unsigned)(done * 10 / progress->total) : 10;

	progress->done = done;
	if (progress->total == 0)
		return;
	if (progress->terminal) {
		if (progress->shown && now - progress->shown_ns < REDRAW_NS)
			return;
		progress->shown_ns = now;
		draw(progress, what, now);
	} else if (tenth > progress->shown_tenth) {
		char left[32];

		progress->shown_tenth = tenth;
		print_left(left, sizeof(left), progress, now);
		fprintf(stderr, "%u %% done, %s\n", tenth * 10, left);
	}
}

void progress_end(struct progress *progress)
{
	if (progress->terminal && progress->shown)
		fprintf(stderr, "\r\033[K");
	progress->shown = false;
}
