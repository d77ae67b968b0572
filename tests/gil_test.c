/* The harness of lock models: every row of gils[], with its defaults and with the settings below,
 * must let one thread run at a time, let every thread come to its end, let another run when one
 * waits, lose no wake-up, live on in the child of a fork, and count right. Speaks TAP. Runs also
 * under ThreadSanitizer, for which the counter under the lock is a plain one. */
#include "workloads/runtime/run.h"
#include "workloads/runtime/tables.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef __has_feature
#define __has_feature(feature) 0
#endif
#if defined(__SANITIZE_THREAD__) || __has_feature(thread_sanitizer)
#define UNDER_TSAN true
#else
#define UNDER_TSAN false
#endif

#define THREADS 8
#define WATCHDOG_S 120 /* the longest scene takes some seconds under ThreadSanitizer */

/* One way to set a model up, and what is then true of it. */
struct setting {
	const char *gil;
	const char *options; /* "name=value name=value" */
	unsigned every;      /* it drops at each so many ticks of all; 0: not by counting */
	bool never_asks;     /* a holder that only ticks keeps it, for as long as a test can take */
	bool forced_switches; /* a drop at a tick is always followed by another thread's take */
};

static const struct setting settings[] = {
	{ .gil = "cpython2", .options = "", .every = 101 },
	{ .gil = "cpython2", .options = "check-interval=0", .every = 1 },
	{ .gil = "cpython2", .options = "check-interval=1", .every = 2 },
	{ .gil = "cpython2cond", .options = "", .every = 101 },
	{ .gil = "cpython2cond", .options = "check-interval=0", .every = 1 },
	{ .gil = "cpython3", .options = "", .forced_switches = true },
	{ .gil = "cpython3", .options = "interval=1us", .forced_switches = true },
	{ .gil = "cpython3", .options = "interval=1ms", .forced_switches = true },
	{ .gil = "cpython3", .options = "interval=1us force-switching=off" },
	{ .gil = "cpython3", .options = "force-switching=off" },
	/* Timed waits hide a lost wake-up: here they do not run out. */
	{ .gil = "cpython3", .options = "interval=100s", .never_asks = true },
	{ .gil = "cpython313", .options = "", .forced_switches = true },
	{ .gil = "cpython313", .options = "interval=1us", .forced_switches = true },
	{ .gil = "cpython313", .options = "interval=1us force-switching=off" },
	{ .gil = "cpython313", .options = "interval=100s", .never_asks = true },
	{ .gil = "pypy", .options = "" },
	{ .gil = "pypy", .options = "check-interval=0" },
	{ .gil = "pypy", .options = "check-interval=20 interval=1us" },
	{ .gil = "ruby", .options = "" },
	{ .gil = "ruby", .options = "quantum=1us" },
	{ .gil = "ruby", .options = "quantum=100us" },
	{ .gil = "ruby", .options = "quantum=100s", .never_asks = true },
	{ .gil = "ruby33", .options = "", .forced_switches = true },
	{ .gil = "ruby33", .options = "tick=1ms quantum=1ms", .forced_switches = true },
	{ .gil = "ruby33", .options = "tick=100s", .never_asks = true },
	{ .gil = "ocaml4", .options = "" },
	{ .gil = "ocaml4", .options = "tick=1us" },
	{ .gil = "ocaml4", .options = "tick=100s", .never_asks = true },
	{ .gil = "ocaml5", .options = "" },
	{ .gil = "ocaml5", .options = "tick=1us" },
	{ .gil = "ocaml5", .options = "tick=100s", .never_asks = true },
	{ .gil = "mutex", .options = "", .every = 100 },
	{ .gil = "mutex", .options = "slice=1", .every = 1 },
	{ .gil = "fair", .options = "", .forced_switches = true },
	{ .gil = "fair", .options = "slice=1", .forced_switches = true },
};

/* One lock with the threads around it. */
struct scene {
	const struct setting *setting;
	struct run run;
	struct worker worker[THREADS];
	uint64_t ticks[THREADS], blocks[THREADS]; /* written by their thread alone */
	uint64_t elapsed_raw;
	uint64_t seed;
	uint64_t counter; /* plain: what the lock protects */
	_Atomic unsigned inside, violations;
	_Atomic bool flag;     /* the one that only ticks may end */
	_Atomic unsigned seen; /* its ticks */
	unsigned bad_children; /* written by the first thread */
	pthread_barrier_t barrier;
};

