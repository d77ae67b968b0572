/* Threads that are cancelled in each wait, deferred and at once. */
#include "tests/traced/odd.h"

#include <errno.h>
#include <sched.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <threads.h>
#include <unistd.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static pthread_barrier_t barrier;
static sem_t semaphore;
static mtx_t c11_mutex;
static cnd_t c11_condition;
static pthread_t endless;
static bool asynchronous;

static void unlock(void *unused)
{
	(void)unused;
	pthread_mutex_unlock(&mutex);
	expect(TRACE_MUTEX_RELEASE, 0);
}

static void c11_unlock(void *unused)
{
	(void)unused;
	mtx_unlock(&c11_mutex);
	expect(TRACE_MUTEX_RELEASE, 0);
}

/* The mutex is ours again when the clean-up handler runs. */
#define COND_WAITS(name, call) \
	static void name(void) \
	{ \
		const struct timespec late = actor_late(CLOCK_REALTIME); \
		const struct timespec steady = actor_late(CLOCK_MONOTONIC); \
\
		(void)late; \
		(void)steady; \
		pthread_mutex_lock(&mutex); \
		expect(TRACE_MUTEX_ACQUIRE, 0); \
		expect(TRACE_COND_WAIT, 0); \
		expect(TRACE_COND_RETURN, ECANCELED); \
		pthread_cleanup_push(unlock, NULL); \
		call; \
		pthread_cleanup_pop(0); \
	}
COND_WAITS(wait, pthread_cond_wait(&condition, &mutex))
COND_WAITS(timedwait, pthread_cond_timedwait(&condition, &mutex, &late))
COND_WAITS(clockwait, pthread_cond_clockwait(&condition, &mutex, CLOCK_MONOTONIC, &steady))

#define C11_WAITS(name, call) \
	static void name(void) \
	{ \
		const struct timespec late = actor_late(CLOCK_REALTIME); \
\
		(void)late; \
		mtx_lock(&c11_mutex); \
		expect(TRACE_MUTEX_ACQUIRE, 0); \
		expect(TRACE_COND_WAIT, 0); \
		expect(TRACE_COND_RETURN, ECANCELED); \
		pthread_cleanup_push(c11_unlock, NULL); \
		call; \
		pthread_cleanup_pop(0); \
	}
C11_WAITS(c11_wait, cnd_wait(&c11_condition, &c11_mutex))
C11_WAITS(c11_timedwait, cnd_timedwait(&c11_condition, &c11_mutex, &late))

#define WAITS(name, begin, end, error, call) \
	static void name(void) \
	{ \
		const struct timespec late = actor_late(CLOCK_REALTIME); \
		const struct timespec steady = actor_late(CLOCK_MONOTONIC); \
\
		(void)late; \
		(void)steady; \
		expect(begin, 0); \
		if (end) \
			expect(end, error); \
		call; \
	}
WAITS(take, TRACE_SEM_CONFLICT, TRACE_SEM_FAIL, ECANCELED, sem_wait(&semaphore))
WAITS(take_timed, TRACE_SEM_CONFLICT, TRACE_SEM_FAIL, ECANCELED, sem_timedwait(&semaphore, &late))
WAITS(take_clocked, TRACE_SEM_CONFLICT, TRACE_SEM_FAIL, ECANCELED,
      sem_clockwait(&semaphore, CLOCK_MONOTONIC, &steady))
WAITS(join, TRACE_THREAD_JOIN, TRACE_THREAD_JOINED, ECANCELED, pthread_join(endless, NULL))
WAITS(join_timed, TRACE_THREAD_JOIN, TRACE_THREAD_JOINED, ECANCELED,
      pthread_timedjoin_np(endless, NULL, &late))
WAITS(join_clocked, TRACE_THREAD_JOIN, TRACE_THREAD_JOINED, ECANCELED,
      pthread_clockjoin_np(endless, NULL, CLOCK_MONOTONIC, &steady))
