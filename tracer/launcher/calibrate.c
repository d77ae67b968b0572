/* A program of its own: what recording adds to an operation. Each round does the operation
 * natively, through libc's own function, and recorded, through whatever the loader put before it;
 * the median of the differences is printed. Its records are read by nobody. */
#include "base/clock.h"

#include <dlfcn.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Its 3,200 records fit the ring of a thread, which is not drained. */
#define ROUNDS 45
#define REPEATS 10

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static sem_t semaphore;

struct functions {
	int (*lock)(pthread_mutex_t *), (*unlock)(pthread_mutex_t *);
	int (*wait)(sem_t *), (*post)(sem_t *);
	int (*read)(pthread_rwlock_t *), (*release)(pthread_rwlock_t *);
	int (*signal)(pthread_cond_t *);
};

static struct functions native;
static struct functions recorded = {
	pthread_mutex_lock,    pthread_mutex_unlock, sem_wait, sem_post, pthread_rwlock_rdlock,
	pthread_rwlock_unlock, pthread_cond_signal,
};

static void mutex_pair(const struct functions *f)
{
	f->lock(&mutex);
	f->unlock(&mutex);
}

static void semaphore_pair(const struct functions *f)
{
	f->post(&semaphore);
	f->wait(&semaphore);
}

static void read_pair(const struct functions *f)
{
	f->read(&rwlock);
	f->release(&rwlock);
}

static void signal_condition(const struct functions *f)
{
	f->signal(&condition);
}

static int compare(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *values)
{
	qsort(values, ROUNDS, sizeof(*values), compare);
	return values[ROUNDS / 2];
}

static uint64_t time_of(void (*operation)(const struct functions *), const struct functions *f)
{
	const uint64_t begin = clock_raw();

	for (int i = 0; i < REPEATS; i++)
		operation(f);
	return clock_raw() - begin;
}

static double added(void (*operation)(const struct functions *), double ns_per_raw)
{
	double differences[ROUNDS];

	for (int i = 0; i < ROUNDS; i++) {
		const uint64_t without = time_of(operation, &native);
		const uint64_t with = time_of(operation, &recorded);

		differences[i] = ((double)with - (double)without) * ns_per_raw / REPEATS;
	}
	return median(differences) > 0 ? median(differences) : 0;
}

static double counter(double ns_per_raw)
{
	double costs[ROUNDS];

	for (int i = 0; i < ROUNDS; i++) {
		const uint64_t begin = clock_raw();

		for (int k = 0; k < REPEATS - 1; k++)
			(void)clock_raw();
		costs[i] = (double)(clock_raw() - begin) * ns_per_raw / REPEATS;
	}
	return median(costs);
}

/* While it lives glibc uses atomic instructions, as in every program that has threads. */
static void *idle(void *argument)
{
	pause();
	return argument;
}

int main(void)
{
	void *libc = dlopen("libc.so.6", RTLD_NOW | RTLD_NOLOAD);
	const double ns_per_raw = 1e6 / (double)clock_ns_to_raw(1000000);
	pthread_t thread;
	double pair;

	if (!libc || sem_init(&semaphore, 0, 0) != 0 ||
	    pthread_create(&thread, NULL, idle, NULL) != 0)
		return 1;
	*(void **)&native.lock = dlsym(libc, "pthread_mutex_lock");
	*(void **)&native.unlock = dlsym(libc, "pthread_mutex_unlock");
	*(void **)&native.wait = dlsym(libc, "sem_wait");
	*(void **)&native.post = dlsym(libc, "sem_post");
	*(void **)&native.read = dlsym(libc, "pthread_rwlock_rdlock");
	*(void **)&native.release = dlsym(libc, "pthread_rwlock_unlock");
	*(void **)&native.signal = dlsym(libc, "pthread_cond_signal");
	pair = added(mutex_pair, ns_per_raw);
	printf("%.3f %.3f %.3f %.3f %.3f %.3f\n", counter(ns_per_raw), pair / 2, pair,
	       added(semaphore_pair, ns_per_raw), added(read_pair, ns_per_raw),
	       added(signal_condition, ns_per_raw));
	fflush(stdout);
	_exit(0);
}
