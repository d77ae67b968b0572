/* Ruby 3.3 and 3.4: a running thread under a mutex and a queue of ready ones. Who lets go makes the
 * first of the queue the running thread: strict hand-over, nobody can come first. A timer thread
 * interrupts the running thread every 10 ms while others are ready, and after ten interrupts it
 * yields (thread_pthread.c, thread_pthread_mn.c of 3.3.8; threads of their own, not M:N).
 *
 * Why it is correct:
 * 1. 'running' is read and written under 'lock' alone. It becomes a thread's by that thread when it
 *    was null, else by the running thread that gives it away: one holder.
 * 2. No wake-up is lost: the giver sets 'running' and signals the new one's own condition under
 *    'lock', and a ready thread tests 'running' under 'lock' before each wait.
 * 3. Null means that nobody is ready: a thread queues only while there is a running one, which
 *    leaves null behind only when the queue is empty.
 * 4. 'timesliced' is who the timer thread interrupts; it and 'wait_forever' are read and written
 *    under 'running_lock'. The timer thread waits without limit only after it found nobody
 *    timesliced there; who adds somebody there wakes it.
 * 5. The order is 'lock' before 'running_lock', and the timer thread takes the second alone. */
#include "workloads/gil/gil.h"
#include "workloads/gil/queue.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* rb_thread_t and its native thread. */
struct thread {
	/* The breaker is TIMER_INTERRUPT: set by the timer thread, cleared by the thread. */
	alignas(64) struct tick tick;
	uint64_t run_ns; /* since another thread ran, in whole interrupts */
	bool in_blocking_region;
	alignas(64) pthread_cond_t readyq;
	pthread_mutex_t interrupt_lock;
	struct queue link;
};

/* In the order of struct rb_thread_sched. */
struct sched {
	pthread_mutex_t lock;
	struct thread *running; /* null: free */
	bool is_running;        /* 'running' has taken note of it */
	bool is_running_timeslice;
	struct queue readyq;
};

/* What there is once per process: vm->ractor.sched and the timer thread. */
struct vm {
	pthread_mutex_t running_lock;
	struct thread *timesliced; /* null: nobody; the list of a process with one Ractor */
	bool wait_forever;         /* the timer thread does */
	bool stop;
	int wake_fd;
	pthread_t timer_thread;
};

struct state {
	alignas(64) struct sched sched;
	alignas(64) struct vm vm;
	uint64_t tick_ns, quantum_ns;
	unsigned threads;
	alignas(64) struct gil_tally tally;
	struct thread thread[];
};

static const struct param params[] = {
	{ .name = "tick",
	  .kind = PARAM_TIME,
	  .fallback = "10ms",
	  .low = 1000000,
	  .high = 100000000000,
	  .value = "TIME",
	  .help = "of the timer thread; in whole milliseconds" },
	{ .name = "quantum",
	  .kind = PARAM_TIME,
	  .fallback = "100ms",
	  .low = 1000000,
	  .high = 100000000000,
	  .value = "TIME",
	  .help = "in ticks, after which a thread yields if another is ready" },
	{ 0 },
};

/* timer_thread_set_timeout: how long to wait; false: not at all, the process ends. */
static bool set_timeout(struct state *s, int *timeout_ms)
{
	struct vm *vm = &s->vm;
	bool stop;

	pthread_mutex_lock(&vm->running_lock);
	stop = vm->stop;
	vm->wait_forever = !vm->timesliced;
	*timeout_ms = vm->wait_forever ? -1 : (int)(s->tick_ns / 1000000);
	pthread_mutex_unlock(&vm->running_lock);
	return !stop;
}

/* timer_thread_check_timeslice */
static void interrupt_running(struct vm *vm)
{
	pthread_mutex_lock(&vm->running_lock);
	if (vm->timesliced)
		atomic_store_explicit(&vm->timesliced->tick.breaker, 1, memory_order_relaxed);
	pthread_mutex_unlock(&vm->running_lock);
}

static void *run_timer_thread(void *memory)
{
	struct state *s = memory;
	struct pollfd wake = { .fd = s->vm.wake_fd, .events = POLLIN };
	uint64_t count;
	int timeout_ms;

	while (set_timeout(s, &timeout_ms)) {
		if (poll(&wake, 1, timeout_ms) <= 0)
			interrupt_running(&s->vm);
		else if (read(wake.fd, &count, sizeof(count)) < 0)
			abort();
	}
	return NULL;
}