static struct scene scene;
static char watched[200];
static unsigned reported, failed;

static void report(bool good, const char *what)
{
	failed += !good;
	printf("%s %u - %s%s%s: %s\n", good ? "ok" : "not ok", ++reported, scene.run.gil->name,
	       scene.setting->options[0] ? " " : "", scene.setting->options, what);
	fflush(stdout);
}

static void bark(int signal_number)
{
	(void)signal_number;
	/* A newline first: a line may be half written. */
	if (write(STDOUT_FILENO, watched, strlen(watched)) < 0)
		_exit(2);
	_exit(1);
}

static void watch(const char *what, unsigned threads)
{
	snprintf(watched, sizeof(watched),
		 "\nBail out! %s %s: %s, %u threads: not done after %d s; a wake-up was lost\n",
		 scene.run.gil->name, scene.setting->options, what, threads, WATCHDOG_S);
	alarm(WATCHDOG_S);
}

static void set_options(const char *options)
{
	char text[100];
	struct err err;

	scene.run.params.count = 0;
	param_set_add(&scene.run.params, scene.run.gil->params);
	snprintf(text, sizeof(text), "%s", options);
	for (char *word = strtok(text, " "); word; word = strtok(NULL, " ")) {
		char *value = strchr(word, '=');

		*value++ = '\0';
		if (!param_set_text(&scene.run.params, word, value, &err)) {
			printf("Bail out! %s\n", err.text);
			exit(1);
		}
	}
}

/* Runs 'body' in so many threads around a fresh lock; the model's counts are in run.gil_counts. */
static void play(const struct gil *gil, const struct setting *setting, unsigned threads,
		 void *(*body)(void *), const char *what)
{
	pthread_t thread[THREADS];
	struct err err;
	void *lock;

	scene = (struct scene){ .setting = setting, .run.gil = gil, .seed = scene.seed };
	watch(what, threads);
	set_options(setting->options);
	lock = run_open_lock(&scene.run, threads, &err);
	if (!lock) {
		printf("Bail out! %s\n", err.text);
		exit(1);
	}
	pthread_barrier_init(&scene.barrier, NULL, threads);
	for (unsigned i = 0; i < threads; i++) {
		scene.worker[i] =
			(struct worker){ .index = i, .count = threads, .run = &scene.run };
		run_seat(&scene.worker[i], gil, lock, i, threads);
	}
	scene.elapsed_raw = clock_raw();
	for (unsigned i = 0; i < threads; i++) {
		if (pthread_create(&thread[i], NULL, body, &scene.worker[i]) != 0) {
			printf("Bail out! cannot start %u threads\n", threads);
			exit(1);
		}
	}
	for (unsigned i = 0; i < threads; i++)
		pthread_join(thread[i], NULL);
	scene.elapsed_raw = clock_raw() - scene.elapsed_raw;
	run_close_lock(&scene.run, lock);
	pthread_barrier_destroy(&scene.barrier);
	alarm(0);
}

static void begin(struct worker *w)
{
	pthread_barrier_wait(&scene.barrier);
	w->gil->acquire(w->lock, w->seat);
}

static void end(struct worker *w)
{
	w->gil->release(w->lock, w->seat, GIL_DROP_END);
}

/* Some work that nobody else may interfere with, then a tick. Relaxed: for ThreadSanitizer the lock
 * alone must order the threads. */
static void tick(struct worker *w)
{
	if (atomic_fetch_add_explicit(&scene.inside, 1, memory_order_relaxed) != 0)
		atomic_fetch_add_explicit(&scene.violations, 1, memory_order_relaxed);
	scene.counter++;
	atomic_fetch_sub_explicit(&scene.inside, 1, memory_order_relaxed);
	scene.ticks[w->index]++;
	worker_tick(w);
}

static void let_go(struct worker *w)
{
	scene.blocks[w->index]++;
	worker_block(w);
	worker_unblock(w);
}

