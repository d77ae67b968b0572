/* Money is moved between accounts: both balances are read, and both are written. Without a lock a
 * transfer can be lost, and the sum of all balances changes; by how much is the result. With one
 * every balance must be what it is after the same transfers in any order. */
#include "workloads/primitives.h"

#include <stdalign.h>

enum { SUM_BEFORE, SUM_AFTER, DRIFT };
enum { LOCKS_NONE, LOCKS_ONE, LOCKS_EACH };

#define BALANCE 1000 /* of each account at first */

static const char *const counts[] = { "sum_before", "sum_after", "drift", NULL };
static const char *const locks[] = { "none", "one", "each", NULL };

static const struct param params[] = {
	{ .name = "accounts",
	  .kind = PARAM_NUMBER,
	  .fallback = "10",
	  .low = 2,
	  .high = 1000000,
	  .value = "N",
	  .help = "how many accounts there are" },
	{ .name = "lock",
	  .kind = PARAM_CHOICE,
	  .fallback = "none",
	  .choices = locks,
	  .value = "HOW",
	  .help = "what protects a transfer: nothing, one lock, or both accounts' own",
	  .other_work = true },
	{ .name = "sleep",
	  .kind = PARAM_TIME,
	  .fallback = "0",
	  .low = 0,
	  .high = 10000000000,
	  .value = "TIME",
	  .help = "between reading both balances and writing them" },
	PARAM_SEED("the transfers"),
	{ 0 },
};

/* Read and written as a plain number is, and nothing more is asked of it. */
struct account {
	alignas(64) _Atomic int64_t balance;
	struct lock lock;
};

struct shared {
	alignas(64) struct lock lock;
	struct account accounts[];
};

struct transfer {
	struct account *from, *to;
	int64_t amount;
};

static bool plan(const struct worker *w, struct workload_plan *plan, struct err *err)
{
	(void)err;
	plan->region_bytes = sizeof(struct shared) +
			     param_number(w->params, "accounts") * sizeof(struct account);
	return true;
}

static void setup(struct worker *w)
{
	const uint64_t accounts = param_number(w->params, "accounts");
	struct shared *shared = w->region;

	lock_make(w, &shared->lock, LOCK_PLAIN);
	for (uint64_t i = 0; i < accounts; i++) {
		lock_make(w, &shared->accounts[i].lock, LOCK_PLAIN);
		atomic_store_explicit(&shared->accounts[i].balance, BALANCE, memory_order_relaxed);
	}
}

/* With x = seed << 32 ^ op, in 64 bits: 1 + mix(3x + 2) % 100 from account mix(3x) % n to the one
 * that is 1 + mix(3x + 1) % (n - 1) further on. */
static struct transfer find_transfer(struct shared *shared, uint64_t x, uint64_t accounts)
{
	const uint64_t from = worker_mix(3 * x) % accounts;
	const uint64_t to = (from + 1 + worker_mix(3 * x + 1) % (accounts - 1)) % accounts;

	return (struct transfer){ &shared->accounts[from], &shared->accounts[to],
				  1 + (int64_t)(worker_mix(3 * x + 2) % 100) };
}

static void move(struct worker *w, const struct transfer *transfer, uint64_t sleep_ns)
{
	const int64_t from = atomic_load_explicit(&transfer->from->balance, memory_order_relaxed);
	const int64_t to = atomic_load_explicit(&transfer->to->balance, memory_order_relaxed);

	worker_step(w);
	if (sleep_ns > 0)
		worker_sleep_until(w, worker_now_ns() + sleep_ns);
	atomic_store_explicit(&transfer->from->balance, from - transfer->amount,
			      memory_order_relaxed);
	worker_step(w);
	atomic_store_explicit(&transfer->to->balance, to + transfer->amount, memory_order_relaxed);
}

/* The lower number first: else two transfers could wait for each other. */
static void move_locked(struct worker *w, const struct transfer *transfer, uint64_t sleep_ns)
{
	const bool upwards = transfer->from < transfer->to;
	struct lock *first = upwards ? &transfer->from->lock : &transfer->to->lock;
	struct lock *second = upwards ? &transfer->to->lock : &transfer->from->lock;

	lock_take(w, first);
	lock_take(w, second);
	move(w, transfer, sleep_ns);
	lock_give(w, second);
	lock_give(w, first);
}

static uint64_t work(struct worker *w, unsigned phase)
{
	const uint64_t kind = param_number(w->params, "lock");
	const uint64_t accounts = param_number(w->params, "accounts");
	const uint64_t sleep_ns = param_number(w->params, "sleep");
	const uint64_t seed = param_number(w->params, "seed") << 32;
	struct shared *shared = w->region;
	uint64_t from, to, sum = 0;

	(void)phase;
	worker_share(w, w->index, &from, &to);
	worker_did(w, to - from);
	for (uint64_t op = from; op < to; op++) {
		const struct transfer transfer = find_transfer(shared, seed ^ op, accounts);

		if (kind == LOCKS_EACH) {
			move_locked(w, &transfer, sleep_ns);
		} else {
			if (kind == LOCKS_ONE)
				lock_take(w, &shared->lock);
			move(w, &transfer, sleep_ns);
			if (kind == LOCKS_ONE)
				lock_give(w, &shared->lock);
		}
		sum += worker_mix(op);
		worker_tick(w);
	}
	return sum;
}

static uint64_t check(struct worker *w)
{
	const uint64_t accounts = param_number(w->params, "accounts");
	const bool locked = param_number(w->params, "lock") != LOCKS_NONE;
	const int64_t before = (int64_t)accounts * BALANCE;
	const struct shared *shared = w->region;
	uint64_t sum = 0;
	int64_t after = 0, drift;

	if (w->index > 0)
		return 0;
	for (uint64_t i = 0; i < accounts; i++) {
		const int64_t balance =
			atomic_load_explicit(&shared->accounts[i].balance, memory_order_relaxed);

		after += balance;
		sum += worker_mix(i << 32 ^ ((uint64_t)balance & 0xffffffff));
	}
	drift = after < before ? before - after : after - before;
	worker_count(w, SUM_BEFORE, (uint64_t)before);
	worker_count(w, SUM_AFTER, (uint64_t)after);
	worker_count(w, DRIFT, (uint64_t)drift);
	if (locked && drift)
		worker_fail(w, "the sum is off by %lld behind locks", (long long)drift);
	if (!drift)
		worker_explain_none_lost(w, locked, param_number(w->params, "sleep") > 0,
					 "the sum is what it was");
	return locked ? sum : 0;
}

const struct workload workload_bank = {
	.name = "bank",
	.summary = "transfers between accounts: whether the sum of all balances stays what it was",
	.params = params,
	.size_unit = "transfers",
	.size_default = "100k",
	.size_low = 1,
	.size_high = 1000000000000,
	.counts = counts,
	.plan = plan,
	.setup = setup,
	.work = work,
	.check = check,
};