static void wake_timer_thread(struct vm *vm)
{
	const uint64_t one = 1;

	if (write(vm->wake_fd, &one, sizeof(one)) < 0)
		abort();
}

static int start_timer_thread(struct state *s)
{
	s->vm.wake_fd = eventfd(0, EFD_CLOEXEC);
	if (s->vm.wake_fd < 0)
		return errno;
	return pthread_create(&s->vm.timer_thread, NULL, run_timer_thread, s);
}

/* rb_thread_sched_init, and the lock of vm->ractor.sched. */
static int create(struct state *s)
{
	int failed = pthread_mutex_init(&s->sched.lock, NULL);

	if (!failed)
		failed = pthread_mutex_init(&s->vm.running_lock, NULL);
	queue_init(&s->sched.readyq);
	s->sched.running = NULL;
	s->sched.is_running = s->sched.is_running_timeslice = false;
	s->vm.timesliced = NULL;
	s->vm.wait_forever = false;
	return failed;
}

static bool init(void *memory, unsigned threads, const struct param_set *set, struct err *err)
{
	struct state *s = memory;
	int failed;

	s->tick_ns = param_number(set, "tick");
	if (s->tick_ns % 1000000 != 0)
		return err_set(err, EXIT_MISUSE, "--tick '%s' is not in whole milliseconds",
			       param_text(set, "tick"));
	s->quantum_ns = param_number(set, "quantum");
	s->threads = threads;
	failed = create(s);
	for (unsigned i = 0; i < threads && !failed; i++) {
		atomic_init(&s->thread[i].tick.left, INT_MAX);
		failed = queue_create_cond(&s->thread[i].readyq);
		if (!failed)
			failed = pthread_mutex_init(&s->thread[i].interrupt_lock, NULL);
	}
	if (!failed)
		failed = start_timer_thread(s);
	return !failed ||
	       err_set(err, EXIT_IMPOSSIBLE, "cannot make the lock: %s", strerror(failed));
}

/* thread_sched_setup_running_threads, under 'lock': one enters or leaves the list of running
 * threads (here a flag: there is one Ractor), or is given time slices. */
static void set_running(struct state *s, bool added, bool removed, struct thread *timesliced)
{
	struct vm *vm = &s->vm;
	const bool was_timesliced = removed && s->sched.is_running_timeslice;

	if (was_timesliced)
		s->sched.is_running_timeslice = false;
	pthread_mutex_lock(&vm->running_lock);
	if (removed)
		s->sched.is_running = false;
	if (added)
		s->sched.is_running = true;
	if (was_timesliced)
		vm->timesliced = NULL;
	if (timesliced) {
		vm->timesliced = timesliced;
		s->sched.is_running_timeslice = true;
		if (vm->wait_forever)
			wake_timer_thread(vm);
	}
	pthread_mutex_unlock(&vm->running_lock);
}

/* The thread that runs takes note of it. */
static void add_running(struct state *s, struct thread *me)
{
	set_running(s, true, false, queue_first(&s->sched.readyq) ? me : NULL);
}

/* thread_sched_enq: the first that is ready lets the running thread be interrupted. */
static void enqueue(struct state *s, struct thread *me)
{
	if (s->sched.is_running && !queue_first(&s->sched.readyq))
		set_running(s, false, false, s->sched.running);
	queue_add(&s->sched.readyq, &me->link);
}

/* thread_sched_wait_running_turn */
static void wait_for_turn(struct state *s, struct thread *me)
{
	while (s->sched.running != me)
		pthread_cond_wait(&me->readyq, &s->sched.lock);
	add_running(s, me);
}

static void took(struct state *s, unsigned self, bool contended, uint64_t asked_at)
{
	/* rb_ractor_thread_switch */
	if (s->tally.last != self + 1)
		s->thread[self].run_ns = 0;
	gil_tally_take(&s->tally, self, contended, asked_at, clock_raw());
}

/* unblock_function_set and unblock_function_clear: around a blocking region. */
static void touch_interrupt_lock(struct thread *me)
{
	pthread_mutex_lock(&me->interrupt_lock);
	pthread_mutex_unlock(&me->interrupt_lock);
}

