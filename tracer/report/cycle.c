/* Edges are sorted by their locks; those between locks of which the second never leads back to the
 * first are in no cycle and drop out, which nearly all do. In what is left rings of locks are
 * walked, the short ones first, each from the lock that is first in the order; for each ring one
 * edge and way per step is looked for, of different threads, such that all of them could be gone at
 * once. */
#include "tracer/report/cycle.h"

#include <stdlib.h>
#include <string.h>

/* Steps of a search, lest a program with thousands of locks in each other's order takes for ever.
 */
#define STEPS 2000000u

/* All edges between two locks. */
struct bundle {
	const struct object *from, *to;
	const struct order_edge **edges; /* of the search's */
	size_t count;
	size_t from_node, to_node; /* of struct knots; to_node: NO_NODE when nothing leaves it */
};

#define NO_NODE SIZE_MAX

/* A lock that others were taken under. */
struct node {
	const struct bundle *next, *end; /* of those that leave it: the ones not yet followed */
	size_t number, low;              /* from 1; 0: not met yet */
	size_t knot;                     /* from 1; 0: not known yet */
};

/* Locks that lead to each other are a knot: a strongly connected component, found as in R. Tarjan,
 * "Depth-First Search and Linear Graph Algorithms", SIAM Journal on Computing 1 (1972). */
struct knots {
	struct node *nodes;
	size_t *path, *open; /* nodes: on the way here; met, of no knot yet */
	size_t length, open_count, met;
};

enum why_not { POSSIBLE, ONE_THREAD, SHARED, GUARDED, ORDERED };

struct search {
	const struct locks *locks;
	struct cycles *cycles;
	const struct order_edge **edges;
	size_t edge_count;
	struct bundle *bundles; /* by first lock, then second */
	size_t bundle_count;
	const struct bundle *path[CYCLE_LOCKS];
	size_t length; /* of the rings that are walked */
	struct cycle cycle;
	enum why_not best; /* how far the best choice for this ring came */
	uint64_t steps;
	uint64_t *reach; /* by thread: the earliest time that is behind 'reached' */
	uint32_t reached;
	uint64_t reached_at;
	bool no_memory;
};

static bool is_lock(const struct object *object)
{
	return object->type <= OBJECT_SEM && !object->no_hold;
}

static int by_age(const struct object *x, const struct object *y)
{
	if (x->since != y->since)
		return x->since < y->since ? -1 : 1;
	return (x > y) - (x < y);
}

static int by_locks(const void *a, const void *b)
{
	const struct order_edge *x = *(const struct order_edge *const *)a;
	const struct order_edge *y = *(const struct order_edge *const *)b;

	if (x->from != y->from)
		return by_age(x->from, y->from);
	if (x->to != y->to)
		return by_age(x->to, y->to);
	return (x->thread > y->thread) - (x->thread < y->thread);
}

/* Whether it was gone in the window. */
static bool is_in_window(const struct search *search, const struct order_way *way)
{
	return way->last >= search->locks->from;
}

/* Whether an edge is between locks, and was gone in the window. */
static bool is_wanted(const struct search *search, const struct order_edge *edge)
{
	bool inside = false;

	for (size_t i = edge->way_count; i-- > 0 && !inside;)
		inside = is_in_window(search, &edge->ways[i]);
	return inside && is_lock(edge->from) && is_lock(edge->to);
}

static bool gather(struct search *search)
{
	const struct order *order = search->locks->watch->order;

	search->edges = calloc(order->count + 1, sizeof(struct order_edge *));
	search->bundles = calloc(order->count + 1, sizeof(*search->bundles));
	search->reach = calloc(search->locks->trace->thread_count + 1, sizeof(*search->reach));
	if (!search->edges || !search->bundles || !search->reach)
		return false;
	for (size_t i = 0; i < order->count; i++) {
		if (is_wanted(search, &order->edges[i]))
			search->edges[search->edge_count++] = &order->edges[i];
	}
	qsort(search->edges, search->edge_count, sizeof(struct order_edge *), by_locks);
	return true;
}

