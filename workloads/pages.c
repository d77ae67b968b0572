/* The server of crawl's pages: one thread, one epoll, and one timer that is set to the delay that
 * ends first. */
#include "workloads/pages.h"

#include "workloads/workload.h"

#include <arpa/inet.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define EVENTS 64
#define CHUNK 65536
#define LETTERS 26

enum state { GONE, ASKING, WAITING, ANSWERING };

/* Who has connected, by descriptor. */
struct visitor {
	enum state state;
	uint64_t page, due_ns;
	uint64_t sent;                  /* of header and body */
	char header[128], request[256]; /* texts */
};

struct server {
	const struct pages *pages;
	int epoll, timer;
	int end; /* all visitors are below */
	int room;
	struct visitor *visitors;
	char body[CHUNK + LETTERS]; /* a page's bytes, from any of its first letters on */
};

static struct sockaddr_in address_of(uint16_t port)
{
	return (struct sockaddr_in){ .sin_family = AF_INET,
				     .sin_port = htons(port),
				     .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
}

int pages_connect(uint16_t port)
{
	const struct sockaddr_in to = address_of(port);
	const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0 || connect(fd, (const struct sockaddr *)&to, sizeof(to)) == 0 ||
	    errno == EINPROGRESS)
		return fd;
	close(fd);
	return -1;
}

bool pages_listen(struct pages *pages, struct err *err)
{
	struct sockaddr_in at = address_of(0);
	socklen_t length = sizeof(at);
	int tried;

	pages->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (pages->listener < 0 ||
	    bind(pages->listener, (const struct sockaddr *)&at, sizeof(at)) != 0 ||
	    listen(pages->listener, SOMAXCONN) != 0 ||
	    getsockname(pages->listener, (struct sockaddr *)&at, &length) != 0)
		return err_set(err, EXIT_IMPOSSIBLE, "cannot listen on 127.0.0.1: %s",
			       strerror(errno));
	pages->port = ntohs(at.sin_port);
	tried = pages_connect(pages->port);
	if (tried < 0)
		return err_set(err, EXIT_IMPOSSIBLE, "cannot connect to 127.0.0.1: %s",
			       strerror(errno));
	close(tried);
	return true;
}

static void leave(struct server *server, int fd)
{
	close(fd);
	server->visitors[fd].state = GONE;
	while (server->end > 0 && server->visitors[server->end - 1].state == GONE)
		server->end--;
}

static void watch(const struct server *server, int fd, uint32_t events, int how)
{
	struct epoll_event event = { .events = events, .data.fd = fd };

	epoll_ctl(server->epoll, how, fd, &event);
}

static void meet(struct server *server)
{
	int fd;

	while ((fd = accept4(server->pages->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)) >=
	       0) {
		if (fd >= server->room) {
			close(fd);
			continue;
		}
		server->visitors[fd] = (struct visitor){ .state = ASKING };
		server->end = fd >= server->end ? fd + 1 : server->end;
		watch(server, fd, EPOLLIN, EPOLL_CTL_ADD);
	}
}

/* "GET /7 HTTP/1.0" and whatever follows, up to an empty line. */
static void listen_to(struct server *server, int fd)
{
	const struct pages *pages = server->pages;
	struct visitor *visitor = &server->visitors[fd];
	const size_t have = strlen(visitor->request);
	const ssize_t got =
		recv(fd, visitor->request + have, sizeof(visitor->request) - 1 - have, 0);
	unsigned long long page;
	double u;

	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (got <= 0) {
		leave(server, fd);
		return;
	}
	if (!strstr(visitor->request, "\r\n\r\n"))
		return;
	if (sscanf(visitor->request, "GET /%llu HTTP/1.", &page) != 1) {
		leave(server, fd);
		return;
	}
	u = (double)(worker_mix(page) >> 11) / 0x1p53;
	visitor->state = WAITING;
	visitor->page = page;
	visitor->due_ns = worker_now_ns() +
			  (uint64_t)((double)pages->latency_ns * pow((double)pages->spread, u));
	snprintf(visitor->header, sizeof(visitor->header),
		 "HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %llu\r\n\r\n",
		 (unsigned long long)pages->bytes);
	watch(server, fd, 0, EPOLL_CTL_MOD);
}

