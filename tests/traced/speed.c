/* What lock operations cost, for tests/trace_speed.py, which runs it traced and not. Prints a line
 * "NAME VALUE" each: nanoseconds per operation, the least of some rounds; with 'paced SECONDS' how
 * long single calls of pthread_mutex_lock took, at 2 million pairs a second. */
#include "base/clock.h"
#include "base/histogram.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ROUNDS 9
#define REPEATS 200000
#define FIGHTS 1000000
#define PAIRS_PER_S 2000000

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static sem_t semaphore;
static unsigned long shared;

static void mutex_pair(void)
{
	pthread_mutex_lock(&mutex);
	pthread_mutex_unlock(&mutex);
}

static void semaphore_pair(void)
{
	sem_post(&semaphore);
	sem_wait(&semaphore);
}

static void read_pair(void)
{
	pthread_rwlock_rdlock(&rwlock);
	pthread_rwlock_unlock(&rwlock);
}

static void signal_condition(void)
{
	pthread_cond_signal(&condition);
}

static void measure(const char *name, void (*operation)(void))
{
	uint64_t least = UINT64_MAX;

	for (int round = 0; round < ROUNDS; round++) {
		const uint64_t begin = clock_now_ns();

		for (int i = 0; i < REPEATS; i++)
			operation();
		if (clock_now_ns() - begin < least)
			least = clock_now_ns() - begin;
	}
	printf("%s %.2f\n", name, (double)least / REPEATS);
}

static void *fight(void *argument)
{
	for (int i = 0; i < FIGHTS; i++) {
		pthread_mutex_lock(&mutex);
		shared++;
		pthread_mutex_unlock(&mutex);
	}
	return argument;
}

static void measure_fight(void)
{
	uint64_t times[5];

	for (int round = 0; round < 5; round++) {
		const uint64_t begin = clock_now_ns();
		pthread_t other;

		pthread_create(&other, NULL, fight, NULL);
		fight(NULL);
		pthread_join(other, NULL);
		times[round] = clock_now_ns() - begin;
	}
	/* The median: how threads meet differs from round to round. */
	for (int i = 1; i < 5; i++) {
		for (int k = i; k > 0 && times[k] < times[k - 1]; k--) {
			const uint64_t swap = times[k];

			times[k] = times[k - 1];
			times[k - 1] = swap;
		}
	}
	printf("fight %.2f\n", (double)times[2] / (2.0 * FIGHTS));
}

static void pace(double seconds)
{
	static struct histogram histogram;
	const struct clock_pair from = clock_pair_now();
	const uint64_t step = clock_ns_to_raw(1000000000 / PAIRS_PER_S);
	const uint64_t count = (uint64_t)(seconds * PAIRS_PER_S);
	uint64_t next = clock_raw();
	struct clock_pair to;

	for (uint64_t i = 0; i < count; i++, next += step) {
		uint64_t begin;

		while ((begin = clock_raw()) < next)
			;
		pthread_mutex_lock(&mutex);
		histogram_add(&histogram, clock_raw() - begin);
		pthread_mutex_unlock(&mutex);
	}
	to = clock_pair_now();
	printf("pairs_per_s %.0f\n", (double)count / ((double)(to.ns - from.ns) / 1e9));
	for (int i = 0; i < 5; i++) {
		static const double shares[] = { 0.5, 0.99, 0.999, 0.9999, 1 };
		static const char *const names[] = { "p50", "p99", "p99.9", "p99.99", "max" };

		printf("%s %llu\n", names[i],
		       (unsigned long long)clock_raw_to_ns(
			       histogram_percentile(&histogram, shares[i]), from, to));
	}
}

/* While it lives glibc uses atomic instructions, as in every program that has threads. */
static void *idle(void *argument)
{
	pause();
	return argument;
}

int main(int argc, char *argv[])
{
	pthread_t thread;

	sem_init(&semaphore, 0, 0);
	if (pthread_create(&thread, NULL, idle, NULL) != 0)
		return 1;
	if (argc == 3 && strcmp(argv[1], "paced") == 0) {
		pace(atof(argv[2]));
		return 0;
	}
	measure("mutex_pair", mutex_pair);
	measure("semaphore_pair", semaphore_pair);
	measure("read_pair", read_pair);
	measure("signal", signal_condition);
	measure_fight();
	return 0;
}
