/* The known schedule: threads and their joins, C11's locks and threads, processes that share a
 * lock, and fights. */
#include "tests/traced/schedule.h"

#include <errno.h>
#include <sched.h>
#include <semaphore.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <threads.h>
#include <unistd.h>

#define ROUNDS 400

/* What actors do when they only have to be there: they wait for the end of the file. */
static int gate[2];

static void joined(int wanted, int result, const char *what)
{
	must_be(wanted, result, what);
	expect(TRACE_THREAD_JOIN, 0);
	expect(TRACE_THREAD_JOINED, result);
}

#define JOINED(wanted, call) joined(wanted, call, #call)

static void pass_gate(void *unused)
{
	char byte;

	(void)unused;
	must(read(gate[0], &byte, 1) == 0, "the gate opens");
}

static void *exits(void *unused)
{
	(void)unused;
	expect(TRACE_THREAD_START, 0);
	expect(TRACE_THREAD_EXIT, 0);
	pthread_exit(NULL);
}

static void *is_cancelled(void *unused)
{
	(void)unused;
	expect(TRACE_THREAD_START, 0);
	expect(TRACE_THREAD_EXIT, 0);
	while (pause() != 0)
		continue;
	return NULL;
}

static void joins(void)
{
	struct actor actor;
	struct timespec real, steady;

	must(pipe(gate) == 0, "a pipe");
	actor_start(&actor, pass_gate, NULL);
	real = actor_soon(CLOCK_REALTIME);
	steady = actor_soon(CLOCK_MONOTONIC);
	JOINED(EBUSY, pthread_tryjoin_np(actor.thread, NULL));
	JOINED(ETIMEDOUT, pthread_timedjoin_np(actor.thread, NULL, &real));
	JOINED(ETIMEDOUT, pthread_clockjoin_np(actor.thread, NULL, CLOCK_MONOTONIC, &steady));
	close(gate[1]);
	steady = actor_late(CLOCK_MONOTONIC);
	JOINED(0, pthread_clockjoin_np(actor.thread, NULL, CLOCK_MONOTONIC, &steady));
	actor_start(&actor, pass_gate, NULL);
	real = actor_late(CLOCK_REALTIME);
	JOINED(0, pthread_timedjoin_np(actor.thread, NULL, &real));
	close(gate[0]);
	JOINED(EDEADLK, pthread_join(pthread_self(), NULL));
}

static int nothing(void *unused)
{
	(void)unused;
	expect(TRACE_THREAD_START, 0);
	expect(TRACE_THREAD_EXIT, 0);
	return 0;
}

/* The last of a thread that nobody can join: its folder is gone. */
static void detached(void)
{
	struct actor actor;
	char path[64];
	thrd_t thread;

	must(pipe(gate) == 0, "a pipe");
	actor_start(&actor, pass_gate, NULL);
	must_be(0, pthread_detach(actor.thread), "pthread_detach");
	expect(TRACE_THREAD_DETACH, 0);
	must_be(EINVAL, pthread_detach(actor.thread), "pthread_detach again");
	expect(TRACE_THREAD_DETACH, EINVAL);
	close(gate[1]);
	snprintf(path, sizeof(path), "/proc/self/task/%d", (int)actor.tid);
	while (access(path, F_OK) == 0)
		sched_yield();
	close(gate[0]);
	must_be(thrd_success, thrd_create(&thread, nothing, NULL), "thrd_create");
	expect(TRACE_THREAD_CREATE, 0);
	must_be(thrd_success, thrd_detach(thread), "thrd_detach");
	expect(TRACE_THREAD_DETACH, 0);
}

void schedule_threads(void)
{
	pthread_attr_t attributes;
	pthread_t thread;
	void *result;

	joins();
	detached();
	must_be(0, pthread_create(&thread, NULL, exits, NULL), "pthread_create");
	expect(TRACE_THREAD_CREATE, 0);
	JOINED(0, pthread_join(thread, NULL));
	must_be(0, pthread_create(&thread, NULL, is_cancelled, NULL), "pthread_create");
	expect(TRACE_THREAD_CREATE, 0);
	must_be(0, pthread_setname_np(thread, "cancelled"), "pthread_setname_np");
	expect(TRACE_THREAD_NAME, 0);
	must_be(0, pthread_cancel(thread), "pthread_cancel");
	JOINED(0, pthread_join(thread, &result));
	must(result == PTHREAD_CANCELED, "the thread was cancelled");
	must_be(ERANGE, pthread_setname_np(pthread_self(), "longer than fifteen"), "a long name");
	expect(TRACE_THREAD_NAME, ERANGE);
	must(prctl(PR_SET_NAME, "schedule") == 0, "prctl");
	expect(TRACE_THREAD_NAME, 0);
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, (size_t)1 << 50);
	must_be(EAGAIN, pthread_create(&thread, &attributes, exits, NULL), "a thread too large");
	expect(TRACE_THREAD_CREATE, EAGAIN);
	pthread_attr_destroy(&attributes);
}

