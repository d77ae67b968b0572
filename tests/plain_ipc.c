/* What workloads/ipc.c and workloads/spawn.c do, as a plain program: nothing of the runtime is in
 * it, so that what the runtime adds can be seen. plain_ipc pipe|queue|socketpair|shared BYTES SIZE
 * sends messages, plain_ipc thread|process|PROGRAM 0 SIZE starts something; both print nanoseconds
 * for each, how many latencies there were, and their median and 90th percentile. */
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct frame {
	uint64_t length;
	uint64_t numbers[];
};

static struct {
	const char *via;
	uint64_t bytes, size;
	uint64_t *latencies;
	int to[2], from[2];
	pthread_mutex_t put[2], get[2];
	sem_t arrived[2];
	struct frame *shared, *frames[2];
	_Atomic uint64_t *began_ns;
} all;

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void must(bool good, const char *what)
{
	if (good)
		return;
	perror(what);
	exit(1);
}

static uint64_t mix(uint64_t x)
{
	x += 0x9e3779b97f4a7c15u;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
	return x ^ (x >> 31);
}

static bool is_queue(void)
{
	return all.via[0] == 'q';
}

static bool in_memory(void)
{
	return strcmp(all.via, "shared") == 0;
}

static void put(unsigned side)
{
	const struct frame *frame = all.frames[side];
	const char *at = (const char *)frame;

	if (in_memory()) {
		memcpy(all.shared, frame, sizeof(*frame) + frame->length);
		sem_post(&all.arrived[side]);
		return;
	}
	if (is_queue())
		pthread_mutex_lock(&all.put[side]);
	for (uint64_t left = sizeof(*frame) + frame->length; left > 0;) {
		const ssize_t done = write(all.to[side], at, left);

		must(done > 0, "write");
		at += done;
		left -= (uint64_t)done;
	}
	if (is_queue())
		pthread_mutex_unlock(&all.put[side]);
}

static void read_all(int fd, void *to, uint64_t bytes)
{
	while (bytes > 0) {
		const ssize_t done = read(fd, to, bytes);

		must(done > 0, "read");
		to = (char *)to + done;
		bytes -= (uint64_t)done;
	}
}

static void get(unsigned side)
{
	struct frame *frame = all.frames[side];

	if (in_memory()) {
		while (sem_wait(&all.arrived[!side]) != 0)
			;
		memcpy(frame, all.shared, sizeof(*frame) + all.shared->length);
		return;
	}
	if (is_queue())
		pthread_mutex_lock(&all.get[!side]);
	read_all(all.from[side], frame, sizeof(*frame));
	read_all(all.from[side], frame->numbers, frame->length);
	if (is_queue())
		pthread_mutex_unlock(&all.get[!side]);
}

static void *answer(void *memory)
{
	for (uint64_t k = 0; k < all.size; k++) {
		get(1);
		put(1);
	}
	return memory;
}

static void send_all(void)
{
	const uint64_t words = all.bytes / sizeof(uint64_t);
	struct frame *frame = all.frames[0];

	frame->length = all.bytes;
	for (uint64_t k = 0; k < all.size; k++) {
		uint64_t sent_ns;

		for (uint64_t i = 0; i < words; i++)
			frame->numbers[i] = mix(k * words + i);
		sent_ns = now_ns();
		put(0);
		get(0);
		all.latencies[k] = now_ns() - sent_ns;
		for (uint64_t i = 0; i < words; i++)
			must(frame->numbers[i] == mix(k * words + i), "another number");
	}
}

static struct frame *make_frame(void)
{
	struct frame *frame = malloc(sizeof(*frame) + all.bytes);

	must(frame, "malloc");
	memset(frame, 0, sizeof(*frame) + all.bytes);
	return frame;
}

static void open_ends(void)
{
	int away[2], back[2];

	if (all.via[0] == 's') {
		must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, away) == 0, "socketpair");
		all.to[0] = all.from[0] = away[0];
		all.to[1] = all.from[1] = away[1];
		return;
	}
	must(pipe2(away, O_CLOEXEC) == 0 && pipe2(back, O_CLOEXEC) == 0, "pipe2");
	all.to[0] = away[1];
	all.from[1] = away[0];
	all.to[1] = back[1];
	all.from[0] = back[0];
}

