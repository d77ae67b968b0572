/* The JSON of gilscope report --gil, schema "gilscope.gil/1". Times are nanoseconds, as recorded.
 * What is not known is null, and beside it NAME_reason says why.
 *
 * trace, window, truth: what was traced, the part that the rest is about, what the figures are
 * worth. gils: a lock each: whose it is, how that was told, and its counts; 'threads' has the same
 * of each thread that uses it. 'wait' is of takes that found the lock held; a 'drop' is forced when
 * the lock's rule made the thread let go. 'blame' is a row per waiting thread: the time it waited
 * while each thread had the lock, and while nobody had. 'returns': from calls around which the lock
 * was let go: how long these took, and how long the lock then took. 'own_account' compares with the
 * interpreter's words beside the lock. checks: what must be 0. */
#include "tracer/gil/show.h"

#include "base/emit.h"

#include <stdio.h>
#include <stdlib.h>

struct writer {
	struct emit emit;
	struct show *show;
	const struct gil *gil;
};

static void put_ns(struct writer *writer, const char *name, uint64_t raw)
{
	emit_u64(&writer->emit, name, gils_ns(&writer->show->gils, raw));
}

static void put_unknown(struct writer *writer, const char *name, const char *reason)
{
	char member[64];

	emit_null(&writer->emit, name);
	snprintf(member, sizeof(member), "%s_reason", name);
	emit_string(&writer->emit, member, reason);
}

static uint32_t number_of(const struct writer *writer, size_t thread)
{
	return writer->show->trace->threads[thread].header.number;
}

static void put_spread(struct writer *writer, const char *name, const struct spread *spread)
{
	struct emit *emit = &writer->emit;

	emit_open(emit, name, '{');
	emit_u64(emit, "n", spread->n);
	put_ns(writer, "sum_ns", spread->sum);
	if (spread->n > 0) {
		put_ns(writer, "p50_ns", spread_percentile(spread, 0.5));
		put_ns(writer, "p90_ns", spread_percentile(spread, 0.9));
		put_ns(writer, "p99_ns", spread_percentile(spread, 0.99));
		put_ns(writer, "max_ns", spread->max);
	} else {
		emit_null(emit, "p50_ns");
		emit_null(emit, "p90_ns");
		emit_null(emit, "p99_ns");
		emit_null(emit, "max_ns");
	}
	emit_close(emit, '}');
}

/* By the octave: how many lasted up to so long. */
static void put_histogram(struct writer *writer, const char *name, const struct spread *spread)
{
	struct emit *emit = &writer->emit;
	uint64_t seen = 0;

	emit_open(emit, name, '[');
	for (unsigned bit = 1; bit < 56 && seen < spread->n; bit++) {
		const uint64_t upto = spread_up_to(spread, (UINT64_C(1) << bit) - 1);

		if (upto == seen)
			continue;
		emit_open(emit, NULL, '{');
		put_ns(writer, "up_to_ns", UINT64_C(1) << bit);
		emit_u64(emit, "count", upto - seen);
		emit_close(emit, '}');
		seen = upto;
	}
	emit_close(emit, ']');
}

/* A lock that does not ask, or not by a call, has no such counts. */
static void put_requests(struct writer *writer, const struct gil_tally *tally)
{
	static const char *const names[] = { "requests", "drops_requested", "forced_waits",
					     "forced_wait" };
	struct emit *emit = &writer->emit;

	if (!gil_kind_asks(writer->gil->suspect.kind)) {
		for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
			put_unknown(writer, names[i],
				    "this lock does not ask its holder by a call that is seen");
		return;
	}
	emit_u64(emit, "requests", tally->requests);
	emit_u64(emit, "drops_requested", tally->drops_requested);
	emit_u64(emit, "forced_waits", tally->forced_waits);
	put_spread(writer, "forced_wait", &tally->forced_wait);
}

static void put_tally(struct writer *writer, const struct gil_tally *tally)
{
	static const char *const unseen[] = { "takes",           "switches", "drops_forced",
					      "drops_voluntary", "barged",   "hold" };
	const char *hidden = gil_kind_hidden(writer->gil->suspect.kind);
	struct emit *emit = &writer->emit;

	if (hidden) {
		for (size_t i = 0; i < sizeof(unseen) / sizeof(unseen[0]); i++)
			put_unknown(writer, unseen[i], hidden);
	} else {
		emit_u64(emit, "takes", tally->takes);
		emit_u64(emit, "switches", tally->switches);
		emit_u64(emit, "drops_forced", tally->drops_forced);
		emit_u64(emit, "drops_voluntary", tally->drops_voluntary);
		emit_u64(emit, "barged", tally->barged);
		put_spread(writer, "hold", &tally->hold);
	}
	emit_u64(emit, "contended", tally->contended);
	emit_u64(emit, "timeouts", tally->timeouts);
	put_spread(writer, "wait", &tally->wait);
	put_requests(writer, tally);
}