/* The next stretch of header or body; false: there is none. */
static bool next_stretch(const struct server *server, const struct visitor *visitor,
			 const char **from, uint64_t *bytes)
{
	const uint64_t header = strlen(visitor->header), body = server->pages->bytes;
	const uint64_t at = visitor->sent - header;

	if (visitor->sent < header) {
		*from = visitor->header + visitor->sent;
		*bytes = header - visitor->sent;
		return true;
	}
	*from = server->body + (visitor->page + at) % LETTERS;
	*bytes = body - at < CHUNK ? body - at : CHUNK;
	return at < body;
}

static void answer(struct server *server, int fd)
{
	struct visitor *visitor = &server->visitors[fd];
	const char *from;
	uint64_t bytes;

	while (next_stretch(server, visitor, &from, &bytes)) {
		const int more = visitor->sent == 0 ? MSG_MORE : 0;
		const ssize_t sent = send(fd, from, bytes, MSG_NOSIGNAL | more);

		if (sent > 0) {
			visitor->sent += (uint64_t)sent;
		} else if (errno == EAGAIN) {
			visitor->state = ANSWERING;
			watch(server, fd, EPOLLOUT, EPOLL_CTL_MOD);
			return;
		} else if (errno != EINTR) {
			break;
		}
	}
	leave(server, fd);
}

/* Answers whose time has come, and sets the timer to the next. */
static void look_at_time(struct server *server)
{
	const uint64_t now = worker_now_ns();
	struct itimerspec timer = { 0 };
	uint64_t next = UINT64_MAX;

	for (int fd = 0; fd < server->end; fd++) {
		const struct visitor *visitor = &server->visitors[fd];

		if (visitor->state == WAITING && visitor->due_ns <= now)
			answer(server, fd);
		else if (visitor->state == WAITING && visitor->due_ns < next)
			next = visitor->due_ns;
	}
	if (next < UINT64_MAX) {
		timer.it_value.tv_sec = (time_t)(next / 1000000000);
		timer.it_value.tv_nsec = (long)(next % 1000000000);
	}
	timerfd_settime(server->timer, TFD_TIMER_ABSTIME, &timer, NULL);
}

static void handle(struct server *server, const struct epoll_event *event)
{
	const int fd = event->data.fd;
	uint64_t ticks;

	if (fd == server->pages->listener)
		meet(server);
	else if (fd == server->timer)
		/* How often it has run out says nothing; reading it makes it quiet. */
		(void)!read(fd, &ticks, sizeof(ticks));
	else if (server->visitors[fd].state == ASKING)
		listen_to(server, fd);
	else if (server->visitors[fd].state == ANSWERING)
		answer(server, fd);
	else
		leave(server, fd); /* it has hung up while it should wait */
}

void pages_serve(const struct pages *pages)
{
	static struct server server;
	struct epoll_event events[EVENTS];
	struct rlimit limit;

	/* A descriptor for each worker there can be, and some more. */
	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	server.pages = pages;
	server.room = limit.rlim_cur < 8192 ? (int)limit.rlim_cur : 8192;
	server.visitors = calloc((size_t)server.room, sizeof(*server.visitors));
	server.epoll = epoll_create1(EPOLL_CLOEXEC);
	server.timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (!server.visitors || server.epoll < 0 || server.timer < 0)
		return;
	for (uint64_t j = 0; j < sizeof(server.body); j++)
		server.body[j] = page_byte(0, j);
	watch(&server, pages->listener, EPOLLIN, EPOLL_CTL_ADD);
	watch(&server, server.timer, EPOLLIN, EPOLL_CTL_ADD);
	for (;;) {
		const int count = epoll_wait(server.epoll, events, EVENTS, -1);

		if (count < 0 && errno != EINTR)
			return;
		for (int i = 0; i < count; i++)
			handle(&server, &events[i]);
		look_at_time(&server);
	}
}