static void send_messages(void)
{
	pthread_t other;

	open_ends();
	all.shared = make_frame();
	for (unsigned side = 0; side < 2; side++) {
		all.frames[side] = make_frame();
		pthread_mutex_init(&all.put[side], NULL);
		pthread_mutex_init(&all.get[side], NULL);
		sem_init(&all.arrived[side], 0, 0);
	}
	must(pthread_create(&other, NULL, answer, NULL) == 0, "pthread_create");
	send_all();
	pthread_join(other, NULL);
}

static void *tell(void *memory)
{
	atomic_store_explicit(all.began_ns, now_ns(), memory_order_relaxed);
	return memory;
}

static void start_thread(void)
{
	pthread_t thread;

	must(pthread_create(&thread, NULL, tell, NULL) == 0, "pthread_create");
	pthread_join(thread, NULL);
}

static void start_process(void)
{
	const pid_t child = fork();
	int status;

	if (child == 0) {
		tell(NULL);
		_exit(0);
	}
	must(child > 0 && waitpid(child, &status, 0) == child && status == 0, "fork");
}

static void start_program(void)
{
	char *words[] = { (char *)all.via, NULL };
	posix_spawn_file_actions_t actions;
	uint64_t began_ns;
	pid_t child;
	int status;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, all.to[0], STDOUT_FILENO);
	must(posix_spawn(&child, all.via, &actions, NULL, words, environ) == 0, "posix_spawn");
	posix_spawn_file_actions_destroy(&actions);
	must(waitpid(child, &status, 0) == child && status == 0, "waitpid");
	read_all(all.from[1], &began_ns, sizeof(began_ns));
	atomic_store_explicit(all.began_ns, began_ns, memory_order_relaxed);
}

static void start_all(void (*start)(void))
{
	all.began_ns = mmap(NULL, sizeof(*all.began_ns), PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	must(all.began_ns != MAP_FAILED, "mmap");
	open_ends();
	for (uint64_t k = 0; k < all.size; k++) {
		const uint64_t started_ns = now_ns();

		start();
		all.latencies[k] =
			atomic_load_explicit(all.began_ns, memory_order_relaxed) - started_ns;
	}
}

static int compare(const void *left, const void *right)
{
	const uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;

	return (a > b) - (a < b);
}

/* In a thread, as a worker is: where there are several a fork costs more. */
static void *run(void *memory)
{
	if (all.bytes > 0)
		send_messages();
	else if (strcmp(all.via, "thread") == 0)
		start_all(start_thread);
	else if (strcmp(all.via, "process") == 0)
		start_all(start_process);
	else
		start_all(start_program);
	return memory;
}

int main(int argc, char *argv[])
{
	pthread_t worker;
	uint64_t from_ns;

	all.via = argc == 4 ? argv[1] : "";
	all.bytes = argc == 4 ? strtoull(argv[2], NULL, 10) : 0;
	all.size = argc == 4 ? strtoull(argv[3], NULL, 10) : 0;
	if (all.size == 0) {
		fprintf(stderr, "usage: plain_ipc VIA BYTES SIZE\n");
		return 2;
	}
	all.latencies = calloc(all.size, sizeof(*all.latencies));
	must(all.latencies, "calloc");
	memset(all.latencies, 1, all.size * sizeof(*all.latencies));
	from_ns = now_ns();
	must(pthread_create(&worker, NULL, run, NULL) == 0, "pthread_create");
	pthread_join(worker, NULL);
	printf("op %.3f\nn %llu\n", (double)(now_ns() - from_ns) / (double)all.size,
	       (unsigned long long)all.size);
	qsort(all.latencies, all.size, sizeof(*all.latencies), compare);
	printf("p50 %llu\np90 %llu\n", (unsigned long long)all.latencies[(all.size - 1) / 2],
	       (unsigned long long)all.latencies[(all.size - 1) * 9 / 10]);
	return 0;
}