/* thread_sched_to_running */
static void acquire(void *memory, unsigned self)
{
	struct state *s = memory;
	struct thread *me = &s->thread[self];
	const uint64_t asked_at = clock_raw();
	bool contended;

	if (me->in_blocking_region)
		touch_interrupt_lock(me);
	me->in_blocking_region = false;
	pthread_mutex_lock(&s->sched.lock);
	contended = s->sched.running;
	if (contended) {
		enqueue(s, me);
		wait_for_turn(s, me);
	} else {
		s->sched.running = me;
		add_running(s, me);
	}
	took(s, self, contended, asked_at);
	pthread_mutex_unlock(&s->sched.lock);
}

static struct tick *tick(void *memory, unsigned self)
{
	struct state *s = memory;

	return &s->thread[self].tick;
}

/* RUBY_VM_CHECK_INTS: each interrupt is worth a tick of running time; yields at the limit. */
static bool due(void *memory, unsigned self)
{
	struct state *s = memory;
	struct thread *me = &s->thread[self];

	atomic_store_explicit(&me->tick.left, INT_MAX, memory_order_relaxed);
	if (!atomic_exchange_explicit(&me->tick.breaker, 0, memory_order_relaxed))
		return false;
	me->run_ns += s->tick_ns;
	return me->run_ns >= s->quantum_ns;
}

/* thread_sched_wakeup_next_thread: the first that is ready runs from now on. */
static void let_go(struct state *s, enum gil_drop why)
{
	struct queue *first = queue_first(&s->sched.readyq);

	gil_tally_drop(&s->tally, why);
	s->sched.running = first ? QUEUE_OWNER(first, struct thread, link) : NULL;
	if (first) {
		queue_remove(first);
		pthread_cond_signal(&s->sched.running->readyq);
	}
	set_running(s, false, true, NULL);
}

/* thread_sched_yield */
static void yield(void *memory, unsigned self)
{
	struct state *s = memory;
	struct thread *me = &s->thread[self];

	pthread_mutex_lock(&s->sched.lock);
	if (queue_first(&s->sched.readyq)) {
		const uint64_t asked_at = clock_raw();

		let_go(s, GIL_DROP_TICK);
		enqueue(s, me);
		wait_for_turn(s, me);
		took(s, self, true, asked_at);
	}
	pthread_mutex_unlock(&s->sched.lock);
}

static void release(void *memory, unsigned self, enum gil_drop why)
{
	struct state *s = memory;
	struct thread *me = &s->thread[self];

	if (why == GIL_DROP_BLOCK) {
		touch_interrupt_lock(me);
		me->in_blocking_region = true;
	}
	pthread_mutex_lock(&s->sched.lock);
	let_go(s, why);
	pthread_mutex_unlock(&s->sched.lock);
}

/* thread_sched_atfork: the thread goes on running; then the child's own timer thread. */
static void forked(void *memory, unsigned self)
{
	struct state *s = memory;
	struct thread *me = &s->thread[self];

	close(s->vm.wake_fd);
	create(s);
	pthread_mutex_init(&me->interrupt_lock, NULL);
	s->sched.running = me;
	set_running(s, true, false, NULL);
	s->tally = (struct gil_tally){ 0 };
	took(s, self, false, 0);
	if (start_timer_thread(s))
		abort();
}

static void finish(void *memory, struct gil_counts *counts)
{
	struct state *s = memory;

	pthread_mutex_lock(&s->vm.running_lock);
	s->vm.stop = true;
	wake_timer_thread(&s->vm);
	pthread_mutex_unlock(&s->vm.running_lock);
	pthread_join(s->vm.timer_thread, NULL);
	close(s->vm.wake_fd);
	*counts = s->tally.counts;
	pthread_mutex_destroy(&s->sched.lock);
	pthread_mutex_destroy(&s->vm.running_lock);
	for (unsigned i = 0; i < s->threads; i++) {
		pthread_cond_destroy(&s->thread[i].readyq);
		pthread_mutex_destroy(&s->thread[i].interrupt_lock);
	}
}

const struct gil gil_ruby33 = {
	.name = "ruby33",
	.summary = "Ruby 3.3, 3.4: handed over in order; a busy thread yields after 100 ms",
	.params = params,
	.state_bytes = sizeof(struct state),
	.thread_bytes = sizeof(struct thread),
	.init = init,
	.acquire = acquire,
	.tick = tick,
	.due = due,
	.yield = yield,
	.release = release,
	.forked = forked,
	.finish = finish,
};
