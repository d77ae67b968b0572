/* The known schedule: semaphores, conditions in both symbol versions, barriers, things done once.
 */
#include "tests/traced/schedule.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <semaphore.h>
#include <stdio.h>
#include <unistd.h>

static void took(int wanted, int result, const char *what)
{
	const int error = result == 0 ? 0 : errno;

	must_be(wanted, error, what);
	expect(error == 0      ? TRACE_SEM_ACQUIRE :
	       error == EAGAIN ? TRACE_SEM_BUSY :
				 TRACE_SEM_FAIL,
	       error);
}

#define TOOK(wanted, call) took(wanted, call, #call)

static void post(sem_t *semaphore)
{
	must(sem_post(semaphore) == 0, "sem_post");
	expect(TRACE_SEM_RELEASE, 0);
}

static void take(void *semaphore)
{
	TOOK(0, sem_wait(semaphore));
}

static void take_timed(void *semaphore)
{
	const struct timespec late = actor_late(CLOCK_REALTIME);

	TOOK(0, sem_timedwait(semaphore, &late));
}

static void take_clocked(void *semaphore)
{
	const struct timespec late = actor_late(CLOCK_MONOTONIC);

	TOOK(0, sem_clockwait(semaphore, CLOCK_MONOTONIC, &late));
}

static void contend(sem_t *semaphore, void (*act)(void *object))
{
	struct actor actor;

	actor_start(&actor, act, semaphore);
	actor_wait_blocked(&actor, semaphore, sizeof(*semaphore));
	expect(TRACE_SEM_CONFLICT, 0);
	post(semaphore);
	actor_join(&actor);
}

static void use_semaphore(sem_t *semaphore)
{
	const struct timespec real = actor_soon(CLOCK_REALTIME);
	const struct timespec steady = actor_soon(CLOCK_MONOTONIC);
	const struct timespec no_time = { .tv_nsec = 1000000000 };

	TOOK(EAGAIN, sem_trywait(semaphore));
	expect_many(TRACE_SEM_CONFLICT, 2);
	TOOK(ETIMEDOUT, sem_timedwait(semaphore, &real));
	TOOK(ETIMEDOUT, sem_clockwait(semaphore, CLOCK_MONOTONIC, &steady));
	TOOK(EINVAL, sem_timedwait(semaphore, &no_time));
	contend(semaphore, take);
	contend(semaphore, take_timed);
	contend(semaphore, take_clocked);
	for (int i = 0; i < 3; i++) {
		post(semaphore);
		post(semaphore);
		take(semaphore);
		TOOK(0, sem_trywait(semaphore));
		post(semaphore);
		take_timed(semaphore);
	}
}

void schedule_semaphores(void)
{
	char name[64];
	sem_t semaphore, *named;

	must(sem_init(&semaphore, 0, 0) == 0, "sem_init");
	expect(TRACE_SEM_INIT, 0);
	use_semaphore(&semaphore);
	must(sem_destroy(&semaphore) == 0, "sem_destroy");
	expect(TRACE_SEM_DESTROY, 0);
	must(sem_init(&semaphore, 0, SEM_VALUE_MAX) == 0, "sem_init");
	expect(TRACE_SEM_INIT, 0);
	must(sem_post(&semaphore) == -1 && errno == EOVERFLOW, "sem_post beyond the maximum");
	expect(TRACE_SEM_RELEASE, 0);
	expect(TRACE_SEM_RELEASE_FAIL, EOVERFLOW);
	snprintf(name, sizeof(name), "/gilscope-schedule-%d", (int)getpid());
	must(sem_open(name, 0) == SEM_FAILED && errno == ENOENT, "sem_open of nothing");
	expect(TRACE_SEM_OPEN, ENOENT);
	named = sem_open(name, O_CREAT | O_EXCL, 0600, 0);
	must(named != SEM_FAILED, "sem_open");
	expect(TRACE_SEM_OPEN, 0);
	sem_unlink(name);
	use_semaphore(named);
	must(sem_close(named) == 0, "sem_close");
	expect(TRACE_SEM_CLOSE, 0);
}

/* A condition with its mutex, and the functions of one symbol version. */
struct functions {
	int (*wait)(pthread_cond_t *, pthread_mutex_t *);
	int (*timedwait)(pthread_cond_t *, pthread_mutex_t *, const struct timespec *);
	int (*signal)(pthread_cond_t *);
	int (*broadcast)(pthread_cond_t *);
};

