/* What workloads/sync.c does, as a plain program with pthreads: nothing of the runtime is in it, so
 * that what the runtime adds can be seen. plain PRIMITIVE WORKERS SIZE prints nanoseconds for each
 * operation, how many latencies there were, and their median and 90th percentile. */
#include <pthread.h>
#include <semaphore.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define WORKERS_MAX 64

struct event {
	pthread_mutex_t mutex;
	pthread_cond_t cond;
	bool set;
};

struct worker {
	alignas(64) unsigned index;
	uint64_t times;
	uint64_t start_ns, finish_ns;
	uint64_t *latencies;
	size_t count;
	/* As the places of sync.c. */
	alignas(64) struct event event;
	pthread_cond_t cond;
	uint64_t given_ns;
	uint64_t arrived_ns[2];
};

static struct {
	alignas(64) pthread_mutex_t mutex;
	alignas(64) sem_t semaphore;
	alignas(64) pthread_barrier_t barrier;
	alignas(64) _Atomic unsigned asking;
	alignas(64) unsigned last;
	uint64_t released_ns, handovers, repeats, run, longest_run;
	unsigned turn;
	alignas(64) pthread_barrier_t start;
} shared;

static struct worker workers[WORKERS_MAX];
static unsigned worker_count;

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void add_latency(struct worker *w, uint64_t ns)
{
	w->latencies[w->count++] = ns;
}

/* What a holder writes down: the same as sync.c, for it lengthens the time that the lock is held.
 */
static bool count_take(unsigned index, uint64_t asked_ns)
{
	const bool alone = atomic_fetch_sub_explicit(&shared.asking, 1, memory_order_relaxed) == 1;
	const bool again = shared.last == index + 1, first = shared.last == 0;

	shared.last = index + 1;
	shared.repeats += again;
	shared.handovers += !again && !first;
	shared.run = alone ? 0 : again ? shared.run + 1 : 1;
	if (shared.run > shared.longest_run)
		shared.longest_run = shared.run;
	return !again && asked_ns < shared.released_ns;
}

static uint64_t ask(void)
{
	atomic_fetch_add_explicit(&shared.asking, 1, memory_order_relaxed);
	return now_ns();
}

/* Behind a take; returns the latency, or 0. */
static uint64_t hold(const struct worker *w, uint64_t asked_ns)
{
	const uint64_t taken_ns = now_ns();
	const bool handed = count_take(w->index, asked_ns);
	const uint64_t waited_ns = handed ? taken_ns - shared.released_ns : 0;

	shared.released_ns = now_ns();
	return waited_ns;
}

static void take_locks(struct worker *w)
{
	for (uint64_t i = 0; i < w->times; i++) {
		const uint64_t asked_ns = ask();
		uint64_t waited_ns;

		pthread_mutex_lock(&shared.mutex);
		waited_ns = hold(w, asked_ns);
		pthread_mutex_unlock(&shared.mutex);
		if (waited_ns > 0)
			add_latency(w, waited_ns);
	}
}

static void take_twice(struct worker *w)
{
	for (uint64_t i = 0; i < w->times; i++) {
		const uint64_t asked_ns = ask();
		uint64_t waited_ns;

		pthread_mutex_lock(&shared.mutex);
		pthread_mutex_lock(&shared.mutex);
		waited_ns = hold(w, asked_ns);
		pthread_mutex_unlock(&shared.mutex);
		pthread_mutex_unlock(&shared.mutex);
		if (waited_ns > 0)
			add_latency(w, waited_ns);
	}
}

static void take_semaphores(struct worker *w)
{
	for (uint64_t i = 0; i < w->times; i++) {
		const uint64_t asked_ns = ask();
		uint64_t waited_ns;

		sem_wait(&shared.semaphore);
		waited_ns = hold(w, asked_ns);
		sem_post(&shared.semaphore);
		if (waited_ns > 0)
			add_latency(w, waited_ns);
	}
}

static void set_event(struct event *event, bool set)
{
	pthread_mutex_lock(&event->mutex);
	event->set = set;
	if (set)
		pthread_cond_broadcast(&event->cond);
	pthread_mutex_unlock(&event->mutex);
}

static void pass_by_events(struct worker *w)
{
	struct worker *next = &workers[(w->index + 1) % worker_count];

	for (uint64_t i = 0; i < w->times; i++) {
		uint64_t got_ns;

		pthread_mutex_lock(&w->event.mutex);
		while (!w->event.set)
			pthread_cond_wait(&w->event.cond, &w->event.mutex);
		pthread_mutex_unlock(&w->event.mutex);
		got_ns = now_ns();
		set_event(&w->event, false);
		if (w->given_ns > 0)
			add_latency(w, got_ns - w->given_ns);
		next->given_ns = now_ns();
		set_event(&next->event, true);
	}
}

static void pass_by_conditions(struct worker *w)
{
	struct worker *next = &workers[(w->index + 1) % worker_count];

	for (uint64_t i = 0; i < w->times; i++) {
		pthread_mutex_lock(&shared.mutex);
		while (shared.turn != w->index)
			pthread_cond_wait(&w->cond, &shared.mutex);
		if (w->given_ns > 0)
			add_latency(w, now_ns() - w->given_ns);
		shared.turn = next->index;
		next->given_ns = now_ns();
		pthread_cond_signal(&next->cond);
		pthread_mutex_unlock(&shared.mutex);
	}
}

