/* The text report of the locks that were found, in 100 columns. */
#include "tracer/gil/show.h"

#include "base/wrap.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define LABEL 11
#define MATRIX 8 /* threads in the table of blame */

bool show_gils(struct show *show, struct err *err)
{
	char none[SHOW_SENTENCE];
	bool right;

	if (!gils_read(&show->gils, show->trace, show->from_ns, show->to_ns, false, err))
		return false;
	show->symbols = symbols_create(&show->gils.finding.family);
	right = show->symbols || err_set(err, EXIT_IMPOSSIBLE, "no memory for the names");
	if (right && show->as_json)
		show_json(show);
	else if (right)
		show_text(show);
	if (right && show->gils.found == 0) {
		show_judge_none(show, none);
		right = err_set(err, EXIT_FAILED, "%s", none);
	}
	symbols_destroy(show->symbols);
	gils_finish(&show->gils);
	return right;
}

static const struct gil *most_waited_for(const struct gils *gils)
{
	const struct gil *worst = NULL;

	for (size_t i = 0; i < gils->count; i++) {
		const struct gil *gil = &gils->all[i];

		/* Those of no interpreter are nobody's GIL: --gil shows them. */
		if (gil->accepted && gil->suspect.kind != GIL_MUTEX &&
		    gil->suspect.kind != GIL_FAIR &&
		    (!worst || gil->tally.wait.sum > worst->tally.wait.sum))
			worst = gil;
	}
	return worst;
}

bool show_verdict(const char *folder, uint64_t most, FILE *to, struct err *err)
{
	struct trace trace;
	struct show show = { .trace = &trace, .to_ns = UINT64_MAX };
	const struct gil *gil;
	char text[SHOW_SENTENCE], others[64] = "";
	bool right;

	if (!trace_open(&trace, folder, err))
		return false;
	right = trace.records > most || gils_read(&show.gils, &trace, 0, UINT64_MAX, false, err);
	gil = most_waited_for(&show.gils);
	if (gil) {
		show_judge(&show, gil, text);
		if (show.gils.found > 1)
			snprintf(others, sizeof(others), ", of %zu the most waited for",
				 show.gils.found);
		fprintf(to, "gilscope: GIL of process %u (%s%s): %s\n",
			show.gils.finding.family.processes[gil->suspect.process].number,
			gil_kind_name(gil->suspect.kind), others, text);
	}
	gils_finish(&show.gils);
	trace_close(&trace);
	return right;
}

static void put_spread(const struct show *show, const struct spread *spread)
{
	char text[16];

	if (spread->n == 0) {
		printf("%8s%8s%8s%8s%8s", "-", "-", "-", "-", "-");
		return;
	}
	printf("%8s", show_time(show, spread->sum, text));
	printf("%8s", show_time(show, spread_percentile(spread, 0.5), text));
	printf("%8s", show_time(show, spread_percentile(spread, 0.9), text));
	printf("%8s", show_time(show, spread_percentile(spread, 0.99), text));
	printf("%8s", show_time(show, spread->max, text));
}

static const char *name_of(const struct show *show, const struct gil_user *user, char to[24])
{
	const char *name = show->gils.finding.family.threads[user->thread].name;

	snprintf(to, 24, "%u %.15s", show->trace->threads[user->thread].header.number, name);
	for (char *c = to; *c; c++)
		*c = (unsigned char)*c < ' ' || *c == 0x7f ? '?' : *c;
	return to;
}

