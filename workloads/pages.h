/* A server of made-up pages on 127.0.0.1: HTTP/1.0, a connection each, each page after a delay of
 * its own, many at once. It is a process outside any lock. */
#ifndef WORKLOADS_PAGES_H
#define WORKLOADS_PAGES_H

#include "base/param.h"

/* Page i is answered after latency_ns * spread^u, u = (mix(i) >> 11) / 2^53; byte j of its body is
 * page_byte(i, j). */
struct pages {
	uint64_t latency_ns, spread, bytes;
	int listener;
	uint16_t port; /* chosen by the kernel */
};

static inline char page_byte(uint64_t i, uint64_t j)
{
	return (char)('a' + (i + j) % 26);
}

/* Opens the listener, and tries that it can be reached. The caller closes it. */
bool pages_listen(struct pages *pages, struct err *err);
/* Opens a socket that does not block and starts to connect it; negative: it cannot be, see errno.
 * It is connected when it can be written to and has no SO_ERROR. The caller closes it. */
int pages_connect(uint16_t port);
/* Serves until the process is killed; returns when it cannot. */
void pages_serve(const struct pages *pages);

#endif
