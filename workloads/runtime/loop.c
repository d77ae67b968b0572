/* The event loop: who is ready, who waits for what, and the looks at epoll in between. Everything
 * is of one thread, so there is nothing to protect. What a worker waits for is looked through in an
 * array: a look at epoll costs more than a thousand of them. */
#include "workloads/runtime/loop.h"

#include "workloads/runtime/coroutine.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#define EVENTS_MAX 64
#define NANOSECONDS_PER_MS 1000000

/* What the loop knows of a worker. */
struct seat {
	struct coroutine coroutine;
	struct loop *loop;
	struct worker *worker;
	bool waits;           /* it has given way, and is not ready */
	const void *at;       /* for loop_wake with this; null: not for that */
	uint64_t parked;      /* who has waited longest has the lowest */
	uint64_t deadline_ns; /* 0: none */
	bool came;            /* what it waited for, before the deadline */
};

struct loop {
	struct coroutine thread;
	struct seat *seat;    /* [workers] */
	struct seat *running; /* null: the loop itself */
	struct seat **ready;  /* a ring of as many */
	unsigned workers, first, ready_count;
	unsigned living;   /* workers that have not ended */
	unsigned watching; /* who wait for a descriptor */
	uint64_t parkings;
	int epoll;
	void (*live)(struct worker *w);
	struct loop_counts counts;
};

static void live(void *given)
{
	struct seat *seat = given;

	seat->loop->live(seat->worker);
}

struct loop *loop_open(struct run *run, struct err *err)
{
	static struct loop loop; /* of the one run in a process */

	loop = (struct loop){ .workers = run->workers,
			      .seat = calloc(run->workers, sizeof(struct seat)),
			      .ready = calloc(run->workers, sizeof(struct seat *)),
			      .epoll = epoll_create1(EPOLL_CLOEXEC) };
	if (!loop.seat || !loop.ready || loop.epoll < 0) {
		err_set(err, EXIT_IMPOSSIBLE, "cannot make an event loop: %s", strerror(errno));
		return NULL;
	}
	for (unsigned i = 0; i < run->workers; i++) {
		struct seat *seat = &loop.seat[i];

		seat->loop = &loop;
		seat->worker = &run->worker[i];
		if (!coroutine_make(&seat->coroutine, live, seat, &loop.thread, err))
			return NULL;
	}
	return &loop;
}

void loop_close(struct loop *loop)
{
	for (unsigned i = 0; i < loop->workers; i++)
		coroutine_finish(&loop->seat[i].coroutine);
	loop->workers = 0;
	free(loop->seat);
	free(loop->ready);
	close(loop->epoll);
}

const struct loop_counts *loop_counts(const struct loop *loop)
{
	return &loop->counts;
}

bool loop_has(const struct worker *w)
{
	return w->run->loop && w->run->loop->running;
}

static void make_ready(struct seat *seat, bool came)
{
	struct loop *loop = seat->loop;

	seat->waits = false;
	seat->at = NULL;
	seat->deadline_ns = 0;
	seat->came = came;
	loop->ready[(loop->first + loop->ready_count++) % loop->workers] = seat;
}

/* Gives way until somebody makes it ready; false: that was the deadline. */
static bool wait_until(struct seat *seat, uint64_t deadline_ns)
{
	assert(seat->loop->running == seat);
	seat->waits = true;
	seat->deadline_ns = deadline_ns;
	coroutine_switch(&seat->coroutine, &seat->loop->thread);
	return seat->came;
}

static struct seat *seat_of(const struct worker *w)
{
	return &w->run->loop->seat[w->self];
}

void loop_sleep_until(struct worker *w, uint64_t ns)
{
	if (ns > clock_now_ns())
		wait_until(seat_of(w), ns);
}

bool loop_park(struct worker *w, const void *at, uint64_t deadline_ns)
{
	struct seat *seat = seat_of(w);

	seat->at = at;
	seat->parked = seat->loop->parkings++;
	return wait_until(seat, deadline_ns);
}

struct worker *loop_wake(struct worker *w, const void *at)
{
	struct loop *loop = w->run->loop;
	struct seat *longest = NULL;

	for (unsigned i = 0; i < loop->workers; i++) {
		struct seat *seat = &loop->seat[i];

		if (seat->at == at && (!longest || seat->parked < longest->parked))
			longest = seat;
	}
	if (!longest)
		return NULL;
	make_ready(longest, true);
	return longest->worker;
}

/* Registers a descriptor, or another number of it when somebody else waits for it already. Returns
 * the number; negative: it cannot be waited for. */