static const struct functions now = { pthread_cond_wait, pthread_cond_timedwait,
				      pthread_cond_signal, pthread_cond_broadcast };

static struct meeting {
	pthread_cond_t condition;
	pthread_mutex_t mutex;
	const struct functions *functions;
	bool go;
} meeting;

static void lock(void)
{
	must_be(0, pthread_mutex_lock(&meeting.mutex), "pthread_mutex_lock");
	expect(TRACE_MUTEX_ACQUIRE, 0);
}

static void unlock(void)
{
	must_be(0, pthread_mutex_unlock(&meeting.mutex), "pthread_mutex_unlock");
	expect(TRACE_MUTEX_RELEASE, 0);
}

static void waited(int wanted, int result, const char *what)
{
	must_be(wanted, result, what);
	expect(TRACE_COND_WAIT, 0);
	expect(TRACE_COND_RETURN, result);
}

#define WAITED(wanted, call) waited(wanted, call, #call)

static void wait_once(void *object)
{
	struct meeting *at = object;

	lock();
	WAITED(0, at->functions->wait(&at->condition, &at->mutex));
	unlock();
}

static void wait_timed(void *object)
{
	const struct timespec late = actor_late(CLOCK_REALTIME);
	struct meeting *at = object;

	lock();
	WAITED(0, at->functions->timedwait(&at->condition, &at->mutex, &late));
	unlock();
}

static void wait_clocked(void *object)
{
	const struct timespec late = actor_late(CLOCK_MONOTONIC);
	struct meeting *at = object;

	lock();
	WAITED(0, pthread_cond_clockwait(&at->condition, &at->mutex, CLOCK_MONOTONIC, &late));
	unlock();
}

static void signal_one(void)
{
	must_be(0, meeting.functions->signal(&meeting.condition), "pthread_cond_signal");
	expect(TRACE_COND_SIGNAL, 0);
}

/* An old condition is a pointer to a new one, which its first wait makes. */
static void wait_until_waiting(struct actor *actor)
{
	_Atomic(void *) *const old = (void *)&meeting.condition;

	if (meeting.functions == &now) {
		actor_wait_blocked(actor, &meeting.condition, sizeof(meeting.condition));
		return;
	}
	while (!atomic_load_explicit(old, memory_order_relaxed))
		sched_yield();
	actor_wait_blocked(actor, atomic_load_explicit(old, memory_order_relaxed),
			   sizeof(meeting.condition));
}

/* The woken find the mutex free, as it is let go before they are. */
static void meet(void (*act)(void *object))
{
	struct actor actor;

	signal_one(); /* for nobody */
	actor_start(&actor, act, &meeting);
	wait_until_waiting(&actor);
	signal_one();
	actor_join(&actor);
}

static void meet_all(void (*act)(void *object))
{
	struct actor actors[3];

	for (int i = 0; i < 3; i++) {
		actor_start(&actors[i], act, &meeting);
		wait_until_waiting(&actors[i]);
	}
	lock();
	must_be(0, meeting.functions->broadcast(&meeting.condition), "pthread_cond_broadcast");
	expect(TRACE_COND_BROADCAST, 0);
	unlock();
	for (int i = 0; i < 3; i++)
		actor_join(&actors[i]);
}

static void time_out(clockid_t clock)
{
	const struct timespec soon = actor_soon(clock);

	lock();
	WAITED(ETIMEDOUT, meeting.functions->timedwait(&meeting.condition, &meeting.mutex, &soon));
	WAITED(ETIMEDOUT,
	       meeting.functions->timedwait(&meeting.condition, &meeting.mutex, &actor_past));
	unlock();
}

static void init(const pthread_condattr_t *attributes)
{
	must_be(0, pthread_mutex_init(&meeting.mutex, NULL), "pthread_mutex_init");
	expect(TRACE_MUTEX_INIT, 0);
	must_be(0, pthread_cond_init(&meeting.condition, attributes), "pthread_cond_init");
	expect(TRACE_COND_INIT, 0);
}

static void destroy(void)
{
	must_be(0, pthread_cond_destroy(&meeting.condition), "pthread_cond_destroy");
	expect(TRACE_COND_DESTROY, 0);
	must_be(0, pthread_mutex_destroy(&meeting.mutex), "pthread_mutex_destroy");
	expect(TRACE_MUTEX_DESTROY, 0);
}