static void put_counts(const struct show *show, const struct gil *gil)
{
	const struct gil_tally *tally = &gil->tally;
	char text[16];
	const double seconds = (double)gils_ns(&show->gils, show_span(show, gil)) / 1e9;

	if (gil_kind_hidden(gil->suspect.kind)) {
		wrap_label(stdout, "not seen", LABEL, "%s", gil_kind_hidden(gil->suspect.kind));
		wrap_label(stdout, "takes", LABEL,
			   "%" PRIu64 " contended; %" PRIu64 " timed out, %" PRIu64
			   " announced hand-overs",
			   tally->contended, tally->timeouts, gil->handovers);
		return;
	}
	wrap_label(stdout, "takes", LABEL,
		   "%" PRIu64 ", %" PRIu64 " contended (%.1f%%), %" PRIu64
		   " by another thread than before (%.0f switches/s)",
		   tally->takes, tally->contended, 100 * show_share(tally->contended, tally->takes),
		   tally->switches, seconds > 0 ? (double)tally->switches / seconds : 0);
	wrap_label(stdout, "drops", LABEL,
		   "%" PRIu64 " forced, %" PRIu64 " voluntary; %" PRIu64 " timed out",
		   tally->drops_forced, tally->drops_voluntary, tally->timeouts);
	if (gil_kind_asks(gil->suspect.kind))
		wrap_label(stdout, "asked for", LABEL,
			   "%" PRIu64 " requests to let go, %" PRIu64
			   " forced switches that took %s",
			   tally->requests, tally->forced_waits,
			   show_time(show, tally->forced_wait.sum, text));
}

static void put_times(const struct show *show, const struct gil *gil)
{
	const uint64_t span = show_span(show, gil);
	char held[16], handed[16], all[16], rest[16];

	if (!gil_kind_hidden(gil->suspect.kind))
		wrap_label(
			stdout, "time", LABEL,
			"held %s of %s (%.1f%%), free while somebody waited %s, free otherwise %s; "
			"at most %zu waited at once",
			show_time(show, gil->held, held), show_time(show, span, all),
			100 * show_share(gil->held, span), show_time(show, gil->handed, handed),
			show_time(show,
				  span > gil->held + gil->handed ? span - gil->held - gil->handed :
								   0,
				  rest),
			gil->most_waiters);
	else
		wrap_label(stdout, "time", LABEL, "%s in all; at most %zu waited at once",
			   show_time(show, span, all), gil->most_waiters);
}

static bool is_one_of_several(const struct show *show, const struct gil *gil)
{
	for (size_t i = 0; i < show->gils.count; i++) {
		const struct gil *other = &show->gils.all[i];

		if (other != gil && other->accepted &&
		    other->suspect.process == gil->suspect.process)
			return true;
	}
	return false;
}

static void put_checks(const struct show *show, const struct gil *gil)
{
	const bool long_held = gil->held > show_span(show, gil);

	if (gil_kind_hidden(gil->suspect.kind))
		wrap_label(stdout, "checks", LABEL, "none: who holds it is not seen");
	else if (gil->violations > 0 || long_held)
		wrap_label(stdout, "CHECKS", LABEL,
			   "VIOLATED: %" PRIu64
			   " times held by two threads, or let go by another%s",
			   gil->violations,
			   long_held ? "; held for longer than its process lived" : "");
	else
		wrap_label(stdout, "checks", LABEL,
			   "never held by two threads at once, nor let go by another");
	if (gil->disagreements > 0)
		wrap_label(
			stdout, "DISAGREES", LABEL,
			"in %" PRIu64 " of %" PRIu64
			" cases the interpreter's own count of switches is another: first %" PRIu64
			" there, %" PRIu64 " here%s",
			gil->disagreements, gil->states, gil->first_disagreement_state,
			gil->first_disagreement_own,
			is_one_of_several(show, gil) ?
				"; it counts thread states, of which a thread has one for each "
				"interpreter that it works for" :
				"");
	else if (gil->states > 0)
		wrap_label(stdout, "", LABEL,
			   "the interpreter's own count of switches was the same, %" PRIu64
			   " times",
			   gil->states);
}