/* What must hold of every scene: nobody interfered, and what the model counted adds up. */
static bool adds_up(unsigned threads)
{
	const struct gil_counts *counts = &scene.run.gil_counts;
	uint64_t ticks = 0, voluntary = threads;
	bool good = atomic_load_explicit(&scene.violations, memory_order_relaxed) == 0;

	for (unsigned i = 0; i < threads; i++) {
		ticks += scene.ticks[i];
		voluntary += scene.blocks[i];
	}
	good = good && scene.counter == ticks;
	good = good && counts->drops_voluntary == voluntary;
	good = good && counts->takes == counts->drops_voluntary + counts->drops_forced;
	good = good && counts->contended <= counts->takes && counts->switches < counts->takes;
	good = good && counts->hold_raw <= scene.elapsed_raw;
	good = good && counts->wait_raw <= scene.elapsed_raw * threads;
	if (scene.setting->every)
		good = good && counts->drops_forced == ticks / scene.setting->every;
	if (scene.setting->forced_switches)
		good = good && counts->switches >= counts->drops_forced;
	if (!good)
		printf("# %u threads, %llu ticks (counted %llu), %llu blocks, %u inside together; "
		       "takes %llu, contended %llu, switches %llu, drops %llu and %llu\n",
		       threads, (unsigned long long)ticks, (unsigned long long)scene.counter,
		       (unsigned long long)(voluntary - threads),
		       atomic_load_explicit(&scene.violations, memory_order_relaxed),
		       (unsigned long long)counts->takes, (unsigned long long)counts->contended,
		       (unsigned long long)counts->switches,
		       (unsigned long long)counts->drops_voluntary,
		       (unsigned long long)counts->drops_forced);
	return good;
}

static void *fixed_ticks(void *worker)
{
	struct worker *w = worker;

	begin(w);
	for (unsigned i = 1; i <= 5000; i++) {
		tick(w);
		if (i % 1000 == 0)
			let_go(w);
	}
	end(w);
	return NULL;
}

static void test_exclusion(const struct gil *gil, const struct setting *setting)
{
	static const unsigned threads[] = { 1, 2, 3, 8 };
	bool good = true;

	for (size_t i = 0; i < sizeof(threads) / sizeof(threads[0]); i++) {
		play(gil, setting, threads[i], fixed_ticks, "fixed ticks");
		good = good && adds_up(threads[i]) && scene.counter == threads[i] * 5000;
	}
	report(good, "one thread at a time, each to its end, and the counts add up");
}

/* Each round: one holds the lock, both know it, it blocks; now the other can get it, and both meet
 * while the other holds it. Otherwise they would never meet. */
#define ROUNDS 300

static void *meet(void *worker)
{
	struct worker *w = worker;

	for (unsigned round = 0; round < ROUNDS; round++) {
		if (round % 2 == w->index) {
			begin(w);
			pthread_barrier_wait(&scene.barrier);
			scene.blocks[w->index]++;
			worker_block(w);
			pthread_barrier_wait(&scene.barrier);
			worker_unblock(w);
		} else {
			pthread_barrier_wait(&scene.barrier);
			pthread_barrier_wait(&scene.barrier);
			w->gil->acquire(w->lock, w->seat);
			pthread_barrier_wait(&scene.barrier);
		}
		scene.blocks[w->index] += round < ROUNDS - 1;
		w->gil->release(w->lock, w->seat, GIL_DROP_BLOCK);
	}
	return NULL;
}

static void test_hand_over(const struct gil *gil, const struct setting *setting)
{
	const struct gil_counts *counts = &scene.run.gil_counts;

	play(gil, setting, 2, meet, "hand-over");
	report(adds_up(2) && counts->takes == 3 * ROUNDS && counts->switches == 3 * ROUNDS - 1 &&
		       counts->drops_forced == 0,
	       "a thread that waits lets another run");
}

/* The first thread only ticks. The other asks when it has seen the first tick, thus hold the lock.
 */
static void *ask(void *worker)
{
	struct worker *w = worker;

	if (w->index == 0) {
		w->gil->acquire(w->lock, w->seat);
		while (!atomic_load_explicit(&scene.flag, memory_order_relaxed)) {
			tick(w);
			atomic_fetch_add_explicit(&scene.seen, 1, memory_order_relaxed);
		}
		end(w);
		return NULL;
	}
	for (unsigned i = 0; i < 10; i++) {
		const unsigned before = atomic_load_explicit(&scene.seen, memory_order_relaxed);

		while (atomic_load_explicit(&scene.seen, memory_order_relaxed) == before)
			sched_yield();
		w->gil->acquire(w->lock, w->seat);
		scene.blocks[w->index] += i < 9;
		w->gil->release(w->lock, w->seat, GIL_DROP_BLOCK);
	}
	atomic_store_explicit(&scene.flag, true, memory_order_relaxed);
	return NULL;
}

