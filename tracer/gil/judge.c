/* What the figures of a lock mean, in words. */
#include "tracer/gil/show.h"

#include "tracer/words.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LISTED 6         /* threads in a sentence */
#define MATTERS 0.05     /* a share of a thread's time that is worth a word */
#define FEW 3            /* returns that show nothing yet */
#define SHORT_NS 1000000 /* a wait that is short */
#define MANY 500         /* of them in a second */

struct text {
	char *to;
	size_t used;
};

__attribute__((format(printf, 2, 3))) static void say(struct text *text, const char *format, ...)
{
	va_list args;
	int length;

	va_start(args, format);
	length = vsnprintf(text->to + text->used, SHOW_SENTENCE - text->used, format, args);
	va_end(args);
	if (length > 0)
		text->used += (size_t)length;
	if (text->used >= SHOW_SENTENCE)
		text->used = SHOW_SENTENCE - 1;
}

const char *gil_kind_name(enum gil_kind kind)
{
	static const char *const names[GIL_KINDS] = {
		[GIL_CPYTHON3] = "cpython3",
		[GIL_CPYTHON2] = "cpython2",
		[GIL_CPYTHON2COND] = "cpython2cond",
		[GIL_PYPY] = "pypy",
		[GIL_RUBY] = "ruby",
		[GIL_RUBY33] = "ruby33",
		[GIL_OCAML4] = "ocaml4",
		[GIL_OCAML5] = "ocaml5",
		[GIL_FAIR] = "fair",
		[GIL_MUTEX] = "mutex",
	};

	return names[kind];
}

const char *gil_kind_summary(enum gil_kind kind)
{
	static const char *const summaries[GIL_KINDS] = {
		[GIL_CPYTHON3] =
			"CPython 3: asked for after an interval without a switch, then handed over",
		[GIL_CPYTHON2] = "CPython 2: a semaphore that is offered every check interval",
		[GIL_CPYTHON2COND] =
			"CPython 2 without semaphores: a flag, a mutex and a condition",
		[GIL_PYPY] = "PyPy: a word, and a queue of those who did not get it",
		[GIL_RUBY] =
			"Ruby to 3.2: a queue, the first of which asks for the lock by a timer",
		[GIL_RUBY33] = "Ruby from 3.3: a queue with strict hand-over",
		[GIL_OCAML4] = "OCaml 4: a flag, a mutex and a condition",
		[GIL_OCAML5] = "OCaml 5: a flag, a mutex and a condition, around a domain's lock",
		[GIL_FAIR] = "a queue with strict hand-over; no interpreter that is known here",
		[GIL_MUTEX] =
			"a mutex, held whenever its threads run; no interpreter that is known here",
	};

	return summaries[kind];
}

bool gil_kind_asks(enum gil_kind kind)
{
	return kind == GIL_CPYTHON3 || kind == GIL_RUBY;
}

const char *gil_kind_hidden(enum gil_kind kind)
{
	return kind == GIL_PYPY ?
		       "PyPy takes a free lock, and lets go of it, without a call: only takes that "
		       "found it held are seen" :
		       NULL;
}

uint64_t show_interval_ns(const struct gil *gil)
{
	if (gil->states > 0)
		return gil->state_interval_us * 1000;
	if (gil->deadlines.n == 0)
		return 0;
	/* What is left of a quantum is waited for, too. */
	return gil->suspect.kind == GIL_RUBY ? gil->deadlines.max :
					       spread_percentile(&gil->deadlines, 0.5);
}

static uint64_t overlap(const struct show *show, uint64_t begin, uint64_t end)
{
	const struct gils *gils = &show->gils;

	begin = begin > gils->from ? begin : gils->from;
	end = end < gils->to ? end : gils->to;
	return end > begin ? end - begin : 0;
}

uint64_t show_lived(const struct show *show, const struct gil_user *user)
{
	const struct family_thread *facts = &show->gils.finding.family.threads[user->thread];

	return overlap(show, facts->begin, facts->end);
}

uint64_t show_span(const struct show *show, const struct gil *gil)
{
	const struct family_process *facts =
		&show->gils.finding.family.processes[gil->suspect.process];

	return overlap(show, facts->begin, facts->end);
}

double show_share(uint64_t part, uint64_t whole)
{
	return whole ? (double)part / (double)whole : 0;
}

