/* Edges are found by hashing both locks and the thread. Taking a lock while one other is held, as
 * nearly always, is one look-up and a comparison with the way that was gone last time. */
#include "tracer/report/order.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_BITS 8

struct order *order_create(size_t threads)
{
	struct order *order = calloc(1, sizeof(*order));

	if (!order)
		return NULL;
	order->bits = FIRST_BITS;
	order->slots = calloc((size_t)1 << FIRST_BITS, sizeof(*order->slots));
	order->parts = calloc(threads + 1, sizeof(*order->parts));
	if (!order->slots || !order->parts) {
		order_destroy(order);
		return NULL;
	}
	return order;
}

void order_destroy(struct order *order)
{
	for (size_t i = 0; order && i < order->count; i++) {
		for (size_t k = 0; k < order->edges[i].way_count; k++)
			free(order->edges[i].ways[k].guards);
		free(order->edges[i].ways);
	}
	if (order) {
		free(order->edges);
		free(order->slots);
		free(order->parts);
	}
	free(order);
}

/* Fibonacci hashing, as for objects. */
static size_t slot_of(const struct order *order, const struct object *from, const struct object *to,
		      uint32_t thread)
{
	uint64_t key = (uintptr_t)from * UINT64_C(0x9e3779b97f4a7c15);

	key = (key ^ (uintptr_t)to ^ (uint64_t)thread << 40) * UINT64_C(0x9e3779b97f4a7c15);
	return (size_t)(key >> (64 - order->bits));
}

static uint32_t *find(const struct order *order, const struct object *from, const struct object *to,
		      uint32_t thread)
{
	const size_t mask = ((size_t)1 << order->bits) - 1;
	size_t at = slot_of(order, from, to, thread);

	for (;; at = (at + 1) & mask) {
		const uint32_t index = order->slots[at];
		const struct order_edge *edge = index ? &order->edges[index - 1] : NULL;

		if (!edge || (edge->from == from && edge->to == to && edge->thread == thread))
			return &order->slots[at];
	}
}

static bool grow(struct order *order)
{
	const size_t room = order->room ? 2 * order->room : 64;
	struct order_edge *edges = realloc(order->edges, room * sizeof(*edges));
	uint32_t *slots;

	if (!edges)
		return false;
	order->edges = edges;
	order->room = room;
	slots = calloc(4 * room, sizeof(*slots));
	if (!slots)
		return false;
	free(order->slots);
	order->slots = slots;
	for (order->bits = 0; (size_t)1 << order->bits < 4 * room;)
		order->bits++;
	for (size_t i = 0; i < order->count; i++)
		*find(order, edges[i].from, edges[i].to, edges[i].thread) = (uint32_t)i + 1;
	return true;
}

static struct order_edge *edge_of(struct order *order, struct object *from, struct object *to,
				  uint32_t thread)
{
	uint32_t *slot = find(order, from, to, thread);

	if (*slot)
		return &order->edges[*slot - 1];
	if (order->count == order->room && !grow(order))
		return NULL;
	slot = find(order, from, to, thread);
	order->edges[order->count] = (struct order_edge){
		.from = from,
		.to = to,
		.thread = thread,
	};
	*slot = (uint32_t)++order->count;
	return &order->edges[order->count - 1];
}

/* A way, by what tells it from others. */
struct way_key {
	uint32_t part;
	uint8_t held, wanted;
	const struct order_guard *guards;
	size_t guard_count;
};

static bool is_same(const struct order_way *way, const struct way_key *key)
{
	return way->part == key->part && way->held == key->held && way->wanted == key->wanted &&
	       way->guard_count == key->guard_count &&
	       memcmp(way->guards, key->guards, key->guard_count * sizeof(*key->guards)) == 0;
}

/* Null: no memory. */
static struct order_way *new_way(struct order_edge *edge, const struct way_key *key)
{
	const size_t bytes = key->guard_count * sizeof(*key->guards);
	struct order_guard *guards = malloc(bytes);
	struct order_way *ways = edge->ways;

	if (guards && edge->way_count < ORDER_WAYS)
		ways = realloc(ways, (edge->way_count + 1) * sizeof(*ways));
	if (!guards || !ways) {
		free(guards);
		return NULL;
	}
	edge->ways = ways;
	if (edge->way_count == ORDER_WAYS) {
		edge->cut = true;
		free(ways[--edge->way_count].guards);
	}
	memcpy(guards, key->guards, bytes);
	ways[edge->way_count] = (struct order_way){
		.part = key->part,
		.held = key->held,
		.wanted = key->wanted,
		.limited = true,
		.guards = guards,
		.guard_count = key->guard_count,
	};
	return &ways[edge->way_count++];
}

static struct order_way *way_of(struct order_edge *edge, const struct way_key *key)
{
	/* Ways are in the order of their parts. */
	for (size_t i = edge->way_count; i-- > 0 && edge->ways[i].part == key->part;) {
		if (is_same(&edge->ways[i], key))
			return &edge->ways[i];
	}
	return new_way(edge, key);
}

/* What is destroyed is held no more; what an interpreter's lock consists of is told as that. */
static bool counts(const struct object *object)
{
	return !object->retired && !object->no_hold && !object_is_part(object);
}

/* What the thread holds. */
struct held {
	const struct hold *holds[ORDER_HELD + 1];
	struct order_guard guards[ORDER_HELD + 1]; /* the same, by address */
	size_t count;
};

static void add_held(struct held *held, const struct hold *hold)
{
	size_t at = held->count;

	if (!counts(hold->object))
		return;
	for (; at > 0 && held->guards[at - 1].object > hold->object; at--)
		held->guards[at] = held->guards[at - 1];
	held->guards[at] = (struct order_guard){ hold->object, hold->mode };
	held->holds[held->count++] = hold;
}

static void go(struct order *order, const struct moment *at, const struct order_take *take,
	       const struct held *held, const struct hold *hold)
{
	const struct way_key key = { order->parts[at->thread], (uint8_t)hold->mode,
				     (uint8_t)take->mode, held->guards, held->count };
	struct order_edge *edge = edge_of(order, hold->object, take->object, at->thread);
	struct order_way *way = edge ? way_of(edge, &key) : NULL;

	if (!way) {
		order->no_memory = true;
		return;
	}
	edge->count++;
	if (way->count++ == 0) {
		way->first = at->when;
		way->held_since = hold->since;
	}
	way->last = at->when;
	way->waits += take->how != ORDER_AT_ONCE;
	way->limited &= take->how == ORDER_LIMITED;
}

void order_take(struct order *order, const struct moment *at, const struct order_take *take)
{
	const struct actor *actor = at->actor;
	const size_t first = actor->hold_count > ORDER_HELD ? actor->hold_count - ORDER_HELD : 0;
	struct held held;

	held.count = 0;
	for (size_t i = first; i < actor->hold_count; i++)
		add_held(&held, &actor->holds[i]);
	if (take->also)
		add_held(&held, take->also);
	for (size_t i = 0; i < held.count; i++) {
		if (held.holds[i]->object == take->object)
			return;
	}
	for (size_t i = 0; i < held.count && counts(take->object); i++)
		go(order, at, take, &held, held.holds[i]);
}
