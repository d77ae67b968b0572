/* Handlers that record while a hook runs, and handlers that never return. */
#include "tests/traced/odd.h"

#include <errno.h>
#include <semaphore.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/time.h>
#include <unistd.h>

#define THREADS 2
#define PERIOD_NS 30000
#define JUMPS 300

static sem_t posted;
static _Atomic unsigned long handled, tried;
static _Atomic int others;

static void arm(timer_t *timer, long period_ns)
{
	const struct itimerspec period = { .it_interval.tv_nsec = period_ns,
					   .it_value.tv_nsec = period_ns };
	struct sigevent event = { .sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGUSR1 };

	event._sigev_un._tid = gettid();
	must(timer_create(CLOCK_MONOTONIC, &event, timer) == 0, "a timer");
	must(timer_settime(*timer, 0, &period, NULL) == 0, "the timer starts");
}

static void handle(int signal)
{
	const int saved = errno;

	(void)signal;
	sem_post(&posted);
	atomic_fetch_add_explicit(&handled, 1, memory_order_relaxed);
	/* It fails when the other thread's handler had it: then it is busy. */
	if (sem_trywait(&posted) == 0)
		atomic_fetch_add_explicit(&tried, 1, memory_order_relaxed);
	else
		atomic_fetch_add_explicit(&others, 1, memory_order_relaxed);
	errno = saved;
}

static void lock_under_fire(void *unused)
{
	timer_t timer;

	(void)unused;
	arm(&timer, PERIOD_NS);
	odd_lock(400000);
	timer_delete(timer);
}

int odd_signals(void)
{
	struct sigaction action = { .sa_handler = handle, .sa_flags = SA_RESTART };
	struct actor actors[THREADS];
	unsigned long busy;

	must(sem_init(&posted, 0, 0) == 0, "sem_init");
	expect(TRACE_SEM_INIT, 0);
	sigaction(SIGUSR1, &action, NULL);
	for (int i = 0; i < THREADS; i++)
		actor_start(&actors[i], lock_under_fire, NULL);
	for (int i = 0; i < THREADS; i++)
		actor_join(&actors[i]);
	expect_many(TRACE_SEM_RELEASE, atomic_load_explicit(&handled, memory_order_relaxed));
	expect_many(TRACE_SEM_ACQUIRE, atomic_load_explicit(&tried, memory_order_relaxed));
	busy = (unsigned long)atomic_load_explicit(&others, memory_order_relaxed);
	for (unsigned long i = 0; i < busy; i++)
		expect(TRACE_SEM_BUSY, EAGAIN);
	must(atomic_load_explicit(&handled, memory_order_relaxed) > 100, "signals come");
	return 0;
}

static sigjmp_buf again;
static volatile sig_atomic_t jumps;

static void jump(int signal)
{
	(void)signal;
	sem_post(&posted);
	atomic_fetch_add_explicit(&handled, 1, memory_order_relaxed);
	jumps = jumps + 1;
	siglongjmp(again, 1);
}

static _Atomic unsigned long begun, done;

/* Where a jump leaves a call, it is not known whether that was made: the test has the two bounds
 * from the name of the thread. */
int odd_jumps(void)
{
	struct sigaction action = { .sa_handler = jump };
	sigset_t set;
	timer_t timer;

	must(sem_init(&posted, 0, 0) == 0, "sem_init");
	expect(TRACE_SEM_INIT, 0);
	sigaction(SIGUSR1, &action, NULL);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	arm(&timer, 200000);
	sigsetjmp(again, 1);
	while (jumps < JUMPS) {
		atomic_fetch_add_explicit(&begun, 1, memory_order_relaxed);
		sem_post(&posted);
		atomic_fetch_add_explicit(&done, 1, memory_order_relaxed);
		if (atomic_load_explicit(&done, memory_order_relaxed) % 1000000 == 0)
			must(sem_destroy(&posted) == 0 && sem_init(&posted, 0, 0) == 0, "anew");
	}
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	timer_delete(timer);
	expect_unknown(TRACE_SEM_RELEASE);
	expect_unknown(TRACE_SEM_INIT);
	expect_unknown(TRACE_SEM_DESTROY);
	expect_unknown(TRACE_ABANDONED);
	expect_between(TRACE_SEM_RELEASE,
		       atomic_load_explicit(&done, memory_order_relaxed) +
			       atomic_load_explicit(&handled, memory_order_relaxed),
		       atomic_load_explicit(&begun, memory_order_relaxed) +
			       atomic_load_explicit(&handled, memory_order_relaxed));
	expect_between(TRACE_ABANDONED, 0, JUMPS);
	return 0;
}