static void meet(struct worker *w)
{
	for (uint64_t i = 0; i < w->times; i++) {
		uint64_t left_ns, last_ns = 0;

		w->arrived_ns[i % 2] = now_ns();
		pthread_barrier_wait(&shared.barrier);
		left_ns = now_ns();
		for (unsigned k = 0; k < worker_count; k++) {
			const uint64_t arrived_ns = workers[k].arrived_ns[i % 2];

			last_ns = arrived_ns > last_ns ? arrived_ns : last_ns;
		}
		add_latency(w, left_ns - last_ns);
	}
}

static const struct {
	const char *name;
	void (*work)(struct worker *w);
	int mutex; /* its type */
} primitives[] = {
	{ "lock", take_locks, PTHREAD_MUTEX_DEFAULT },
	{ "rlock", take_twice, PTHREAD_MUTEX_RECURSIVE },
	{ "event", pass_by_events, PTHREAD_MUTEX_DEFAULT },
	{ "condition", pass_by_conditions, PTHREAD_MUTEX_DEFAULT },
	{ "semaphore", take_semaphores, PTHREAD_MUTEX_DEFAULT },
	{ "barrier", meet, PTHREAD_MUTEX_DEFAULT },
};
#define PRIMITIVES (sizeof(primitives) / sizeof(primitives[0]))

static void (*chosen)(struct worker *w);

static void *run_worker(void *memory)
{
	struct worker *w = memory;

	pthread_barrier_wait(&shared.start);
	w->start_ns = now_ns();
	chosen(w);
	w->finish_ns = now_ns();
	return NULL;
}

static void make_shared(int mutex)
{
	pthread_mutexattr_t attr;

	pthread_mutexattr_init(&attr);
	pthread_mutexattr_settype(&attr, mutex);
	pthread_mutex_init(&shared.mutex, &attr);
	sem_init(&shared.semaphore, 0, 1);
	pthread_barrier_init(&shared.barrier, NULL, worker_count);
	pthread_barrier_init(&shared.start, NULL, worker_count);
}

static void make_worker(unsigned index, uint64_t size)
{
	struct worker *w = &workers[index];
	const size_t bytes = (size / worker_count + 1) * sizeof(*w->latencies);

	w->index = index;
	w->times = size / worker_count + (chosen != meet && index < size % worker_count);
	w->latencies = malloc(bytes);
	if (!w->latencies)
		exit(3);
	memset(w->latencies, 1, bytes); /* touched now, not when the first latency comes */
	pthread_mutex_init(&w->event.mutex, NULL);
	pthread_cond_init(&w->event.cond, NULL);
	pthread_cond_init(&w->cond, NULL);
	w->event.set = index == 0;
}

static int compare(const void *left, const void *right)
{
	const uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;

	return (a > b) - (a < b);
}

static void print_latencies(void)
{
	size_t count = 0, at = 0;
	uint64_t *all;

	for (unsigned i = 0; i < worker_count; i++)
		count += workers[i].count;
	printf("n %zu\n", count);
	all = malloc((count + 1) * sizeof(*all));
	if (!all)
		exit(3);
	for (unsigned i = 0; i < worker_count; i++) {
		memcpy(all + at, workers[i].latencies, workers[i].count * sizeof(*all));
		at += workers[i].count;
	}
	qsort(all, count, sizeof(*all), compare);
	if (count > 0)
		printf("p50 %llu\np90 %llu\n", (unsigned long long)all[(count - 1) / 2],
		       (unsigned long long)all[(count - 1) * 9 / 10]);
	free(all);
}

static void run_all(uint64_t size)
{
	uint64_t start_ns = UINT64_MAX, finish_ns = 0;
	pthread_t threads[WORKERS_MAX];

	for (unsigned i = 0; i < worker_count; i++)
		pthread_create(&threads[i], NULL, run_worker, &workers[i]);
	for (unsigned i = 0; i < worker_count; i++) {
		pthread_join(threads[i], NULL);
		start_ns = workers[i].start_ns < start_ns ? workers[i].start_ns : start_ns;
		finish_ns = workers[i].finish_ns > finish_ns ? workers[i].finish_ns : finish_ns;
	}
	printf("op %.3f\n", (double)(finish_ns - start_ns) / (double)size);
}

int main(int argc, char *argv[])
{
	const unsigned long count = argc == 4 ? strtoul(argv[2], NULL, 10) : 0;
	const uint64_t size = argc == 4 ? strtoull(argv[3], NULL, 10) : 0;

	for (size_t i = 0; i < PRIMITIVES && count > 0 && count <= WORKERS_MAX && size > 0; i++) {
		if (strcmp(primitives[i].name, argv[1]) != 0)
			continue;
		worker_count = (unsigned)count;
		chosen = primitives[i].work;
		make_shared(primitives[i].mutex);
		for (unsigned k = 0; k < worker_count; k++)
			make_worker(k, size);
		run_all(size);
		print_latencies();
		return 0;
	}
	fprintf(stderr, "usage: plain PRIMITIVE WORKERS SIZE\n");
	return 2;
}
