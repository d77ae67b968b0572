/* Messages between pairs of workers: one sends numbers and waits until they come back, the other
 * answers with the same. What carries them is a pipe, a pipe behind locks as a library's queue is,
 * a pair of sockets, or shared memory; and they can be encoded on the way, which costs its own. */
#include "workloads/primitives.h"

#include <errno.h>
#include <fcntl.h>
#include <stdalign.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { VIA_PIPE, VIA_QUEUE, VIA_SOCKETPAIR, VIA_SHARED };
enum { BYTES, SERIALIZE_NS, DESERIALIZE_NS };

static const char *const counts[] = { "bytes", "serialize_ns", "deserialize_ns", NULL };
static const char *const vias[] = { "pipe", "queue", "socketpair", "shared", NULL };
static const char *const choices[] = { "no", "yes", NULL };

static const struct param params[] = {
	{ .name = "via",
	  .kind = PARAM_CHOICE,
	  .fallback = "pipe",
	  .choices = vias,
	  .value = "WHAT",
	  .help = "what carries the messages",
	  .other_work = true },
	{ .name = "message",
	  .kind = PARAM_NUMBER,
	  .fallback = "64",
	  .low = 8,
	  .high = 16000000,
	  .value = "BYTES",
	  .help = "the length of a message",
	  .other_work = true },
	{ .name = "serialize",
	  .kind = PARAM_CHOICE,
	  .fallback = "no",
	  .choices = choices,
	  .value = "WHETHER",
	  .help = "encode and decode the numbers of a message on each side",
	  .other_work = true },
	{ 0 },
};

/* A number that is encoded: its type, and 7 bits in each byte, the lowest first (LEB128). */
#define TYPE_NUMBER 'u'
#define ENCODED_MAX 11

/* A message on its way: pipes carry it with its length, as one write. */
struct frame {
	uint64_t length;
	unsigned char bytes[];
};

/* The first worker of a pair has side 0. Way 0 leads away from it, way 1 back. */
struct pair {
	alignas(64) int to[2];       /* descriptors, by side */
	int from[2];                 /* the same */
	struct lock put[2], get[2];  /* of queues, by way */
	struct semaphore arrived[2]; /* in shared memory, by way */
};

/* What a worker sees of all. */
struct end {
	struct worker *w;
	unsigned side;
	uint64_t via;
	bool encodes;
	uint64_t words;    /* numbers in a message */
	uint64_t capacity; /* of a frame, in bytes */
	struct pair *pair;
	struct frame *frame;  /* a message of its own */
	struct frame *shared; /* of the pair: the one in shared memory */
	uint64_t *numbers;    /* of its message: in the frame itself, or apart from it */
};

/* The region: the pairs, a frame for each worker and for each pair, the numbers of each worker. */
struct layout {
	size_t frame, frames, numbers, end; /* in bytes: size of one, and where they begin */
};

static uint64_t words_of(const struct worker *w)
{
	return param_number(w->params, "message") / sizeof(uint64_t);
}

/* What a frame has room for. */
static uint64_t capacity_of(const struct worker *w)
{
	return param_number(w->params, "serialize") ? words_of(w) * ENCODED_MAX :
						      param_number(w->params, "message");
}

static struct layout layout_of(const struct worker *w)
{
	const unsigned pairs = w->count / 2;
	struct layout layout;

	layout.frame = (sizeof(struct frame) + capacity_of(w) + 63) / 64 * 64;
	layout.frames = pairs * sizeof(struct pair);
	layout.numbers = layout.frames + (w->count + pairs) * layout.frame;
	layout.end = layout.numbers;
	if (param_number(w->params, "serialize"))
		layout.end += w->count * words_of(w) * sizeof(uint64_t);
	return layout;
}

static struct end end_of(struct worker *w)
{
	const struct layout layout = layout_of(w);
	char *region = w->region, *frames = region + layout.frames;
	struct end end = {
		.w = w,
		.side = w->index % 2,
		.via = param_number(w->params, "via"),
		.encodes = param_number(w->params, "serialize"),
		.words = words_of(w),
		.capacity = capacity_of(w),
		.pair = (struct pair *)region + w->index / 2,
		.frame = (struct frame *)(frames + w->index * layout.frame),
		.shared = (struct frame *)(frames + (w->count + w->index / 2) * layout.frame),
	};

