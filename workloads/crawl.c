/* A crawler: pages fetched from a server of our own on this machine, which answers each after a
 * delay of its own, and looked through. Waiting is most of it. */
#include "workloads/children.h"
#include "workloads/pages.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BYTES };

#define HEADER_MAX 1024
#define STRIDE 64 /* bytes of a page that are looked at together */

static const char *const counts[] = { "bytes", NULL };

static const struct param params[] = {
	{ .name = "latency",
	  .kind = PARAM_TIME,
	  .fallback = "2ms",
	  .low = 0,
	  .high = 10000000000,
	  .value = "TIME",
	  .help = "the shortest time until a page is answered",
	  .other_work = true },
	{ .name = "spread",
	  .kind = PARAM_NUMBER,
	  .fallback = "4",
	  .low = 1,
	  .high = 1000,
	  .value = "N",
	  .help = "how many times that the longest is" },
	{ .name = "bytes",
	  .kind = PARAM_NUMBER,
	  .fallback = "16k",
	  .low = 1,
	  .high = 100000000,
	  .value = "N",
	  .help = "the length of a page",
	  .other_work = true },
	{ .name = "parse",
	  .kind = PARAM_NUMBER,
	  .fallback = "1",
	  .low = 0,
	  .high = 1000000,
	  .value = "N",
	  .help = "ticks for every 64 bytes of a page" },
	{ 0 },
};

/* The region: told by open. */
struct shared {
	struct pages pages;
	pid_t server;
};

static bool plan(const struct worker *w, struct workload_plan *plan, struct err *err)
{
	(void)w;
	(void)err;
	plan->region_bytes = sizeof(struct shared);
	plan->loop = "closed";
	return true;
}

static void serve(struct worker *w, void *pages)
{
	(void)w;
	pages_serve(pages);
}

static bool open_server(struct worker *w, struct err *err)
{
	struct shared *shared = w->region;

	shared->pages = (struct pages){
		.latency_ns = param_number(w->params, "latency"),
		.spread = param_number(w->params, "spread"),
		.bytes = param_number(w->params, "bytes"),
	};
	if (!pages_listen(&shared->pages, err))
		return false;
	shared->server = child_fork(w, serve, &shared->pages);
	return shared->server != 0 ||
	       err_set(err, EXIT_IMPOSSIBLE, "cannot fork the server: %s", strerror(errno));
}

static void close_server(struct worker *w)
{
	const struct shared *shared = w->region;

	kill(shared->server, SIGKILL);
	child_wait(w, shared->server);
	close(shared->pages.listener);
}

/* Connected, and blocking as others are; negative: the worker has failed. */
static int connect_to(struct worker *w, uint16_t port)
{
	const int fd = pages_connect(port);
	socklen_t length = sizeof(int);
	int failed = 0;

	if (fd < 0) {
		worker_fail(w, "cannot connect to 127.0.0.1: %s", strerror(errno));
		return -1;
	}
	worker_wait_for(w, fd, POLLOUT, 0);
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &failed, &length) == 0 && !failed &&
	    fcntl(fd, F_SETFL, 0) == 0)
		return fd;
	worker_fail(w, "cannot connect to 127.0.0.1: %s", strerror(failed ? failed : errno));
	close(fd);
	return -1;
}

/* The whole answer, up to its end; 0: the worker has failed. */
static size_t fetch(struct worker *w, uint64_t page, char *answer, size_t room)
{
	const struct shared *shared = w->region;
	const int fd = connect_to(w, shared->pages.port);
	char request[64];
	size_t got = 0;

	if (fd < 0)
		return 0;
	snprintf(request, sizeof(request), "GET /%llu HTTP/1.0\r\n\r\n", (unsigned long long)page);
	if (worker_write(w, fd, request, strlen(request)))
		worker_read(w, fd, answer, room, &got);
	close(fd);
	return got;
}

/* Where the body begins; null: the answer is none. */
static const char *body_of(const char *answer, size_t got, uint64_t bytes)
{
	static const char good[] = "HTTP/1.0 200 ", end[] = "\r\n\r\n";
	const char *at = memmem(answer, got, end, strlen(end));
	const char *body = at ? at + strlen(end) : NULL;

	if (!body || strncmp(answer, good, strlen(good)) != 0 ||
	    (uint64_t)(answer + got - body) != bytes)
		return NULL;
	return body;
}

static uint64_t parse(struct worker *w, uint64_t page, const char *body, uint64_t bytes)
{
	const uint64_t ticks = param_number(w->params, "parse");
	const uint64_t first = (unsigned char)body[0], last = (unsigned char)body[bytes - 1];

	for (uint64_t j = 0; j < bytes; j += STRIDE) {
		if (body[j] != page_byte(page, j))
			worker_fail(w, "page %llu has another byte %llu", (unsigned long long)page,
				    (unsigned long long)j);
		for (uint64_t i = 0; i < ticks; i++)
			worker_tick(w);
	}
	return worker_mix(page ^ bytes << 32 ^ (first + last));
}

static uint64_t crawl(struct worker *w, uint64_t from, uint64_t to, char *answer)
{
	const uint64_t bytes = param_number(w->params, "bytes");
	uint64_t sum = 0;

	for (uint64_t page = from; page < to; page++) {
		const uint64_t asked = worker_now_ns();
		const size_t got = fetch(w, page, answer, HEADER_MAX + bytes);
		const char *body = body_of(answer, got, bytes);

		worker_latency(w, worker_now_ns() - asked);
		if (!body) {
			worker_fail(w, "page %llu was not answered, but %zu bytes came",
				    (unsigned long long)page, got);
			break;
		}
		worker_count(w, BYTES, bytes);
		sum += parse(w, page, body, bytes);
		worker_tick(w);
	}
	return sum;
}

static uint64_t work(struct worker *w, unsigned phase)
{
	char *answer = malloc(HEADER_MAX + param_number(w->params, "bytes"));
	uint64_t from, to, sum = 0;

	(void)phase;
	worker_role(w, "io");
	worker_share(w, w->index, &from, &to);
	worker_did(w, to - from);
	worker_count(w, BYTES, 0);
	if (answer)
		sum = crawl(w, from, to, answer);
	else
		worker_fail(w, "no memory for a page");
	free(answer);
	return sum;
}

const struct workload workload_crawl = {
	.name = "crawl",
	.summary = "fetches pages from a server of its own that takes its time, and reads them",
	.params = params,
	.size_unit = "pages",
	.size_default = "100",
	.size_low = 1,
	.size_high = 1000000000,
	.counts = counts,
	.plan = plan,
	.open = open_server,
	.close = close_server,
	.work = work,
};
