/* Chunks of computing outside the lock, as an extension in C does them: blocks of bytes compressed
 * by zlib, with the lock let go of around each. The smaller the block, the more of the time goes
 * into letting go and taking again. */
#include "workloads/workload.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum { CALLS, BYTES_OUT };

#define LEVEL 1

static const char *const counts[] = { "calls", "bytes_out", NULL };

static const struct param params[] = {
	{ .name = "grain",
	  .kind = PARAM_NUMBER,
	  .fallback = "64k",
	  .low = 1,
	  .high = 1000000000,
	  .value = "BYTES",
	  .help = "what one call compresses",
	  .other_work = true },
	{ .name = "between",
	  .kind = PARAM_NUMBER,
	  .fallback = "0",
	  .low = 0,
	  .high = 1000000000,
	  .value = "N",
	  .help = "ticks of interpreted work between two calls" },
	{ 0 },
};

/* Written by setup: the block that every call compresses, what must come of it, and room to turn
 * that back into a block. */
struct shared {
	uint64_t crc;
	uint64_t expected_bytes;
	unsigned char block[];
};

static unsigned char *expected_of(const struct worker *w)
{
	return ((struct shared *)w->region)->block + param_number(w->params, "grain");
}

/* What is left over is left out. */
static uint64_t calls_of(const struct worker *w)
{
	const uint64_t calls = w->size / param_number(w->params, "grain");

	return calls > 0 ? calls : 1;
}

static bool plan(const struct worker *w, struct workload_plan *plan, struct err *err)
{
	const uint64_t grain = param_number(w->params, "grain");

	(void)err;
	plan->region_bytes = sizeof(struct shared) + 2 * grain + compressBound(grain);
	return true;
}

/* What is compressed must come out again: of one result; all are compared with it. */
static void prove(struct worker *w, uint64_t grain)
{
	struct shared *shared = w->region;
	unsigned char *again = expected_of(w) + compressBound(grain);
	uLong bytes = grain;

	if (uncompress(again, &bytes, expected_of(w), shared->expected_bytes) != Z_OK ||
	    bytes != grain || memcmp(again, shared->block, grain) != 0)
		worker_fail(w, "what was compressed does not come out again");
	shared->crc = crc32_z(crc32_z(0, NULL, 0), again, bytes);
}

static void setup(struct worker *w)
{
	const uint64_t grain = param_number(w->params, "grain");
	struct shared *shared = w->region;
	uLong bytes = compressBound(grain);

	for (uint64_t j = 0; j < grain; j++)
		shared->block[j] = (unsigned char)('a' + (worker_mix(j) & 15));
	if (compress2(expected_of(w), &bytes, shared->block, grain, LEVEL) != Z_OK)
		worker_fail(w, "zlib cannot compress");
	shared->expected_bytes = bytes;
	prove(w, grain);
}

static bool crunch(struct worker *w, unsigned char *out, uint64_t room, uint64_t grain)
{
	const struct shared *shared = w->region;
	uLong bytes = room;
	bool good;

	worker_block(w);
	good = compress2(out, &bytes, shared->block, grain, LEVEL) == Z_OK &&
	       bytes == shared->expected_bytes && memcmp(out, expected_of(w), bytes) == 0;
	worker_unblock(w);
	if (!good)
		worker_fail(w, "a block was compressed to something else");
	return good;
}

static uint64_t work(struct worker *w, unsigned phase)
{
	const uint64_t grain = param_number(w->params, "grain");
	const uint64_t between = param_number(w->params, "between");
	const struct shared *shared = w->region;
	const uint64_t room = compressBound(grain);
	unsigned char *out = malloc(room);
	uint64_t from, to, sum = 0;

	(void)phase;
	worker_share_of(calls_of(w), w->count, w->index, &from, &to);
	worker_did(w, (to - from) * grain);
	worker_count(w, CALLS, to - from);
	worker_count(w, BYTES_OUT, (to - from) * shared->expected_bytes);
	for (uint64_t call = from; call < to; call++) {
		if (!out || !crunch(w, out, room, grain))
			break;
		sum += worker_mix(call ^ shared->crc);
		for (uint64_t i = 0; i < between; i++)
			worker_tick(w);
		worker_tick(w);
	}
	if (!out)
		worker_fail(w, "no memory for %llu bytes", (unsigned long long)room);
	free(out);
	return sum;
}

const struct workload workload_crunch = {
	.name = "crunch",
	.summary = "compresses blocks with the lock let go of, as extensions in C compute",
	.params = params,
	.size_unit = "bytes",
	.size_default = "16M",
	.size_low = 1,
	.size_high = 1000000000000,
	.counts = counts,
	.plan = plan,
	.setup = setup,
	.work = work,
};