static void bundle(struct search *search)
{
	search->bundle_count = 0;
	for (size_t i = 0; i < search->edge_count; i++) {
		const struct order_edge *edge = search->edges[i];
		struct bundle *last = &search->bundles[search->bundle_count];

		if (i == 0 || last[-1].from != edge->from || last[-1].to != edge->to) {
			*last = (struct bundle){
				.from = edge->from,
				.to = edge->to,
				.edges = &search->edges[i],
			};
			search->bundle_count++;
		}
		search->bundles[search->bundle_count - 1].count++;
	}
}

/* The first of the bundles that leave a lock; behind the last when there is none. */
static const struct bundle *leaving(const struct search *search, const struct object *from)
{
	const struct bundle *const end = search->bundles + search->bundle_count;
	size_t low = 0, high = search->bundle_count;

	while (low < high) {
		const size_t middle = (low + high) / 2;

		if (by_age(search->bundles[middle].from, from) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low < search->bundle_count && search->bundles[low].from == from ?
		       &search->bundles[low] :
		       end;
}

static void enter(struct knots *knots, size_t at)
{
	knots->nodes[at].number = knots->nodes[at].low = ++knots->met;
	knots->open[knots->open_count++] = at;
	knots->path[knots->length++] = at;
}

/* All that leaves the last lock of the path is followed. */
static void leave(struct knots *knots)
{
	const size_t at = knots->path[--knots->length];
	const struct node *node = &knots->nodes[at];
	struct node *before = knots->length ? &knots->nodes[knots->path[knots->length - 1]] : NULL;
	size_t member;

	if (before && node->low < before->low)
		before->low = node->low;
	if (node->low < node->number)
		return;
	do {
		member = knots->open[--knots->open_count];
		knots->nodes[member].knot = node->number;
	} while (member != at);
}

static void follow(struct knots *knots, size_t from)
{
	enter(knots, from);
	while (knots->length > 0) {
		struct node *node = &knots->nodes[knots->path[knots->length - 1]];
		const size_t to = node->next < node->end ? node->next->to_node : NO_NODE;

		if (node->next == node->end) {
			leave(knots);
			continue;
		}
		node->next++;
		if (to == NO_NODE)
			continue;
		if (knots->nodes[to].number == 0)
			enter(knots, to);
		else if (knots->nodes[to].knot == 0 && knots->nodes[to].number < node->low)
			node->low = knots->nodes[to].number;
	}
}

/* Each lock that bundles leave is a node. Returns how many there are. */
static size_t number_nodes(struct search *search, struct node *nodes)
{
	struct bundle *const end = search->bundles + search->bundle_count;
	size_t count = 0;

	for (struct bundle *at = search->bundles; at < end; at++) {
		if (at == search->bundles || at[-1].from != at->from)
			nodes[count++].next = at;
		at->from_node = count - 1;
		nodes[count - 1].end = at + 1;
	}
	for (struct bundle *at = search->bundles; at < end; at++) {
		const struct bundle *to = leaving(search, at->to);

		at->to_node = to < end ? to->from_node : NO_NODE;
	}
	return count;
}

/* Drops edges that are in no knot. */
static void untie(struct search *search, const struct node *nodes)
{
	size_t kept = 0;

	for (size_t i = 0; i < search->bundle_count; i++) {
		const struct bundle *at = &search->bundles[i];

		if (at->to_node == NO_NODE || nodes[at->from_node].knot != nodes[at->to_node].knot)
			continue;
		for (size_t k = 0; k < at->count; k++)
			search->edges[kept++] = at->edges[k];
	}
	search->edge_count = kept;
	bundle(search);
}

/* False: no memory. */
static bool prune(struct search *search)
{
	const size_t most = search->bundle_count + 1;
	struct knots knots = {
		.nodes = calloc(most, sizeof(*knots.nodes)),
		.path = calloc(most, sizeof(*knots.path)),
		.open = calloc(most, sizeof(*knots.open)),
	};
	const bool right = knots.nodes && knots.path && knots.open;
	const size_t count = right ? number_nodes(search, knots.nodes) : 0;

	for (size_t i = 0; i < count; i++) {
		if (knots.nodes[i].number == 0)
			follow(&knots, i);
	}
	if (right)
		untie(search, knots.nodes);
	free(knots.nodes);
	free(knots.path);
	free(knots.open);
	return right;
}

/* What is behind a moment of a thread: what it starts after it, and who sees its end. */
static void spread_reach(struct search *search)
{
	const struct family_thread *threads = search->locks->family.threads;
	const struct watch_thread *watched = search->locks->watch->threads;
	const size_t count = search->locks->trace->thread_count;
	uint64_t *reach = search->reach;
	bool changed = true;

	while (changed) {
		changed = false;
		for (size_t i = 0; i < count; i++) {
			const struct watch_end *end = &watched[i].end;
			const uint32_t parent = threads[i].parent;

			if (parent != FAMILY_NONE && reach[i] > 0 &&
			    reach[parent] <= threads[i].created_at) {
				reach[i] = 0;
				changed = true;
			}
			if (end->joined_by && reach[i] != UINT64_MAX && reach[i] <= end->left_at &&
			    reach[end->joined_by - 1] > end->joined_at) {
				reach[end->joined_by - 1] = end->joined_at;
				changed = true;
			}
		}
	}
}

/* Whether what a thread did at a time was before what another did, in every run. */
static bool precedes(struct search *search, uint32_t thread, uint64_t when, uint32_t other,
		     uint64_t then)
{
	const size_t count = search->locks->trace->thread_count;

	if (search->reached != thread + 1 || search->reached_at != when) {
		for (size_t i = 0; i < count; i++)
			search->reach[i] = UINT64_MAX;
		search->reach[thread] = when;
		search->reached = thread + 1;
		search->reached_at = when;
		search->steps += count;
		spread_reach(search);
	}
	return search->reach[other] <= then;
}

/* Within one part of its life all that a thread does is before or behind the same things. */
static bool are_ordered(struct search *search, const struct cycle_link *a,
			const struct cycle_link *b)
{
	return precedes(search, a->edge->thread, a->way->first, b->edge->thread, b->way->first) ||
	       precedes(search, b->edge->thread, b->way->first, a->edge->thread, a->way->first);
}

/* A lock that both hold, unless both only read: then only one of them can be there. */
static bool have_guard(const struct order_way *a, const struct order_way *b)
{
	size_t i = 0, k = 0;

	while (i < a->guard_count && k < b->guard_count) {
		const struct order_guard *x = &a->guards[i], *y = &b->guards[k];

		if (x->object == y->object && is_lock(x->object) &&
		    (x->mode == OBJECT_ALONE || y->mode == OBJECT_ALONE))
			return true;
		if (x->object <= y->object)
			i++;
		if (y->object <= x->object)
			k++;
	}
	return false;
}

/* Whether what the first waits for is kept from it by what the second holds. */
static bool blocks(const struct order_way *waiting, const struct order_way *holding)
{
	return waiting->wanted == OBJECT_ALONE || holding->held == OBJECT_ALONE;
}

/* Why the link at this place of the cycle does not go with those before. */
static enum why_not fits(struct search *search, size_t place)
{
	const struct cycle_link *links = search->cycle.links, *link = &links[place];

	for (size_t i = 0; i < place; i++) {
		if (links[i].edge->thread == link->edge->thread)
			return ONE_THREAD;
	}
	if ((place > 0 && !blocks(links[place - 1].way, link->way)) ||
	    (place + 1 == search->length && !blocks(link->way, links[0].way)))
		return SHARED;
	for (size_t i = 0; i < place; i++) {
		if (have_guard(links[i].way, link->way))
			return GUARDED;
	}
	for (size_t i = 0; i < place; i++) {
		if (are_ordered(search, &links[i], link))
			return ORDERED;
	}
	return POSSIBLE;
}

/* Chooses edges and ways for the ring of the path from this place on. */
static bool choose(struct search *search, size_t place)
{
	const struct bundle *at = search->path[place];

	for (size_t i = 0; i < at->count; i++) {
		for (size_t k = 0; k < at->edges[i]->way_count; k++) {
			enum why_not why;

			if (++search->steps > STEPS)
				return false;
			if (!is_in_window(search, &at->edges[i]->ways[k]))
				continue;
			search->cycle.links[place] =
				(struct cycle_link){ at->edges[i], &at->edges[i]->ways[k] };
			why = fits(search, place);
			if (why != POSSIBLE && why > search->best)
				search->best = why;
			if (why != POSSIBLE)
				continue;
			if (place + 1 == search->length || choose(search, place + 1))
				return true;
		}
	}
	return false;
}

static bool keep(struct search *search)
{
	struct cycles *cycles = search->cycles;

	if (cycles->count == cycles->room) {
		const size_t room = cycles->room ? 2 * cycles->room : 16;
		struct cycle *all = realloc(cycles->all, room * sizeof(*all));

		if (!all)
			return false;
		cycles->all = all;
		cycles->room = room;
	}
	search->cycle.length = search->length;
	search->cycle.limited = false;
	for (size_t i = 0; i < search->length; i++) {
		const struct order_way *way = search->cycle.links[i].way;

		search->cycle.limited |= way->limited;
	}
	cycles->all[cycles->count++] = search->cycle;
	return true;
}

/* Whether all locks of a cycle that is known are on the path: then that says it. */
static bool is_known(const struct search *search)
{
	for (size_t i = 0; i < search->cycles->count; i++) {
		const struct cycle *cycle = &search->cycles->all[i];
		size_t found = 0;

		for (size_t k = 0; k < cycle->length; k++) {
			for (size_t m = 0; m < search->length; m++)
				found += search->path[m]->from == cycle->links[k].edge->from;
		}
		if (found == cycle->length)
			return true;
	}
	return false;
}

/* Whether the path goes over an edge whose ways are not all known. */
static bool is_cut(const struct search *search)
{
	bool cut = false;

	for (size_t i = 0; i < search->length; i++) {
		for (size_t k = 0; k < search->path[i]->count; k++)
			cut |= search->path[i]->edges[k]->cut;
	}
	return cut;
}

static void judge_ring(struct search *search)
{
	struct cycles *cycles = search->cycles;

	if (is_known(search))
		return;
	search->best = POSSIBLE;
	if (choose(search, 0)) {
		search->no_memory |= !keep(search);
		return;
	}
	/* Ways that were dropped may be those that could hang. */
	if (search->steps > STEPS || (search->best > ONE_THREAD && is_cut(search))) {
		cycles->cut = true;
		cycles->undecided++;
		return;
	}
	cycles->one_thread += search->best == ONE_THREAD;
	cycles->shared += search->best == SHARED;
	cycles->guarded += search->best == GUARDED;
	cycles->ordered += search->best == ORDERED;
}

/* Null: there is none. */
static const struct bundle *between(const struct search *search, const struct object *from,
				    const struct object *to)
{
	size_t low = 0, high = search->bundle_count;

	while (low < high) {
		const size_t middle = (low + high) / 2;
		const struct bundle *at = &search->bundles[middle];
		const int before = at->from == from ? by_age(at->to, to) : by_age(at->from, from);

		if (before == 0)
			return at;
		if (before < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

/* Walks on from the last lock of the path; the first is the earliest of the ring. */
static void walk(struct search *search, size_t steps)
{
	const struct bundle *const end = search->bundles + search->bundle_count;
	const struct bundle *first = search->path[0], *last = search->path[steps - 1], *next;
	bool again = ++search->steps > STEPS || search->no_memory;

	for (size_t i = 0; i < steps; i++)
		again |= search->path[i]->from == last->to;
	if (again)
		return;
	if (steps + 1 == search->length) {
		next = between(search, last->to, first->from);
		search->path[steps] = next;
		if (next && next > first)
			judge_ring(search);
		return;
	}
	for (next = leaving(search, last->to); next < end && next->from == last->to; next++) {
		if (next < first)
			continue;
		search->path[steps] = next;
		walk(search, steps + 1);
	}
}

static void search_all(struct search *search)
{
	for (search->length = 2; search->length <= CYCLE_LOCKS; search->length++) {
		for (size_t i = 0; i < search->bundle_count; i++) {
			search->path[0] = &search->bundles[i];
			walk(search, 1);
		}
	}
}

bool cycles_find(struct cycles *cycles, const struct locks *locks)
{
	struct search search = { .locks = locks, .cycles = cycles };

	*cycles = (struct cycles){ 0 };
	search.no_memory = !gather(&search);
	if (!search.no_memory) {
		bundle(&search);
		cycles->pairs = search.bundle_count;
		search.no_memory = !prune(&search);
	}
	if (!search.no_memory)
		search_all(&search);
	cycles->cut |= search.steps > STEPS;
	free(search.edges);
	free(search.bundles);
	free(search.reach);
	if (search.no_memory)
		cycles_finish(cycles);
	return !search.no_memory;
}

void cycles_finish(struct cycles *cycles)
{
	free(cycles->all);
	*cycles = (struct cycles){ 0 };
}