static mtx_t c11_mutex;
static cnd_t c11_condition;
static once_flag c11_once;
static bool c11_second_wait;

static void c11_took(int wanted, int result, const char *what)
{
	must_be(wanted, result, what);
	expect(result == thrd_success ? TRACE_MUTEX_ACQUIRE :
	       result == thrd_busy    ? TRACE_MUTEX_BUSY :
					TRACE_MUTEX_FAIL,
	       result == thrd_success ? 0 :
	       result == thrd_busy    ? EBUSY :
					ETIMEDOUT);
}

#define C11_TOOK(wanted, call) c11_took(wanted, call, #call)

static void c11_unlock(void)
{
	must_be(thrd_success, mtx_unlock(&c11_mutex), "mtx_unlock");
	expect(TRACE_MUTEX_RELEASE, 0);
}

static int c11_waits(void *tid)
{
	const struct timespec late = actor_late(CLOCK_REALTIME);

	expect(TRACE_THREAD_START, 0);
	C11_TOOK(thrd_success, mtx_lock(&c11_mutex));
	__atomic_store_n((pid_t *)tid, gettid(), __ATOMIC_RELAXED);
	must_be(thrd_success, cnd_wait(&c11_condition, &c11_mutex), "cnd_wait");
	/* [second-wait] The first is over. */
	__atomic_store_n(&c11_second_wait, true, __ATOMIC_RELEASE);
	must_be(thrd_success, cnd_timedwait(&c11_condition, &c11_mutex, &late), "cnd_timedwait");
	expect_many(TRACE_COND_WAIT, 2);
	expect_many(TRACE_COND_RETURN, 2);
	c11_unlock();
	expect(TRACE_THREAD_EXIT, 0);
	return 7;
}

static int c11_contends(void *tid)
{
	const struct timespec soon = actor_soon(CLOCK_REALTIME);

	expect(TRACE_THREAD_START, 0);
	expect(TRACE_MUTEX_CONFLICT, 0);
	C11_TOOK(thrd_timedout, mtx_timedlock(&c11_mutex, &soon));
	C11_TOOK(thrd_busy, mtx_trylock(&c11_mutex));
	__atomic_store_n((pid_t *)tid, gettid(), __ATOMIC_RELAXED);
	expect(TRACE_MUTEX_CONFLICT, 0);
	C11_TOOK(thrd_success, mtx_lock(&c11_mutex));
	c11_unlock();
	expect(TRACE_THREAD_EXIT, 0);
	thrd_exit(8);
}

static void c11_start(thrd_t *thread, thrd_start_t start, pid_t *tid)
{
	__atomic_store_n(tid, 0, __ATOMIC_RELAXED);
	must_be(thrd_success, thrd_create(thread, start, tid), "thrd_create");
	expect(TRACE_THREAD_CREATE, 0);
	while (__atomic_load_n(tid, __ATOMIC_RELAXED) == 0)
		sched_yield();
}

static void c11_join(thrd_t thread, int wanted)
{
	int status;

	must_be(thrd_success, thrd_join(thread, &status), "thrd_join");
	must(status == wanted, "the thread's status");
	expect(TRACE_THREAD_JOIN, 0);
	expect(TRACE_THREAD_JOINED, 0);
}

static void c11_conditions(void)
{
	thrd_t thread;
	pid_t tid;

	c11_second_wait = false;
	must_be(thrd_success, cnd_init(&c11_condition), "cnd_init");
	expect(TRACE_COND_INIT, 0);
	c11_start(&thread, c11_waits, &tid);
	wait_until_blocked(getpid(), tid, &c11_condition, sizeof(c11_condition));
	must_be(thrd_success, cnd_signal(&c11_condition), "cnd_signal");
	expect(TRACE_COND_SIGNAL, 0);
	/* [second-wait] */
	while (!__atomic_load_n(&c11_second_wait, __ATOMIC_ACQUIRE))
		sched_yield();
	wait_until_blocked(getpid(), tid, &c11_condition, sizeof(c11_condition));
	must_be(thrd_success, cnd_broadcast(&c11_condition), "cnd_broadcast");
	expect(TRACE_COND_BROADCAST, 0);
	c11_join(thread, 7);
	cnd_destroy(&c11_condition);
	expect(TRACE_COND_DESTROY, 0);
}

static void do_once(void)
{
}

