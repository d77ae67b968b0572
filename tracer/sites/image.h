/* An object's loadable bytes, read into memory and never mapped: a file may shrink while it is
 * read. Nothing in it is believed; what is out of bounds is not there. Addresses are relative to
 * the load address. */
#ifndef TRACER_SITES_IMAGE_H
#define TRACER_SITES_IMAGE_H

#include "base/err.h"
#include "tracer/arena.h"

#include <stdbool.h>
#include <stdint.h>

#define IMAGE_SEGMENTS 32
#define IMAGE_SECTIONS 64
#define IMAGE_BYTES_MAX (UINT64_C(1) << 30)
/* As many zeros follow a segment's bytes, for who looks ahead without a check. */
#define IMAGE_AHEAD 8

struct image_range {
	uint64_t begin, end;
};

struct image_segment {
	struct image_range at;
	uint64_t offset; /* in the file */
	bool executable;
	uint8_t *bytes; /* null: not read yet */
};

struct image {
	int fd;
	const uint8_t *memory; /* instead of a file */
	uint64_t size;         /* of either */
	struct image_segment segments[IMAGE_SEGMENTS];
	size_t segment_count;
	/* Executable sections, by which data that lies among code is told from it; none: the file
	 * has no sections. */
	struct image_range sections[IMAGE_SECTIONS];
	size_t section_count;
	bool absolute;   /* cannot be moved: code has addresses in its instructions */
	uint64_t unwind; /* address of .eh_frame_hdr, 0: there is none */
	uint8_t key[ARENA_KEY_BYTES];
};

/* A regular file; it stays the caller's, and must be open as long as the image. Fails when it is
 * not of 64 bits, for x86-64, loadable and of one piece. */
bool image_open(struct image *image, int fd, struct err *err);
/* The vDSO of this process. */
bool image_open_vdso(struct image *image, struct err *err);
/* Accepts one that is not open. */
void image_close(struct image *image);

/* Reads the bytes of segments: those that are executable, or the others. */
bool image_read(struct image *image, bool executable, struct err *err);
/* Null where nothing was read; 'room' is what follows in one piece, at least 1. */
const uint8_t *image_at(const struct image *image, uint64_t address, uint64_t *room);
bool image_is_executable(const struct image *image, uint64_t address);
/* Whether it may be an instruction, as far as the sections tell. */
bool image_is_code(const struct image *image, uint64_t address);

#endif