#if defined(__x86_64__)
extern __typeof__(pthread_cond_init) old_init;
extern __typeof__(pthread_cond_destroy) old_destroy;
extern __typeof__(pthread_cond_wait) old_wait;
extern __typeof__(pthread_cond_timedwait) old_timedwait;
extern __typeof__(pthread_cond_signal) old_signal;
extern __typeof__(pthread_cond_broadcast) old_broadcast;
__asm__(".symver old_init, pthread_cond_init@GLIBC_2.2.5\n"
	".symver old_destroy, pthread_cond_destroy@GLIBC_2.2.5\n"
	".symver old_wait, pthread_cond_wait@GLIBC_2.2.5\n"
	".symver old_timedwait, pthread_cond_timedwait@GLIBC_2.2.5\n"
	".symver old_signal, pthread_cond_signal@GLIBC_2.2.5\n"
	".symver old_broadcast, pthread_cond_broadcast@GLIBC_2.2.5");

/* What a program from before glibc 2.3.2 has: 8 bytes, of which glibc uses a pointer. */
static void old_conditions(void)
{
	static const struct functions old = { old_wait, old_timedwait, old_signal, old_broadcast };

	must_be(0, pthread_mutex_init(&meeting.mutex, NULL), "pthread_mutex_init");
	expect(TRACE_MUTEX_INIT, 0);
	meeting.functions = &old;
	must_be(0, old_init(&meeting.condition, NULL), "the old pthread_cond_init");
	expect(TRACE_COND_INIT, 0);
	time_out(CLOCK_REALTIME);
	meet_all(wait_once);
	meet_all(wait_timed);
	signal_one();
	must_be(0, old_destroy(&meeting.condition), "the old pthread_cond_destroy");
	expect(TRACE_COND_DESTROY, 0);
	must_be(0, pthread_mutex_destroy(&meeting.mutex), "pthread_mutex_destroy");
	expect(TRACE_MUTEX_DESTROY, 0);
}
#else
static void old_conditions(void)
{
}
#endif

void schedule_conditions(void)
{
	pthread_condattr_t attributes;

	meeting.functions = &now;
	init(NULL);
	meet(wait_once);
	meet(wait_timed);
	meet(wait_clocked);
	meet_all(wait_once);
	time_out(CLOCK_REALTIME);
	destroy();
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_condattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
	init(&attributes);
	meet(wait_once);
	meet_all(wait_clocked);
	time_out(CLOCK_MONOTONIC);
	destroy();
	pthread_condattr_destroy(&attributes);
	old_conditions();
}

static void meet_at_barrier(void *barrier)
{
	pthread_barrier_wait(barrier);
	expect(TRACE_BARRIER_WAIT, 0);
	expect(TRACE_BARRIER_RETURN, 0);
}

static void barriers(void)
{
	pthread_barrier_t barrier, none;
	struct actor actors[3];

	must_be(0, pthread_barrier_init(&barrier, NULL, 4), "pthread_barrier_init");
	expect(TRACE_BARRIER_INIT, 0);
	must_be(EINVAL, pthread_barrier_init(&none, NULL, 0), "a barrier for nobody");
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < 3; i++)
			actor_start(&actors[i], meet_at_barrier, &barrier);
		meet_at_barrier(&barrier);
		for (int i = 0; i < 3; i++)
			actor_join(&actors[i]);
	}
	must_be(0, pthread_barrier_destroy(&barrier), "pthread_barrier_destroy");
	expect(TRACE_BARRIER_DESTROY, 0);
}

static pthread_once_t once = PTHREAD_ONCE_INIT;
static struct actor second;

static void unwanted(void)
{
	must(false, "only one routine runs");
}

static void begin_and_end_once(void *control)
{
	(void)control;
	expect(TRACE_ONCE_BEGIN, 0);
	expect(TRACE_ONCE_END, 0);
	must_be(0, pthread_once(&once, unwanted), "pthread_once");
}

/* While it runs the second thread comes to the same control, and waits. */
static void routine(void)
{
	actor_start(&second, begin_and_end_once, NULL);
	actor_wait_blocked(&second, &once, sizeof(once));
}

void schedule_barriers_and_once(void)
{
	barriers();
	expect(TRACE_ONCE_BEGIN, 0);
	expect(TRACE_ONCE_END, 0);
	must_be(0, pthread_once(&once, routine), "pthread_once");
	actor_join(&second);
	/* Done: no event. */
	for (int i = 0; i < 5; i++)
		must_be(0, pthread_once(&once, routine), "pthread_once");
}
