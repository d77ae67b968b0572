/* .eh_frame_hdr, a table sorted by address, .eh_frame, which it points into, and the tables of
 * landing pads. The Linux Standard Base describes the first two; the third is as GCC writes it. */
#include "tracer/sites/frames.h"

#include <string.h>

/* How a number is stored: the low four bits are the format, the next three what it counts from. */
enum encoding {
	AS_ADDRESS = 0x00,
	AS_ULEB = 0x01,
	AS_U4 = 0x03,
	AS_U8 = 0x04,
	AS_S4 = 0x0b,
	AS_S8 = 0x0c,
	FROM_HERE = 0x10,
	TABLE_OF_PAIRS = 0x3b, /* of 4 bytes each, counting from the table's header */
	OMITTED = 0xff,
};

struct cursor {
	const uint8_t *at;
	uint64_t room, address;
	bool bad; /* went beyond the end, or met what it does not know */
};

static struct cursor cursor_at(const struct image *image, uint64_t address)
{
	struct cursor cursor = { .address = address };

	cursor.at = image_at(image, address, &cursor.room);
	cursor.bad = !cursor.at;
	return cursor;
}

static void take(struct cursor *cursor, void *to, uint64_t size)
{
	memset(to, 0, size);
	if (cursor->bad || size > cursor->room) {
		cursor->bad = true;
		return;
	}
	memcpy(to, cursor->at, size);
	cursor->at += size;
	cursor->room -= size;
	cursor->address += size;
}

static uint8_t take_byte(struct cursor *cursor)
{
	uint8_t byte;

	take(cursor, &byte, 1);
	return byte;
}

static uint32_t take_word(struct cursor *cursor)
{
	uint32_t word;

	take(cursor, &word, sizeof(word));
	return word;
}

static uint64_t take_uleb(struct cursor *cursor)
{
	uint64_t value = 0;

	for (unsigned shift = 0; shift < 64; shift += 7) {
		const uint8_t byte = take_byte(cursor);

		value |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80))
			return value;
	}
	cursor->bad = true;
	return 0;
}

/* A pointer of 0 is none, whatever it counts from. */
static uint64_t take_encoded(struct cursor *cursor, unsigned encoding)
{
	const uint64_t here = cursor->address;
	uint64_t value = 0;

	switch (encoding & 0x0f) {
	case AS_ULEB:
		value = take_uleb(cursor);
		break;
	case AS_U4:
		value = take_word(cursor);
		break;
	case AS_S4:
		value = (uint64_t)(int64_t)(int32_t)take_word(cursor);
		break;
	case AS_ADDRESS:
	case AS_U8:
	case AS_S8:
		take(cursor, &value, sizeof(value));
		break;
	default:
		cursor->bad = true;
	}
	if ((encoding & 0xf0) == FROM_HERE && value != 0)
		value += here;
	else if (encoding & 0xf0 && value != 0)
		cursor->bad = true;
	return value;
}

bool frames_open(struct frames *frames, const struct image *image)
{
	struct cursor cursor = cursor_at(image, image->unwind);
	uint8_t version, table_encoding, count_encoding, frame_encoding;

	*frames = (struct frames){ .image = image, .header = image->unwind };
	if (image->unwind == 0)
		return false;
	version = take_byte(&cursor);
	frame_encoding = take_byte(&cursor);
	count_encoding = take_byte(&cursor);
	table_encoding = take_byte(&cursor);
	take_encoded(&cursor, frame_encoding);
	frames->count = take_encoded(&cursor, count_encoding);
	frames->table = cursor.at;
	return !cursor.bad && version == 1 && table_encoding == TABLE_OF_PAIRS &&
	       frames->count <= cursor.room / 8;
}

static uint64_t entry(const struct frames *frames, size_t index, size_t half)
{
	int32_t offset;

	memcpy(&offset, frames->table + 8 * index + 4 * half, sizeof(offset));
	return frames->header + (uint64_t)(int64_t)offset;
}