WAITS(join_c11, TRACE_THREAD_JOIN, TRACE_THREAD_JOINED, ECANCELED, thrd_join(endless, NULL))
/* No cancellation points: only cancellation at once ends them, and nobody sees the end. */
WAITS(lock, TRACE_MUTEX_CONFLICT, 0, 0, pthread_mutex_lock(&mutex))
WAITS(meet, TRACE_BARRIER_WAIT, 0, 0, pthread_barrier_wait(&barrier))

static const struct way {
	void (*act)(void);
	bool only_at_once;
} ways[] = {
	{ wait, false },       { timedwait, false },     { clockwait, false },
	{ c11_wait, false },   { c11_timedwait, false }, { take, false },
	{ take_timed, false }, { take_clocked, false },  { join, false },
	{ join_timed, false }, { join_clocked, false },  { join_c11, false },
	{ lock, true },        { meet, true },
};

static _Atomic pid_t tid;

static void *run(void *way)
{
	int old;

	expect(TRACE_THREAD_START, 0);
	expect(TRACE_THREAD_EXIT, 0);
	pthread_setcanceltype(asynchronous ? PTHREAD_CANCEL_ASYNCHRONOUS : PTHREAD_CANCEL_DEFERRED,
			      &old);
	atomic_store_explicit(&tid, gettid(), memory_order_relaxed);
	((const struct way *)way)->act();
	must(false, "the wait does not end");
	return NULL;
}

/* What any of them sleeps on. */
static bool is_blocked(void)
{
	const pid_t it = atomic_load_explicit(&tid, memory_order_relaxed);

	return it != 0 && sleeps_in_futex(getpid(), it);
}

static void cancel_one(const struct way *way)
{
	pthread_t thread;
	void *result;

	atomic_store_explicit(&tid, 0, memory_order_relaxed);
	if (way->only_at_once && way->act == lock) {
		pthread_mutex_lock(&mutex);
		expect(TRACE_MUTEX_ACQUIRE, 0);
	}
	must_be(0, pthread_create(&thread, NULL, run, (void *)way), "pthread_create");
	expect(TRACE_THREAD_CREATE, 0);
	while (!is_blocked())
		sched_yield();
	must_be(0, pthread_cancel(thread), "pthread_cancel");
	must_be(0, pthread_join(thread, &result), "pthread_join");
	must(result == PTHREAD_CANCELED, "it was cancelled");
	expect(TRACE_THREAD_JOIN, 0);
	expect(TRACE_THREAD_JOINED, 0);
	if (way->only_at_once && way->act == lock) {
		pthread_mutex_unlock(&mutex);
		expect(TRACE_MUTEX_RELEASE, 0);
	}
}

static void *sleeps(void *unused)
{
	(void)unused;
	expect(TRACE_THREAD_START, 0);
	expect(TRACE_THREAD_EXIT, 0);
	while (pause() != 0)
		continue;
	return NULL;
}

int odd_cancels(void)
{
	must(sem_init(&semaphore, 0, 0) == 0, "sem_init");
	expect(TRACE_SEM_INIT, 0);
	must(pthread_barrier_init(&barrier, NULL, 2) == 0, "pthread_barrier_init");
	expect(TRACE_BARRIER_INIT, 0);
	must(mtx_init(&c11_mutex, mtx_plain) == 0 && cnd_init(&c11_condition) == 0, "C11");
	expect(TRACE_MUTEX_INIT, 0);
	expect(TRACE_COND_INIT, 0);
	must_be(0, pthread_create(&endless, NULL, sleeps, NULL), "pthread_create");
	expect(TRACE_THREAD_CREATE, 0);
	for (int kind = 0; kind < 2; kind++) {
		asynchronous = kind == 1;
		for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
			if (asynchronous || !ways[i].only_at_once)
				cancel_one(&ways[i]);
		}
	}
	pthread_cancel(endless);
	must_be(0, pthread_join(endless, NULL), "pthread_join");
	expect(TRACE_THREAD_JOIN, 0);
	expect(TRACE_THREAD_JOINED, 0);
	/* libgcc unwinds, and does something once for that. */
	expect_unknown(TRACE_ONCE_BEGIN);
	expect_unknown(TRACE_ONCE_END);
	return 0;
}