/* How many lasted how long, by decades. */
static void put_decades(const struct show *show, const struct spread *spread)
{
	static const char *const names[] = { "1us", "10us", "100us", "1ms", "10ms", "100ms", "1s" };
	uint64_t seen = 0, upto_ns = 1000;

	printf("%-12s", "by length");
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++, upto_ns *= 10) {
		const uint64_t upto =
			spread_up_to(spread, (uint64_t)((double)upto_ns * show->gils.raw_per_ns));

		printf("  <%s %" PRIu64, names[i], upto - seen);
		seen = upto;
	}
	printf("  more %" PRIu64 "\n", spread->n - seen);
}

static void put_row(const struct show *show, const char *name, const struct spread *spread,
		    double share)
{
	printf("%-20.19s%8" PRIu64 "%7.1f%%", name, spread->n, 100 * share);
	put_spread(show, spread);
	putchar('\n');
}

static void put_users(const struct show *show, const struct gil *gil, struct gil_user **order,
		      bool waits)
{
	const struct spread *all = waits ? &gil->tally.wait : &gil->tally.hold;
	uint64_t lived = 0, sum = 0;
	char name[24];

	for (size_t i = 0; i < gil->user_count; i++) {
		lived += show_lived(show, order[i]);
		sum += waits ? show_waited(order[i]) :
			       order[i]->tally.hold.sum + order[i]->unfinished_hold;
	}
	printf("\n%-20s%8s%8s%8s%8s%8s%8s%8s\n", waits ? "waits" : "holds", "count", "share",
	       "total", "p50", "p90", "p99", "max");
	put_row(show, "all threads", all, show_share(sum, lived));
	for (size_t i = 0; i < gil->user_count && i < show->top; i++) {
		const struct gil_user *user = order[i];
		const uint64_t own =
			waits ? show_waited(user) : user->tally.hold.sum + user->unfinished_hold;

		put_row(show, name_of(show, user, name),
			waits ? &user->tally.wait : &user->tally.hold,
			show_share(own, show_lived(show, user)));
	}
	put_decades(show, all);
}

static void put_returns(const struct show *show, const struct gil *gil, struct gil_user **order)
{
	bool headed = false;
	size_t rows = 0;
	char name[24], text[16];

	for (size_t i = 0; i < gil->user_count && rows < show->top; i++) {
		const struct gil_return *back = &order[i]->back;

		if (back->wait.n == 0)
			continue;
		if (!headed)
			printf("\n%-20s%8s%8s%12s%8s%14s%8s%8s\n", "back from calls", "count",
			       "waited", "call p50", "p99", "then wait p50", "p99", "max");
		headed = true;
		rows++;
		printf("%-20.19s%8" PRIu64 "%8" PRIu64, name_of(show, order[i], name), back->wait.n,
		       back->waited);
		printf("%12s", show_time(show, spread_percentile(&back->call, 0.5), text));
		printf("%8s", show_time(show, spread_percentile(&back->call, 0.99), text));
		printf("%14s", show_time(show, spread_percentile(&back->wait, 0.5), text));
		printf("%8s", show_time(show, spread_percentile(&back->wait, 0.99), text));
		printf("%8s%s\n", show_time(show, back->wait.max, text),
		       show_is_convoy(show, gil, order[i]) ? "  convoy" : "");
	}
}

/* Who waited while whom had it: rows and columns in the same order. */
static void put_blame(const struct show *show, const struct gil *gil, struct gil_user **order)
{
	const size_t count = gil->user_count < MATRIX ? gil->user_count : MATRIX;
	char text[24];

	if (gil->tally.wait.sum == 0 || gil_kind_hidden(gil->suspect.kind))
		return;
	printf("\n%-20s", "waited while held by");
	for (size_t i = 0; i < count; i++) {
		snprintf(text, sizeof(text), "%u",
			 show->trace->threads[order[i]->thread].header.number);
		printf("%9s", text);
	}
	printf("%9s\n", "nobody");
	for (size_t i = 0; i < count; i++) {
		if (order[i]->tally.wait.n == 0)
			continue;
		printf("%-20.19s", name_of(show, order[i], text));
		for (size_t k = 0; k < count; k++) {
			const size_t at = order[k]->index;

			printf("%9s", at < order[i]->blame_room && order[i]->blame[at] ?
					      show_time(show, order[i]->blame[at], text) :
					      "-");
		}
		printf("%9s\n", show_time(show, order[i]->blame_nobody, text));
	}
	if (gil->user_count > MATRIX)
		printf("... of %zu threads; --json has all\n", gil->user_count);
}