uint64_t frames_begin(const struct frames *frames, size_t index)
{
	return index < frames->count ? entry(frames, index, 0) : UINT64_MAX;
}

size_t frames_until(const struct frames *frames, uint64_t address)
{
	size_t low = 0, high = frames->count;

	while (low < high) {
		const size_t middle = low + (high - low) / 2;

		if (entry(frames, middle, 0) <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct common {
	uint8_t code, pads; /* how addresses of code are stored, and that of landing pads */
	bool augmented;
};

static bool read_common(const struct frames *frames, uint64_t address, struct common *common)
{
	struct cursor cursor = cursor_at(frames->image, address);
	char augmentation[8];
	uint8_t version;
	size_t length = 0;

	*common = (struct common){ .code = AS_ADDRESS, .pads = OMITTED };
	take_word(&cursor);
	if (take_word(&cursor) != 0)
		return false;
	version = take_byte(&cursor);
	do
		augmentation[length] = (char)take_byte(&cursor);
	while (augmentation[length] != '\0' && ++length < sizeof(augmentation));
	if (cursor.bad || length == sizeof(augmentation) || (version != 1 && version != 3))
		return false;
	take_uleb(&cursor);
	take_uleb(&cursor);
	if (version == 1)
		take_byte(&cursor);
	else
		take_uleb(&cursor);
	for (const char *letter = augmentation; *letter; letter++) {
		if (*letter == 'z' && letter == augmentation) {
			common->augmented = true;
			take_uleb(&cursor);
		} else if (*letter == 'R') {
			common->code = take_byte(&cursor);
		} else if (*letter == 'L') {
			common->pads = take_byte(&cursor);
		} else if (*letter == 'P') {
			/* Where the personality is does not matter, so what it counts from does
			 * not: it may be an address's address. */
			take_encoded(&cursor, take_byte(&cursor) & 0x0f);
		} else if (*letter != 'S') {
			return false;
		}
	}
	return !cursor.bad;
}

bool frames_function(const struct frames *frames, size_t index, struct function *function)
{
	struct cursor cursor = cursor_at(frames->image, entry(frames, index, 1));
	const uint32_t length = take_word(&cursor);
	const uint64_t here = cursor.address;
	const uint32_t back = take_word(&cursor);
	struct common common;
	uint64_t size;

	if (cursor.bad || length == UINT32_MAX || back == 0 || back > here ||
	    !read_common(frames, here - back, &common))
		return false;
	*function = (struct function){ .begin = take_encoded(&cursor, common.code) };
	size = take_encoded(&cursor, common.code & 0x0f);
	function->end = function->begin + size;
	if (common.augmented)
		take_uleb(&cursor);
	if (common.pads != OMITTED)
		function->pads = take_encoded(&cursor, common.pads);
	return !cursor.bad && size > 0 && size <= IMAGE_BYTES_MAX &&
	       function->begin == frames_begin(frames, index);
}

bool frames_landing_pads(const struct frames *frames, const struct function *function,
			 void (*tell)(void *whom, uint64_t address), void *whom)
{
	struct cursor cursor = cursor_at(frames->image, function->pads);
	uint64_t length, end;
	uint8_t encoding;

	if (function->pads == 0)
		return true;
	/* What pads count from: not told, then it is the function. */
	if (take_byte(&cursor) != OMITTED)
		return false;
	if (take_byte(&cursor) != OMITTED)
		take_uleb(&cursor);
	encoding = take_byte(&cursor);
	length = take_uleb(&cursor);
	if (cursor.bad || length > cursor.room)
		return false;
	end = cursor.address + length;
	while (!cursor.bad && cursor.address < end) {
		uint64_t pad;

		take_encoded(&cursor, encoding);
		take_encoded(&cursor, encoding);
		pad = take_encoded(&cursor, encoding);
		take_uleb(&cursor);
		if (pad != 0)
			tell(whom, function->begin + pad);
	}
	return !cursor.bad;
}