const char *show_time(const struct show *show, uint64_t raw, char to[16])
{
	return words_duration((double)gils_ns(&show->gils, raw), to);
}

bool show_is_convoy(const struct show *show, const struct gil *gil, const struct gil_user *user)
{
	const struct gil_return *back = &user->back;
	const uint64_t wait = spread_percentile(&back->wait, 0.5);
	const uint64_t wait_ns = gils_ns(&show->gils, wait);

	if (back->wait.n < FEW || 2 * back->waited < back->wait.n)
		return false;
	return wait_ns >= SHORT_NS / 10 &&
	       (wait >= spread_percentile(&back->call, 0.5) ||
		2 * wait_ns >= show_interval_ns(gil)) &&
	       show_share(user->tally.wait.sum, show_lived(show, user)) >= MATTERS;
}

uint64_t show_waited(const struct gil_user *user)
{
	return user->tally.wait.sum + user->unfinished_wait;
}

static int most_waiting_first(const void *a, const void *b)
{
	const struct gil_user *x = *(struct gil_user *const *)a, *y = *(struct gil_user *const *)b;

	if (show_waited(x) != show_waited(y))
		return show_waited(x) < show_waited(y) ? 1 : -1;
	return (x->index > y->index) - (x->index < y->index);
}

struct gil_user **show_order(const struct gil *gil)
{
	struct gil_user **order = calloc(gil->user_count + 1, sizeof(struct gil_user *));

	for (size_t i = 0; order && i < gil->user_count; i++)
		order[i] = gil->users[i];
	if (order)
		qsort(order, gil->user_count, sizeof(struct gil_user *), most_waiting_first);
	return order;
}

static uint32_t number_of(const struct show *show, const struct gil_user *user)
{
	return show->trace->threads[user->thread].header.number;
}

/* The user who had the lock while this one waited, for the longest time. */
static const struct gil_user *culprit(const struct gil *gil, const struct gil_user *user)
{
	size_t worst = 0;

	for (size_t i = 1; i < user->blame_room && i < gil->user_count; i++) {
		if (user->blame[i] > user->blame[worst])
			worst = i;
	}
	return user->blame_room && user->blame[worst] && worst < GIL_BLAMED - 1 ?
		       gil->users[worst] :
		       NULL;
}

static void say_convoy(const struct show *show, const struct gil *gil, const struct gil_user *user,
		       struct text *text)
{
	const struct gil_return *back = &user->back;
	const struct gil_user *by = culprit(gil, user);
	size_t most = 0;
	char call[16], wait[16];

	for (size_t i = 1; i < TRACE_CALL_COUNT; i++) {
		if (back->calls[i] > (most ? back->calls[most] : 0))
			most = i;
	}
	say(text,
	    "a convoy: thread %u came back %" PRIu64 " times from %s (%s in the median) and then "
	    "waited %s (median) for the lock",
	    number_of(show, user), back->wait.n,
	    most && 2 * back->calls[most] > back->wait.n ? trace_call_name((unsigned)most) :
							   "blocking calls",
	    show_time(show, spread_percentile(&back->call, 0.5), call),
	    show_time(show, spread_percentile(&back->wait, 0.5), wait));
	if (by)
		say(text, ", which thread %u had", number_of(show, by));
}

static void say_kind(const struct show *show, const struct gil *gil, struct gil_user **order,
		     struct text *text)
{
	const uint64_t wait = spread_percentile(&gil->tally.wait, 0.5);
	const uint64_t span_ns = gils_ns(&show->gils, show_span(show, gil));
	const double per_s = span_ns ? (double)gil->tally.contended * 1e9 / (double)span_ns : 0;
	char time[16];

	for (size_t i = 0; i < gil->user_count; i++) {
		if (show_is_convoy(show, gil, order[i])) {
			say_convoy(show, gil, order[i], text);
			return;
		}
	}
	if (gils_ns(&show->gils, wait) < SHORT_NS)
		say(text, "%s: %.0f a second found it held, and waited %s (median) each",
		    per_s >= MANY ? "many short takes" : "now and then a take", per_s,
		    show_time(show, wait, time));
	else
		say(text,
		    "CPU-bound contention: the threads take turns, and wait %s (median) for each",
		    show_time(show, wait, time));
}

