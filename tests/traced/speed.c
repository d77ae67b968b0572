/* What lock operations cost, for tests/trace_speed.py, which runs it traced and not. Prints a line
 * "NAME VALUE" each: nanoseconds per operation, the least of some rounds; with 'paced SECONDS' how
 * long single calls of pthread_mutex_lock took, at 2 million pairs a second; with 'calls' what
 * system calls cost. */
#include "base/clock.h"
#include "base/histogram.h"

#include <linux/futex.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* A round's records fit a ring; a pause lets the launcher catch up. */
#define ROUNDS 40
#define REPEATS 50000
#define PAUSE_US 4000
#define FIGHT_ROUNDS 9
#define BURST 100000
#define LONG 2000000
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

static void getppid_call(void)
{
	getppid();
}

/* A futex that nobody waits for. */
static void futex_call(void)
{
	static int word;

	syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

static void measure(const char *name, void (*operation)(void))
{
	uint64_t least = UINT64_MAX;

	for (int round = 0; round < ROUNDS; round++) {
		uint64_t begin;

		usleep(PAUSE_US);
		begin = clock_now_ns();
		for (int i = 0; i < REPEATS; i++)
			operation();
		if (clock_now_ns() - begin < least)
			least = clock_now_ns() - begin;
	}
	printf("%s %.2f\n", name, (double)least / REPEATS);
}

static void *fight(void *argument)
{
	const int *const times = argument;

	for (int i = 0; i < *times; i++) {
		pthread_mutex_lock(&mutex);
		shared++;
		pthread_mutex_unlock(&mutex);
	}
	return NULL;
}

static int compare(const void *a, const void *b)
{
	const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* The median: how threads meet differs from round to round. */
static void measure_fight(const char *name, int times, unsigned pause_us)
{
	uint64_t took[FIGHT_ROUNDS], median;

	for (int round = 0; round < FIGHT_ROUNDS; round++) {
		uint64_t begin;
		pthread_t other;

		usleep(pause_us);
		begin = clock_now_ns();
		pthread_create(&other, NULL, fight, &times);
		fight(&times);
		pthread_join(other, NULL);
		took[round] = clock_now_ns() - begin;
	}
	qsort(took, FIGHT_ROUNDS, sizeof(took[0]), compare);
	median = took[FIGHT_ROUNDS / 2];
	printf("%s %.2f\n", name, (double)median / (2.0 * times));
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
	if (argc == 2 && strcmp(argv[1], "calls") == 0) {
		measure("getppid", getppid_call);
		measure("futex_wake", futex_call);
		return 0;
	}
	measure("mutex_pair", mutex_pair);
	measure("semaphore_pair", semaphore_pair);
	measure("read_pair", read_pair);
	measure("signal", signal_condition);
	measure_fight("fight", BURST, 50000);
	measure_fight("fight_long", LONG, 0);
	return 0;
}