static void put_gil(const struct show *show, const struct gil *gil, size_t number)
{
	struct gil_user **order = show_order(gil);
	struct symbol_name name;
	char text[SHOW_SENTENCE], time[32] = "no timed wait was seen";
	const uint64_t interval_ns = show_interval_ns(gil);

	if (!order)
		return;
	symbols_data(show->symbols, gil->suspect.process, gil->thing->address, &name);
	printf("%sGIL %zu      %s\n", number > 1 ? "\n" : "", number,
	       gil_kind_summary(gil->suspect.kind));
	wrap_label(stdout, "", LABEL, "process %u, %s",
		   show->gils.finding.family.processes[gil->suspect.process].number, name.text);
	show_evidence(gil, text);
	wrap_label(stdout, "told by", LABEL, "%s", text);
	show_judge(show, gil, text);
	wrap_label(stdout, "verdict", LABEL, "%s", text);
	if (interval_ns > 0)
		show_time(show, (uint64_t)((double)interval_ns * show->gils.raw_per_ns), time);
	wrap_label(stdout, "interval", LABEL, "%s%s", time,
		   gil->states > 0 ? ", by the interpreter's own account" :
		   interval_ns     ? ", by the limits of the waits" :
				     "");
	put_counts(show, gil);
	put_times(show, gil);
	put_checks(show, gil);
	put_users(show, gil, order, true);
	if (!gil_kind_hidden(gil->suspect.kind))
		put_users(show, gil, order, false);
	put_returns(show, gil, order);
	put_blame(show, gil, order);
	free(order);
}

static void put_losses(const struct trace *trace)
{
	if (trace->lost > 0)
		wrap_label(stdout, "LOST", LABEL,
			   "%" PRIu64
			   " events could not be recorded%s%s: what follows is incomplete",
			   trace->lost, trace->info.lost_reason ? ": " : "",
			   trace->info.lost_reason ? trace->info.lost_reason : "");
	for (size_t i = 0; i < trace->thread_count; i++) {
		if (trace->threads[i].trouble)
			wrap_label(stdout, "trouble", LABEL, "%s", trace->threads[i].trouble);
	}
	if (!trace->info.finished)
		wrap_label(stdout, "trouble", LABEL,
			   "the recording was not finished: its end is missing");
}

static int most_waited_first(const void *a, const void *b)
{
	const struct gil *x = *(const struct gil *const *)a, *y = *(const struct gil *const *)b;

	if (x->tally.wait.sum != y->tally.wait.sum)
		return x->tally.wait.sum < y->tally.wait.sum ? 1 : -1;
	return (x->suspect.process > y->suspect.process) -
	       (x->suspect.process < y->suspect.process);
}

const struct gil **show_found(const struct gils *gils, size_t *count)
{
	const struct gil **order = calloc(gils->count + 1, sizeof(struct gil *));

	*count = 0;
	for (size_t i = 0; order && i < gils->count; i++) {
		if (gils->all[i].accepted)
			order[(*count)++] = &gils->all[i];
	}
	if (*count > 0)
		qsort(order, *count, sizeof(struct gil *), most_waited_first);
	return order;
}

void show_text(struct show *show)
{
	const struct gils *gils = &show->gils;
	size_t number = 0;

	put_losses(show->trace);
	size_t found;
	const struct gil **order = show_found(gils, &found);

	for (; order && number < found && number < show->top; number++)
		put_gil(show, order[number], number + 1);
	free(order);
	if (gils->found > number)
		printf("\n... of %zu locks in all; --top shows more\n", gils->found);
}
