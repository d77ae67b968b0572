/* See actor.h. */
#include "tests/traced/actor.h"

#include <errno.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

static void *enter(void *actor_)
{
	struct actor *actor = actor_;

	expect(TRACE_THREAD_START, 0);
	/* [tid] What the thread did before is seen by who reads it. */
	__atomic_store_n(&actor->tid, gettid(), __ATOMIC_RELEASE);
	actor->act(actor->object);
	expect(TRACE_THREAD_EXIT, 0);
	return NULL;
}

void actor_start(struct actor *actor, void (*act)(void *object), void *object)
{
	*actor = (struct actor){ .act = act, .object = object };
	must_be(0, pthread_create(&actor->thread, NULL, enter, actor), "pthread_create");
	expect(TRACE_THREAD_CREATE, 0);
	/* [tid] */
	while (__atomic_load_n(&actor->tid, __ATOMIC_ACQUIRE) == 0)
		sched_yield();
}

void actor_join(struct actor *actor)
{
	must_be(0, pthread_join(actor->thread, NULL), "pthread_join");
	expect(TRACE_THREAD_JOIN, 0);
	expect(TRACE_THREAD_JOINED, 0);
}

void actor_wait_blocked(struct actor *actor, const void *object, size_t size)
{
	wait_until_blocked(getpid(), actor->tid, object, size);
}

const struct timespec actor_past = { .tv_sec = 1 };

static struct timespec after(clockid_t clock, long ns, time_t s)
{
	struct timespec at;

	clock_gettime(clock, &at);
	at.tv_sec += s + (at.tv_nsec + ns) / 1000000000;
	at.tv_nsec = (at.tv_nsec + ns) % 1000000000;
	return at;
}

struct timespec actor_soon(clockid_t clock)
{
	return after(clock, 3000000, 0);
}

struct timespec actor_late(clockid_t clock)
{
	return after(clock, 0, 1000);
}

bool actor_is_emulated(void)
{
	size_t length;
	void *head;

	return syscall(SYS_get_robust_list, 0, &head, &length) != 0 && errno == ENOSYS;
}