	end.numbers = (uint64_t *)end.frame->bytes;
	if (end.encodes)
		end.numbers = (uint64_t *)(region + layout.numbers) + w->index * end.words;
	return end;
}

static bool plan(const struct worker *w, struct workload_plan *plan, struct err *err)
{
	if (w->count % 2)
		return err_set(err, EXIT_MISUSE,
			       "--%s %u: messages go between two; give an even number", w->shares,
			       w->count);
	plan->region_bytes = layout_of(w).end;
	plan->together = true;
	plan->loop = "closed";
	return true;
}

static bool open_pair(struct pair *pair, uint64_t via)
{
	int ends[2], back[2];

	if (via == VIA_SOCKETPAIR) {
		if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
			return false;
		pair->to[0] = pair->from[0] = ends[0];
		pair->to[1] = pair->from[1] = ends[1];
		return true;
	}
	if (pipe2(ends, O_CLOEXEC) != 0 || pipe2(back, O_CLOEXEC) != 0)
		return false;
	pair->to[0] = ends[1];
	pair->from[1] = ends[0];
	pair->to[1] = back[1];
	pair->from[0] = back[0];
	return true;
}

static bool open_pairs(struct worker *w, struct err *err)
{
	const uint64_t via = param_number(w->params, "via");
	struct pair *pairs = w->region;

	for (unsigned i = 0; i < w->count / 2 && via != VIA_SHARED; i++) {
		if (!open_pair(&pairs[i], via))
			return err_set(err, EXIT_IMPOSSIBLE,
				       "cannot open what connects pair %u of %u: %s", i + 1,
				       w->count / 2, strerror(errno));
	}
	return true;
}

static void close_pairs(struct worker *w)
{
	const uint64_t via = param_number(w->params, "via");
	const struct pair *pairs = w->region;

	for (unsigned i = 0; i < w->count / 2 && via != VIA_SHARED; i++) {
		close(pairs[i].to[0]);
		close(pairs[i].to[1]);
		if (via == VIA_SOCKETPAIR)
			continue;
		close(pairs[i].from[0]);
		close(pairs[i].from[1]);
	}
}

/* Touches all memory: a page that is missing is no cost of messages. */
static void setup(struct worker *w)
{
	const struct layout layout = layout_of(w);
	struct pair *pairs = w->region;

	memset((char *)w->region + layout.frames, 0, layout.end - layout.frames);
	for (unsigned i = 0; i < w->count / 2; i++) {
		for (unsigned way = 0; way < 2; way++) {
			lock_make(w, &pairs[i].put[way], LOCK_PLAIN);
			lock_make(w, &pairs[i].get[way], LOCK_PLAIN);
			semaphore_make(w, &pairs[i].arrived[way], 0);
		}
	}
}

static void encode(const struct end *end)
{
	const uint64_t from_ns = worker_now_ns();
	unsigned char *at = end->frame->bytes;

	for (uint64_t i = 0; i < end->words; i++) {
		uint64_t left = end->numbers[i];

		*at++ = TYPE_NUMBER;
		for (; left >= 0x80; left >>= 7)
			*at++ = (unsigned char)(left | 0x80);
		*at++ = (unsigned char)left;
	}
	end->frame->length = (uint64_t)(at - end->frame->bytes);
	worker_count(end->w, SERIALIZE_NS, worker_now_ns() - from_ns);
}

/* Null: the bytes are no number. */
static const unsigned char *decode_one(const unsigned char *at, const unsigned char *stop,
				       uint64_t *number)
{
	*number = 0;
	if (at == stop || *at++ != TYPE_NUMBER)
		return NULL;
	for (unsigned shift = 0; at < stop && shift < 64; shift += 7) {
		*number |= (uint64_t)(*at & 0x7f) << shift;
		if (*at++ < 0x80)
			return at;
	}
	return NULL;
}

static void decode(const struct end *end)
{
	const uint64_t from_ns = worker_now_ns();
	const unsigned char *at = end->frame->bytes, *stop = at + end->frame->length;

	for (uint64_t i = 0; at && i < end->words; i++)
		at = decode_one(at, stop, &end->numbers[i]);
	if (at != stop)
		worker_fail(end->w, "a message cannot be decoded");
	worker_count(end->w, DESERIALIZE_NS, worker_now_ns() - from_ns);
}