static void test_asking(const struct gil *gil, const struct setting *setting)
{
	if (setting->never_asks)
		return;
	play(gil, setting, 2, ask, "asking");
	report(adds_up(2), "a thread that never waits lets another run");
}

/* A random mix of ticks, blocks and ends. */
static void *random_life(void *worker)
{
	struct worker *w = worker;
	uint64_t seed = scene.seed * 1000 + w->index * 100;
	const uint64_t steps = worker_mix(seed++) % 8;

	begin(w);
	for (uint64_t step = 0; step < steps; step++) {
		const uint64_t random = worker_mix(seed++);

		if (random % 4 == 0)
			let_go(w);
		for (uint64_t i = 0; i < (random >> 8) % (random % 2 ? 3 : 150); i++)
			tick(w);
		if (random % 8 == 5) {
			scene.blocks[w->index]++;
			worker_block(w);
			sched_yield();
			worker_unblock(w);
		}
	}
	end(w);
	return NULL;
}

static void test_wake_ups(const struct gil *gil, const struct setting *setting)
{
	bool good = true;

	for (scene.seed = 0; scene.seed < 1000 && good; scene.seed++) {
		const unsigned threads = 2 + (unsigned)scene.seed % 3;

		play(gil, setting, threads, random_life, "random lives");
		good = adds_up(threads);
	}
	if (!good)
		printf("# run %llu\n", (unsigned long long)scene.seed - 1);
	report(good, "no wake-up is lost in 1,000 short runs");
}

/* Alone in the child of a fork. Returns its exit status. */
static int live_on(struct worker *w)
{
	alarm(WATCHDOG_S);
	w->gil->forked(w->lock, w->seat);
	for (unsigned i = 0; i < 3000; i++) {
		tick(w);
		if (i % 1000 == 500)
			let_go(w);
	}
	end(w);
	w->gil->acquire(w->lock, w->seat);
	end(w);
	return atomic_load_explicit(&scene.violations, memory_order_relaxed) != 0;
}

static void fork_once(struct worker *w)
{
	const pid_t child = fork();
	int status = -1;

	if (child == 0)
		_exit(live_on(w));
	scene.blocks[w->index]++;
	worker_block(w);
	waitpid(child, &status, 0);
	worker_unblock(w);
	scene.bad_children += status != 0;
}

/* All fight; the first forks now and then, with the lock in its hands. */
static void *fork_amid(void *worker)
{
	struct worker *w = worker;

	begin(w);
	for (unsigned i = 1; i <= 3000; i++) {
		tick(w);
		if (w->index == 0 && i % 1000 == 0)
			fork_once(w);
		else if (i % 200 == 0)
			let_go(w);
	}
	end(w);
	return NULL;
}

static void test_fork(const struct gil *gil, const struct setting *setting)
{
	const char *what = "a fork by the holder: the child lives on alone, the others undisturbed";

	if (UNDER_TSAN && strcmp(gil->name, "ruby33") == 0) {
		printf("ok %u - %s: %s # SKIP its child starts a thread, which ThreadSanitizer "
		       "does not allow\n",
		       ++reported, gil->name, what);
		return;
	}
	play(gil, setting, 4, fork_amid, "a fork");
	report(adds_up(4) && scene.bad_children == 0, what);
}

static void test(const struct gil *gil, const struct setting *setting)
{
	test_exclusion(gil, setting);
	test_hand_over(gil, setting);
	test_asking(gil, setting);
	test_wake_ups(gil, setting);
	test_fork(gil, setting);
}

int main(void)
{
	const size_t count = sizeof(settings) / sizeof(settings[0]);

	signal(SIGALRM, bark);
	for (size_t g = 0; gils[g]; g++) {
		const struct setting defaults = { .gil = gils[g]->name, .options = "" };
		bool listed = false;

		for (size_t i = 0; i < count; i++) {
			if (strcmp(settings[i].gil, gils[g]->name) != 0)
				continue;
			test(gils[g], &settings[i]);
			listed = true;
		}
		if (!listed)
			test(gils[g], &defaults);
	}
	printf("1..%u\n", reported);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