static void put_blame(struct writer *writer, const struct gil_user *user)
{
	const struct gil *gil = writer->gil;
	const char *hidden = gil_kind_hidden(gil->suspect.kind);
	struct emit *emit = &writer->emit;

	if (hidden) {
		put_unknown(writer, "blame", hidden);
		return;
	}
	emit_open(emit, "blame", '{');
	emit_open(emit, "by_thread", '[');
	for (size_t i = 0; i < user->blame_room && i < gil->user_count; i++) {
		if (user->blame[i] == 0)
			continue;
		emit_open(emit, NULL, '{');
		if (i == GIL_BLAMED - 1 && gil->user_count > GIL_BLAMED)
			put_unknown(writer, "thread",
				    "all threads beyond the first 511 that used it");
		else
			emit_u64(emit, "thread", number_of(writer, gil->users[i]->thread));
		put_ns(writer, "wait_ns", user->blame[i]);
		emit_close(emit, '}');
	}
	emit_close(emit, ']');
	put_ns(writer, "nobody_ns", user->blame_nobody);
	emit_close(emit, '}');
}

static void put_returns(struct writer *writer, const struct gil_user *user)
{
	const struct gil_return *back = &user->back;
	struct emit *emit = &writer->emit;

	if (gil_kind_hidden(writer->gil->suspect.kind)) {
		put_unknown(writer, "returns", gil_kind_hidden(writer->gil->suspect.kind));
		return;
	}
	emit_open(emit, "returns", '{');
	emit_u64(emit, "count", back->wait.n);
	emit_u64(emit, "waited", back->waited);
	put_spread(writer, "call", &back->call);
	put_spread(writer, "wait", &back->wait);
	emit_bool(emit, "convoy", show_is_convoy(writer->show, writer->gil, user));
	emit_open(emit, "calls", '{');
	for (size_t i = 1; i < TRACE_CALL_COUNT; i++) {
		if (back->calls[i] > 0)
			emit_u64(emit, trace_call_name((unsigned)i), back->calls[i]);
	}
	emit_close(emit, '}');
	emit_close(emit, '}');
}

static void put_user(struct writer *writer, const struct gil_user *user)
{
	const struct family_thread *facts =
		&writer->show->gils.finding.family.threads[user->thread];
	struct emit *emit = &writer->emit;

	emit_open(emit, NULL, '{');
	emit_u64(emit, "thread", number_of(writer, user->thread));
	emit_u64(emit, "tid", writer->show->trace->threads[user->thread].header.tid);
	emit_string(emit, "name", facts->name);
	put_ns(writer, "lived_ns", show_lived(writer->show, user));
	put_tally(writer, &user->tally);
	put_ns(writer, "unfinished_wait_ns", user->unfinished_wait);
	put_ns(writer, "unfinished_hold_ns", user->unfinished_hold);
	put_histogram(writer, "wait_histogram", &user->tally.wait);
	put_histogram(writer, "hold_histogram", &user->tally.hold);
	put_blame(writer, user);
	put_returns(writer, user);
	emit_close(emit, '}');
}

static void put_what(struct writer *writer)
{
	const struct gil *gil = writer->gil;
	struct emit *emit = &writer->emit;
	struct symbol_name name;
	char text[SHOW_SENTENCE];

	emit_string(emit, "kind", gil_kind_name(gil->suspect.kind));
	emit_string(emit, "summary", gil_kind_summary(gil->suspect.kind));
	emit_string(emit, "not_seen", gil_kind_hidden(gil->suspect.kind));
	emit_u64(emit, "process",
		 writer->show->gils.finding.family.processes[gil->suspect.process].number);
	show_evidence(gil, text);
	emit_string(emit, "evidence", text);
	symbols_data(writer->show->symbols, gil->suspect.process, gil->thing->address, &name);
	emit_string(emit, "lock", name.text);
	if (show_interval_ns(gil) > 0)
		emit_u64(emit, "interval_ns", show_interval_ns(gil));
	else
		put_unknown(writer, "interval_ns", "nobody waited with a time limit");
	show_judge(writer->show, gil, text);
	emit_string(emit, "verdict", text);
}

static void put_times(struct writer *writer)
{
	const struct gil *gil = writer->gil;
	const char *hidden = gil_kind_hidden(gil->suspect.kind);
	const uint64_t span = show_span(writer->show, gil);
	const double seconds = (double)gils_ns(&writer->show->gils, span) / 1e9;
	struct emit *emit = &writer->emit;

	put_ns(writer, "span_ns", span);
	if (hidden) {
		put_unknown(writer, "held_ns", hidden);
		put_unknown(writer, "handed_over_ns", hidden);
		put_unknown(writer, "unheld_ns", hidden);
		put_unknown(writer, "switches_per_s", hidden);
		emit_u64(emit, "handovers", gil->handovers);
	} else {
		put_ns(writer, "held_ns", gil->held);
		put_ns(writer, "handed_over_ns", gil->handed);
		put_ns(writer, "unheld_ns",
		       span > gil->held + gil->handed ? span - gil->held - gil->handed : 0);
		emit_double(emit, "switches_per_s",
			    seconds > 0 ? (double)gil->tally.switches / seconds : 0);
	}
	emit_u64(emit, "most_waiting", gil->most_waiters);
	emit_open(emit, "waiting_ns", '[');
	for (size_t i = 0; i < GIL_WAITERS && i <= gil->most_waiters; i++)
		put_ns(writer, NULL, gil->waiting_time[i]);
	emit_close(emit, ']');
}