static int watch(struct seat *seat, int fd, short events)
{
	struct epoll_event wanted = { .events = (uint32_t)events, .data.ptr = seat };
	int other;

	if (epoll_ctl(seat->loop->epoll, EPOLL_CTL_ADD, fd, &wanted) == 0)
		return fd;
	if (errno != EEXIST)
		return -1;
	other = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (other < 0 || epoll_ctl(seat->loop->epoll, EPOLL_CTL_ADD, other, &wanted) == 0)
		return other;
	close(other);
	return -1;
}

bool loop_wait_for(struct worker *w, int fd, short events, uint64_t deadline_ns)
{
	struct seat *seat = seat_of(w);
	struct loop *loop = seat->loop;
	const int watched = watch(seat, fd, events);
	bool came;

	if (watched < 0) {
		/* What lies on a disk is always ready. */
		if (errno == EPERM)
			return true;
		worker_fail(w, "cannot wait for a descriptor: %s", strerror(errno));
		return false;
	}
	loop->watching++;
	came = wait_until(seat, deadline_ns);
	loop->watching--;
	epoll_ctl(loop->epoll, EPOLL_CTL_DEL, watched, NULL);
	if (watched != fd)
		close(watched);
	return came;
}

/* 0: there is none. */
static uint64_t earliest_deadline(const struct loop *loop)
{
	uint64_t earliest = 0;

	for (unsigned i = 0; i < loop->workers; i++) {
		const uint64_t deadline_ns = loop->seat[i].deadline_ns;

		if (deadline_ns && (!earliest || deadline_ns < earliest))
			earliest = deadline_ns;
	}
	return earliest;
}

/* Milliseconds are too coarse for timers; kernels before 5.11 have nothing else. A null time is for
 * ever. */
static int look_at_epoll(int epoll, struct epoll_event *events, const struct timespec *time)
{
	static bool coarse;
	uint64_t ns;

	if (!coarse) {
		const int count = epoll_pwait2(epoll, events, EVENTS_MAX, time, NULL);

		if (count >= 0 || (errno != ENOSYS && errno != EPERM))
			return count;
		coarse = true;
	}
	ns = time ? (uint64_t)time->tv_sec * 1000 * NANOSECONDS_PER_MS + (uint64_t)time->tv_nsec :
		    0;
	return epoll_wait(epoll, events, EVENTS_MAX,
			  time ? (int)((ns + NANOSECONDS_PER_MS - 1) / NANOSECONDS_PER_MS) : -1);
}

/* Makes ready who need not wait any more; sleeps if nobody is. */
static bool look(struct loop *loop, struct err *err)
{
	const uint64_t earliest = earliest_deadline(loop);
	struct epoll_event events[EVENTS_MAX];
	struct timespec time = { 0 };
	uint64_t now = clock_now_ns();
	const bool for_ever = loop->ready_count == 0 && !earliest;
	int count;

	if (for_ever && loop->watching == 0)
		return err_set(err, EXIT_FAILED, "every worker waits for another: none can go on");
	if (loop->ready_count == 0 && earliest > now)
		time = clock_timespec(earliest - now);
	loop->counts.waits += for_ever || time.tv_sec > 0 || time.tv_nsec > 0;
	count = look_at_epoll(loop->epoll, events, for_ever ? NULL : &time);
	if (count < 0 && errno != EINTR)
		return err_set(err, EXIT_FAILED, "cannot wait for events: %s", strerror(errno));
	for (int i = 0; i < count; i++)
		make_ready(events[i].data.ptr, true);
	now = clock_now_ns();
	for (unsigned i = 0; earliest && i < loop->workers; i++) {
		struct seat *seat = &loop->seat[i];

		if (seat->waits && seat->deadline_ns && seat->deadline_ns <= now)
			make_ready(seat, false);
	}
	return true;
}

/* Those that are ready now; who becomes so meanwhile has its turn after the next look. */
static void run_ready(struct loop *loop)
{
	const uint64_t begin_ns = clock_now_ns();
	uint64_t turn_ns;

	for (unsigned left = loop->ready_count; left > 0; left--) {
		struct seat *seat = loop->ready[loop->first];

		loop->first = (loop->first + 1) % loop->workers;
		loop->ready_count--;
		loop->running = seat;
		coroutine_switch(&loop->thread, &seat->coroutine);
		loop->running = NULL;
		loop->living -= seat->coroutine.ended;
	}
	turn_ns = clock_now_ns() - begin_ns;
	loop->counts.turns++;
	if (turn_ns > loop->counts.longest_turn_ns)
		loop->counts.longest_turn_ns = turn_ns;
}

bool loop_run(struct loop *loop, void (*live_each)(struct worker *w), struct err *err)
{
	loop->live = live_each;
	loop->living = loop->workers;
	for (unsigned i = 0; i < loop->workers; i++)
		make_ready(&loop->seat[i], true);
	while (loop->living > 0) {
		if (!look(loop, err))
			return false;
		run_ready(loop);
	}
	return true;
}
