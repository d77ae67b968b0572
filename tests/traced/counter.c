/* Locks and unlocks, and counts that in a file which survives it, so that tests know what each
 * thread had done when it was killed: counter FILE THREADS PAIRS SPINS [fork]. Every 16th pair is
 * of a mutex that all threads use. The file is counter_slots, in the order in which threads began.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define SLOTS 512

/* Written by its thread alone. An operation is begun, made and done: a thread that is killed leaves
 * the two counts at most one apart. */
struct slot {
	_Atomic uint64_t pid, tid, begun, done, ended, unused[3];
};

static struct slot *slots;
static _Atomic uint64_t *used; /* in the first slot, which is no thread's */
static unsigned long threads, pairs, spins;
static bool alone;
static pthread_mutex_t common = PTHREAD_MUTEX_INITIALIZER;

static void add(_Atomic uint64_t *to, uint64_t value)
{
	const uint64_t old = atomic_load_explicit(to, memory_order_relaxed);

	atomic_store_explicit(to, old + value, memory_order_relaxed);
}

/* The compiler must keep the order of counts and operations; the kernel sees one thread's stores in
 * their order. */
static void count(struct slot *slot, int (*operation)(pthread_mutex_t *), pthread_mutex_t *mutex)
{
	add(&slot->begun, 1);
	if (operation(mutex) != 0)
		abort();
	add(&slot->done, 1);
}

static void *work(void *unused)
{
	const uint64_t index = atomic_fetch_add_explicit(used, 1, memory_order_relaxed) + 1;
	pthread_mutex_t own = PTHREAD_MUTEX_INITIALIZER;
	struct slot *slot = &slots[index];

	(void)unused;
	if (index >= SLOTS)
		abort();
	add(&slot->pid, (uint64_t)getpid());
	add(&slot->tid, (uint64_t)gettid());
	/* All are there at once. */
	while (atomic_load_explicit(used, memory_order_relaxed) < threads)
		sched_yield();
	for (unsigned long i = 0; i < pairs; i++) {
		pthread_mutex_t *mutex = i % 16 == 15 && !alone ? &common : &own;

		count(slot, pthread_mutex_lock, mutex);
		count(slot, pthread_mutex_unlock, mutex);
		for (unsigned long spin = 0; spin < spins; spin++)
			__asm__ __volatile__("");
	}
	add(&slot->ended, 1);
	return NULL;
}

static void work_in_threads(void)
{
	pthread_t ids[SLOTS];

	for (unsigned long i = 0; i < threads; i++) {
		if (pthread_create(&ids[i], NULL, work, NULL) != 0)
			abort();
	}
	for (unsigned long i = 0; i < threads; i++)
		pthread_join(ids[i], NULL);
}

static struct slot *map(const char *path)
{
	const int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
	void *at = MAP_FAILED;

	if (fd >= 0 && ftruncate(fd, SLOTS * sizeof(struct slot)) == 0)
		at = mmap(NULL, SLOTS * sizeof(struct slot), PROT_READ | PROT_WRITE, MAP_SHARED, fd,
			  0);
	if (at == MAP_FAILED) {
		fprintf(stderr, "counter: cannot map '%s': %s\n", path, strerror(errno));
		exit(2);
	}
	close(fd);
	return at;
}

int main(int argc, char *argv[])
{
	pid_t pid = -1;
	int status = 0;

	if (argc < 5)
		return 2;
	slots = map(argv[1]);
	used = &slots[0].begun;
	threads = strtoul(argv[2], NULL, 10);
	alone = argc > 5 && strcmp(argv[5], "alone") == 0;
	pairs = strtoul(argv[3], NULL, 10);
	spins = strtoul(argv[4], NULL, 10);
	/* A test kills us with our child, and nobody else. */
	setpgid(0, 0);
	if (argc > 5 && !alone)
		pid = fork();
	/* The child adds nothing: even nothing, written late, would undo what its parent wrote. */
	if (pid != 0)
		add(&slots[0].pid, (uint64_t)getpid());
	work_in_threads();
	if (pid == 0)
		return 0;
	if (pid > 0 && (waitpid(pid, &status, 0) != pid || status != 0))
		return 1;
	add(&slots[0].ended, 1);
	return 7;
}