void schedule_c11(void)
{
	thrd_t thread;
	pid_t tid;

	must_be(thrd_success, mtx_init(&c11_mutex, mtx_timed), "mtx_init");
	expect(TRACE_MUTEX_INIT, 0);
	C11_TOOK(thrd_success, mtx_lock(&c11_mutex));
	c11_start(&thread, c11_contends, &tid);
	wait_until_blocked(getpid(), tid, &c11_mutex, sizeof(c11_mutex));
	c11_unlock();
	c11_join(thread, 8);
	C11_TOOK(thrd_success, mtx_trylock(&c11_mutex));
	c11_unlock();
	C11_TOOK(thrd_success, mtx_timedlock(&c11_mutex, &actor_past));
	c11_unlock();
	c11_conditions();
	mtx_destroy(&c11_mutex);
	expect(TRACE_MUTEX_DESTROY, 0);
	c11_once = (once_flag)ONCE_FLAG_INIT;
	for (int i = 0; i < 3; i++)
		call_once(&c11_once, do_once);
	expect(TRACE_ONCE_BEGIN, 0);
	expect(TRACE_ONCE_END, 0);
}

/* What two processes share. */
struct common {
	pthread_mutex_t mutex;
	sem_t semaphore;
	pthread_barrier_t barrier;
	pthread_spinlock_t spin;
	size_t count;
	pid_t order[2 * ROUNDS];
};

static struct common *make_common(void)
{
	struct common *common = mmap(NULL, sizeof(*common), PROT_READ | PROT_WRITE,
				     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pthread_barrierattr_t barrier;
	pthread_mutexattr_t mutex;

	must(common != MAP_FAILED, "shared memory");
	pthread_mutexattr_init(&mutex);
	pthread_mutexattr_setpshared(&mutex, PTHREAD_PROCESS_SHARED);
	must_be(0, pthread_mutex_init(&common->mutex, &mutex), "pthread_mutex_init");
	expect(TRACE_MUTEX_INIT, 0);
	must(sem_init(&common->semaphore, 1, 0) == 0, "sem_init");
	expect(TRACE_SEM_INIT, 0);
	pthread_barrierattr_init(&barrier);
	pthread_barrierattr_setpshared(&barrier, PTHREAD_PROCESS_SHARED);
	must_be(0, pthread_barrier_init(&common->barrier, &barrier, 2), "pthread_barrier_init");
	expect(TRACE_BARRIER_INIT, 0);
	must_be(0, pthread_spin_init(&common->spin, PTHREAD_PROCESS_SHARED), "pthread_spin_init");
	expect(TRACE_SPIN_INIT, 0);
	return common;
}

static void meet(struct common *common)
{
	pthread_barrier_wait(&common->barrier);
	expect(TRACE_BARRIER_WAIT, 0);
	expect(TRACE_BARRIER_RETURN, 0);
}

static void rounds(struct common *common)
{
	meet(common);
	for (int i = 0; i < ROUNDS; i++) {
		must_be(0, pthread_mutex_lock(&common->mutex), "pthread_mutex_lock");
		common->order[common->count++] = gettid();
		must_be(0, pthread_mutex_unlock(&common->mutex), "pthread_mutex_unlock");
	}
	expect_many(TRACE_MUTEX_ACQUIRE, ROUNDS);
	expect_many(TRACE_MUTEX_RELEASE, ROUNDS);
	expect_unknown(TRACE_MUTEX_CONFLICT);
}

static void other_process(void *common_)
{
	struct common *common = common_;

	expect(TRACE_MUTEX_CONFLICT, 0);
	must_be(0, pthread_mutex_lock(&common->mutex), "pthread_mutex_lock");
	expect(TRACE_MUTEX_ACQUIRE, 0);
	must(sem_post(&common->semaphore) == 0, "sem_post");
	expect(TRACE_SEM_RELEASE, 0);
	must_be(0, pthread_mutex_unlock(&common->mutex), "pthread_mutex_unlock");
	expect(TRACE_MUTEX_RELEASE, 0);
	rounds(common);
}

void schedule_shared(void *unused)
{
	struct common *common = make_common();
	pid_t pid;

	(void)unused;
	must_be(0, pthread_mutex_lock(&common->mutex), "pthread_mutex_lock");
	expect(TRACE_MUTEX_ACQUIRE, 0);
	pid = schedule_fork(other_process, common);
	wait_until_blocked(pid, pid, &common->mutex, sizeof(common->mutex));
	must(sem_trywait(&common->semaphore) == -1, "nobody has posted");
	expect(TRACE_SEM_BUSY, EAGAIN);
	must_be(0, pthread_mutex_unlock(&common->mutex), "pthread_mutex_unlock");
	expect(TRACE_MUTEX_RELEASE, 0);
	rounds(common);
	schedule_join(pid);
	must(sem_wait(&common->semaphore) == 0, "sem_wait");
	expect(TRACE_SEM_ACQUIRE, 0);
	expect_order(TRACE_MUTEX_ACQUIRE, &common->mutex, common->order, common->count);
	munmap(common, sizeof(*common));
}