void show_judge(const struct show *show, const struct gil *gil, char to[SHOW_SENTENCE])
{
	struct gil_user **order = show_order(gil);
	struct text text = { .to = to };
	uint64_t lived = 0, waited = 0;
	size_t bound = 0, stuck = 0;

	to[0] = '\0';
	if (!order)
		return;
	for (size_t i = 0; i < gil->user_count; i++) {
		const uint64_t own = show_lived(show, order[i]);

		if (show_share(show_waited(order[i]), own) < MATTERS)
			continue;
		bound++;
		lived += own;
		waited += show_waited(order[i]);
		stuck += order[i]->unfinished_wait > 0;
	}
	if (bound == 0) {
		say(&text, "the lock is no bottleneck: no thread waited %.0f%% of its time for it",
		    100 * MATTERS);
	} else {
		say(&text, "the lock is a bottleneck for thread%s ", bound > 1 ? "s" : "");
		for (size_t i = 0, listed = 0; i < gil->user_count && listed < LISTED; i++) {
			const struct gil_user *user = order[i];

			if (show_share(show_waited(user), show_lived(show, user)) < MATTERS)
				continue;
			say(&text, "%s%u", listed++ ? ", " : "", number_of(show, user));
		}
		if (bound > LISTED)
			say(&text, " and %zu more", bound - LISTED);
		say(&text, ": %.1f%% of %s time went into waiting for it. This is ",
		    100 * show_share(waited, lived), bound > 1 ? "their" : "its");
		say_kind(show, gil, order, &text);
		if (stuck > 0)
			say(&text, ". At the end %zu still waited", stuck);
		if (stuck > 0 && gil->holder)
			say(&text, ", and thread %u had it", number_of(show, gil->holder));
	}
	free(order);
}

void show_judge_none(const struct show *show, char to[SHOW_SENTENCE])
{
	const struct finding *finding = &show->gils.finding;
	struct text text = { .to = to };
	uint64_t taken = 0;
	char held[16];

	for (size_t i = 0; i < finding->thing_count; i++)
		taken += finding->things[i].taken;
	if (show->gils.idle)
		say(&text,
		    "no GIL is in use: process %u made CPython's and took it %" PRIu64
		    " times in all, by one thread and for %s, as free-threaded builds do around "
		    "imports",
		    finding->family.processes[show->gils.idle->suspect.process].number,
		    show->gils.idle->tally.takes, show_time(show, show->gils.idle->held, held));
	else if (finding->idle_made > 0)
		say(&text,
		    "no GIL is in use: process %u made CPython's and never took it, as "
		    "free-threaded builds do",
		    finding->family.processes[finding->idle_process].number);
	else if (finding->pypy_made > 0)
		say(&text,
		    "no GIL was seen: PyPy's may have been made, but no take found it held, and "
		    "only those can be seen");
	else if (taken == 0)
		say(&text, "no GIL was found: no lock was taken by a call that is recorded");
	else
		say(&text, "no GIL was found: none of the locks that were taken behaves as one");
}

void show_evidence(const struct gil *gil, char to[SHOW_SENTENCE])
{
	const struct thing *thing = gil->thing;
	struct text text = { .to = to };

	to[0] = '\0';
	switch (gil->suspect.protocol) {
	case PROTOCOL_CPYTHON3:
		say(&text,
		    "taking it ended in a signal to a second condition under a second mutex, "
		    "%" PRIu64 " times%s",
		    thing->nests, thing->made ? "; made as create_gil makes it" : "");
		break;
	case PROTOCOL_PYPY:
		say(&text, "%s%s", thing->made ? "made as RPyGilAllocate makes it; " : "",
		    "waits of 0.1 ms under a second mutex");
		break;
	case PROTOCOL_SEMAPHORE:
		say(&text,
		    "it began with 1, no try of it was given up, %" PRIu64
		    " times it was let go and asked for at once; its threads do nothing without it",
		    thing->adjacent);
		break;
	case PROTOCOL_MONITOR:
		say(&text,
		    "one thread had it at a time, as told by who waits at the mutex's conditions; "
		    "its threads do nothing without it");
		break;
	case PROTOCOL_QUEUE:
		say(&text,
		    "one thread had it at a time, as told by who signals whom under the mutex; "
		    "its threads do nothing without it");
		break;
	case PROTOCOL_MUTEX:
		say(&text, "its threads do nothing without it");
		break;
	}
	if (gil->suspect.heir_of)
		say(&text, "; a forked process goes on with its parent's lock");
}