static void put_account(struct writer *writer)
{
	const struct gil *gil = writer->gil;
	struct emit *emit = &writer->emit;

	if (gil->states == 0) {
		put_unknown(writer, "own_account", "the lock keeps none that is known here");
		return;
	}
	emit_open(emit, "own_account", '{');
	emit_u64(emit, "compared", gil->states);
	emit_u64(emit, "disagreed", gil->disagreements);
	emit_u64(emit, "interval_us", gil->state_interval_us);
	if (gil->disagreements > 0) {
		emit_u64(emit, "first_switches_seen", gil->first_disagreement_own);
		emit_u64(emit, "first_switches_told", gil->first_disagreement_state);
	}
	emit_close(emit, '}');
}

/* What must be of every trace. */
static void put_checks(struct writer *writer)
{
	const struct gil *gil = writer->gil;
	const struct gil_tally *tally = &gil->tally;
	struct emit *emit = &writer->emit;

	if (gil_kind_hidden(gil->suspect.kind)) {
		put_unknown(writer, "checks", gil_kind_hidden(gil->suspect.kind));
		return;
	}
	emit_open(emit, "checks", '{');
	emit_u64(emit, "held_by_two_or_let_go_by_another", gil->violations);
	emit_bool(emit, "held_longer_than_it_lived", gil->held > show_span(writer->show, gil));
	emit_bool(emit, "waits_are_not_the_contended_takes", tally->wait.n != tally->contended);
	emit_close(emit, '}');
}

static void put_gil(struct writer *writer, size_t number)
{
	const struct gil *gil = writer->gil;
	struct emit *emit = &writer->emit;

	emit_open(emit, NULL, '{');
	emit_u64(emit, "number", number);
	put_what(writer);
	put_tally(writer, &gil->tally);
	put_times(writer);
	put_histogram(writer, "hold_histogram", &gil->tally.hold);
	put_histogram(writer, "wait_histogram", &gil->tally.wait);
	put_account(writer);
	put_checks(writer);
	emit_open(emit, "threads", '[');
	for (size_t i = 0; i < gil->user_count; i++)
		put_user(writer, gil->users[i]);
	emit_close(emit, ']');
	emit_close(emit, '}');
}

static void put_trace(struct writer *writer)
{
	const struct trace *trace = writer->show->trace;
	struct emit *emit = &writer->emit;

	emit_open(emit, "trace", '{');
	emit_string(emit, "folder", trace->folder);
	emit_string(emit, "command", trace->info.command);
	emit_bool(emit, "finished", trace->info.finished);
	emit_close(emit, '}');
	emit_open(emit, "window", '{');
	emit_u64(emit, "from_ns", writer->show->from_ns);
	if (writer->show->to_ns == UINT64_MAX)
		put_unknown(writer, "to_ns", "to the end");
	else
		emit_u64(emit, "to_ns", writer->show->to_ns);
	emit_close(emit, '}');
	emit_open(emit, "truth", '{');
	emit_u64(emit, "lost", trace->lost);
	emit_string(emit, "lost_reason", trace->info.lost_reason);
	emit_u64(emit, "records", trace->records);
	emit_u64(emit, "abandoned", trace->abandoned);
	emit_u64(emit, "stalls", trace->stalls);
	emit_open(emit, "troubles", '[');
	for (size_t i = 0; i < trace->thread_count; i++) {
		if (trace->threads[i].trouble)
			emit_string(emit, NULL, trace->threads[i].trouble);
	}
	emit_close(emit, ']');
	if (trace->info.record_ns >= 0)
		emit_double(emit, "record_ns", trace->info.record_ns);
	else
		put_unknown(writer, "record_ns", "what a record costs is not in the trace");
	emit_close(emit, '}');
}

void show_json(struct show *show)
{
	struct writer writer = { .show = show };
	struct emit *emit = &writer.emit;
	char text[SHOW_SENTENCE];
	size_t found;
	const struct gil **order = show_found(&show->gils, &found);

	emit_start(emit, stdout, true);
	emit_open(emit, NULL, '{');
	emit_string(emit, "schema", "gilscope.gil/1");
	put_trace(&writer);
	if (show->gils.found == 0) {
		show_judge_none(show, text);
		emit_string(emit, "none_found", text);
	} else {
		emit_null(emit, "none_found");
	}
	emit_u64(emit, "made_and_never_taken", show->gils.finding.idle_made);
	emit_open(emit, "gils", '[');
	for (size_t i = 0; order && i < found; i++) {
		writer.gil = order[i];
		put_gil(&writer, i + 1);
	}
	free(order);
	emit_close(emit, ']');
	emit_close(emit, '}');
}