static void copy(struct frame *to, const struct frame *from)
{
	memcpy(to, from, sizeof(*from) + from->length);
}

static bool put(const struct end *end)
{
	const unsigned way = end->side;
	struct worker *w = end->w;
	bool good;

	if (end->via == VIA_SHARED) {
		copy(end->shared, end->frame);
		semaphore_give(w, &end->pair->arrived[way]);
		return true;
	}
	if (end->via == VIA_QUEUE)
		lock_take(w, &end->pair->put[way]);
	good = worker_write(w, end->pair->to[end->side], end->frame,
			    sizeof(*end->frame) + end->frame->length);
	if (end->via == VIA_QUEUE)
		lock_give(w, &end->pair->put[way]);
	return good;
}

static bool read_frame(const struct end *end)
{
	const int fd = end->pair->from[end->side];
	struct frame *frame = end->frame;

	if (!worker_read(end->w, fd, frame, sizeof(*frame), NULL))
		return false;
	if (frame->length <= end->capacity)
		return worker_read(end->w, fd, frame->bytes, frame->length, NULL);
	worker_fail(end->w, "a message says that it has %llu bytes",
		    (unsigned long long)frame->length);
	return false;
}

static bool get(const struct end *end)
{
	const unsigned way = !end->side;
	struct worker *w = end->w;
	bool good;

	if (end->via == VIA_SHARED) {
		semaphore_take(w, &end->pair->arrived[way]);
		copy(end->frame, end->shared);
		return true;
	}
	if (end->via == VIA_QUEUE)
		lock_take(w, &end->pair->get[way]);
	good = read_frame(end);
	if (end->via == VIA_QUEUE)
		lock_give(w, &end->pair->get[way]);
	return good;
}

static bool exchange(const struct end *end)
{
	if (end->encodes)
		encode(end);
	worker_count(end->w, BYTES, end->frame->length);
	if (!put(end) || !get(end))
		return false;
	if (end->encodes)
		decode(end);
	return true;
}

/* What is sent lies where the answer comes to: it is made once more to compare. */
static void compare(const struct end *end, uint64_t k)
{
	for (uint64_t i = 0; i < end->words; i++) {
		if (end->numbers[i] != worker_mix(k * end->words + i))
			worker_fail(end->w, "number %llu of message %llu came back as another",
				    (unsigned long long)i, (unsigned long long)k);
	}
}

static uint64_t send_all(const struct end *end, uint64_t from, uint64_t to)
{
	struct worker *w = end->w;
	uint64_t sum = 0;

	end->frame->length = end->capacity;
	worker_did(w, to - from);
	for (uint64_t k = from; k < to; k++) {
		uint64_t sent_ns;

		for (uint64_t i = 0; i < end->words; i++)
			end->numbers[i] = worker_mix(k * end->words + i);
		sent_ns = worker_now_ns();
		if (!exchange(end))
			break;
		worker_latency(w, worker_now_ns() - sent_ns);
		compare(end, k);
		sum += end->numbers[0];
		worker_tick(w);
	}
	return sum;
}

static void answer_all(const struct end *end, uint64_t from, uint64_t to)
{
	for (uint64_t k = from; k < to; k++) {
		if (!get(end))
			break;
		if (end->encodes) {
			decode(end);
			encode(end);
		}
		if (!put(end))
			break;
		worker_tick(end->w);
	}
}

static uint64_t work(struct worker *w, unsigned phase)
{
	const struct end end = end_of(w);
	uint64_t from, to;

	(void)phase;
	worker_role(w, end.side ? "answers" : "sends");
	worker_share_of(w->size, w->count / 2, w->index / 2, &from, &to);
	for (unsigned which = BYTES; which <= DESERIALIZE_NS; which++)
		worker_count(w, which, 0);
	if (end.side == 0)
		return send_all(&end, from, to);
	answer_all(&end, from, to);
	return 0;
}

const struct workload workload_ipc = {
	.name = "ipc",
	.summary =
		"messages between pairs of workers, there and back, and what encoding them costs",
	.params = params,
	.size_unit = "messages",
	.size_default = "10k",
	.size_low = 1,
	.size_high = 1000000000,
	.counts = counts,
	.plan = plan,
	.open = open_pairs,
	.close = close_pairs,
	.setup = setup,
	.work = work,
};
