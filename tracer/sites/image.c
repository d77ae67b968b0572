/* Reads an ELF file, or the vDSO, with a check before each step. */
#include "tracer/sites/image.h"

#include <elf.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <unistd.h>

#define NOTES_MAX 65536
#define SECTIONS_MAX 4096
#define HEADS_MAX 128
/* No program has addresses above: the kernel's half begins there. */
#define ADDRESS_MAX (UINT64_C(1) << 47)

static bool read_at(const struct image *image, uint64_t offset, void *to, uint64_t size)
{
	uint8_t *at = to;

	if (offset > image->size || size > image->size - offset)
		return false;
	if (image->memory) {
		memcpy(to, image->memory + offset, size);
		return true;
	}
	while (size > 0) {
		const ssize_t n = pread(image->fd, at, size, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		at += n;
		offset += (uint64_t)n;
		size -= (uint64_t)n;
	}
	return true;
}

/* The first that is a build-id. */
static void find_key(const uint8_t *notes, uint64_t size, uint8_t key[ARENA_KEY_BYTES])
{
	Elf64_Nhdr head;
	uint64_t at = 0;

	while (size - at >= sizeof(head)) {
		uint64_t name, description;

		memcpy(&head, notes + at, sizeof(head));
		name = at + sizeof(head);
		description = name + ((uint64_t)head.n_namesz + 3) / 4 * 4;
		if (description > size || head.n_descsz > size - description)
			return;
		if (head.n_type == NT_GNU_BUILD_ID && head.n_namesz == 4 &&
		    memcmp(notes + name, "GNU", 4) == 0) {
			memcpy(key, notes + description,
			       head.n_descsz < ARENA_KEY_BYTES ? head.n_descsz : ARENA_KEY_BYTES);
			return;
		}
		at = description + ((uint64_t)head.n_descsz + 3) / 4 * 4;
		if (at > size)
			return;
	}
}

static void add_notes(struct image *image, const Elf64_Phdr *segment)
{
	static const uint8_t none[ARENA_KEY_BYTES];
	uint8_t *notes;

	if (segment->p_filesz > NOTES_MAX || memcmp(image->key, none, sizeof(none)) != 0)
		return;
	notes = malloc(segment->p_filesz + 1);
	if (notes && read_at(image, segment->p_offset, notes, segment->p_filesz))
		find_key(notes, segment->p_filesz, image->key);
	free(notes);
}

static bool add_segment(struct image *image, const Elf64_Phdr *segment, struct err *err)
{
	if (segment->p_filesz == 0)
		return true;
	if (segment->p_offset > image->size || segment->p_filesz > image->size - segment->p_offset)
		return err_set(err, EXIT_FAILED, "it is cut off");
	if (segment->p_vaddr >= ADDRESS_MAX || segment->p_filesz > IMAGE_BYTES_MAX ||
	    image->segment_count == IMAGE_SEGMENTS)
		return err_set(err, EXIT_FAILED, "its segments make no sense");
	image->segments[image->segment_count++] = (struct image_segment){
		.at = { segment->p_vaddr, segment->p_vaddr + segment->p_filesz },
		.offset = segment->p_offset,
		.executable = segment->p_flags & PF_X,
	};
	return true;
}

static void add_sections(struct image *image, const Elf64_Ehdr *head)
{
	Elf64_Shdr section;

	if (head->e_shentsize != sizeof(section) || head->e_shnum > SECTIONS_MAX)
		return;
	for (unsigned i = 0; i < head->e_shnum; i++) {
		if (!read_at(image, head->e_shoff + i * sizeof(section), &section,
			     sizeof(section)) ||
		    image->section_count == IMAGE_SECTIONS) {
			image->section_count = 0;
			return;
		}
		if (section.sh_flags & SHF_EXECINSTR && section.sh_type == SHT_PROGBITS &&
		    section.sh_addr < ADDRESS_MAX && section.sh_size <= IMAGE_BYTES_MAX)
			image->sections[image->section_count++] =
				(struct image_range){ section.sh_addr,
						      section.sh_addr + section.sh_size };
	}
}

static bool read_heads(struct image *image, struct err *err)
{
	Elf64_Phdr segment;
	Elf64_Ehdr head;
	uint64_t sum = 0;

	if (!read_at(image, 0, &head, sizeof(head)) || memcmp(head.e_ident, ELFMAG, SELFMAG) != 0)
		return err_set(err, EXIT_FAILED, "it is no ELF file");
	if (head.e_ident[EI_CLASS] != ELFCLASS64 || head.e_machine != EM_X86_64)
		return err_set(err, EXIT_FAILED, "it is not for x86-64");
	if ((head.e_type != ET_DYN && head.e_type != ET_EXEC) ||
	    head.e_phentsize != sizeof(segment) || head.e_phnum > HEADS_MAX)
		return err_set(err, EXIT_FAILED, "it cannot be loaded");
	image->absolute = head.e_type == ET_EXEC;
	for (unsigned i = 0; i < head.e_phnum; i++) {
		if (!read_at(image, head.e_phoff + i * sizeof(segment), &segment, sizeof(segment)))
			return err_set(err, EXIT_FAILED, "it is cut off");
		if (segment.p_type == PT_LOAD && !add_segment(image, &segment, err))
			return false;
		if (segment.p_type == PT_NOTE)
			add_notes(image, &segment);
		if (segment.p_type == PT_GNU_EH_FRAME)
			image->unwind = segment.p_vaddr;
	}
	for (size_t i = 0; i < image->segment_count; i++)
		sum += image->segments[i].at.end - image->segments[i].at.begin;
	if (sum > IMAGE_BYTES_MAX)
		return err_set(err, EXIT_FAILED, "it is larger than %" PRIu64 " MB",
			       (uint64_t)IMAGE_BYTES_MAX >> 20);
	add_sections(image, &head);
	return true;
}

bool image_open(struct image *image, int fd, struct err *err)
{
	struct stat file;

	*image = (struct image){ .fd = fd };
	if (fstat(fd, &file) != 0 || !S_ISREG(file.st_mode))
		return err_set(err, EXIT_FAILED, "it is no regular file");
	image->size = (uint64_t)file.st_size;
	return read_heads(image, err);
}

bool image_open_vdso(struct image *image, struct err *err)
{
	const unsigned long address = getauxval(AT_SYSINFO_EHDR);
	const uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	const Elf64_Ehdr *head;
	uint64_t end = 0;

	*image = (struct image){ .fd = -1 };
	if (address == 0)
		return err_set(err, EXIT_FAILED, "there is no vDSO");
	/* The kernel's, and believed so far: its first page has all program headers. */
	memcpy(&image->memory, &address, sizeof(address));
	head = (const Elf64_Ehdr *)(const void *)image->memory;
	for (unsigned i = 0; i < head->e_phnum; i++) {
		const Elf64_Phdr *segment =
			(const Elf64_Phdr *)(const void *)(image->memory + head->e_phoff) + i;

		if (segment->p_type == PT_LOAD && segment->p_offset + segment->p_filesz > end)
			end = segment->p_offset + segment->p_filesz;
	}
	image->size = (end + page - 1) / page * page;
	return read_heads(image, err);
}

void image_close(struct image *image)
{
	for (size_t i = 0; i < image->segment_count; i++)
		free(image->segments[i].bytes);
	*image = (struct image){ .fd = -1 };
}

bool image_read(struct image *image, bool executable, struct err *err)
{
	for (size_t i = 0; i < image->segment_count; i++) {
		struct image_segment *segment = &image->segments[i];
		const uint64_t size = segment->at.end - segment->at.begin;

		if (segment->executable != executable || segment->bytes)
			continue;
		segment->bytes = malloc(size + IMAGE_AHEAD);
		if (!segment->bytes)
			return err_set(err, EXIT_IMPOSSIBLE, "no memory");
		memset(segment->bytes + size, 0, IMAGE_AHEAD);
		if (!read_at(image, segment->offset, segment->bytes, size))
			return err_set(err, EXIT_FAILED, "it cannot be read");
	}
	return true;
}

static const struct image_segment *segment_at(const struct image *image, uint64_t address)
{
	for (size_t i = 0; i < image->segment_count; i++) {
		const struct image_segment *segment = &image->segments[i];

		if (segment->at.begin <= address && address < segment->at.end)
			return segment;
	}
	return NULL;
}

const uint8_t *image_at(const struct image *image, uint64_t address, uint64_t *room)
{
	const struct image_segment *segment = segment_at(image, address);

	if (!segment || !segment->bytes)
		return NULL;
	*room = segment->at.end - address;
	return segment->bytes + (address - segment->at.begin);
}

bool image_is_executable(const struct image *image, uint64_t address)
{
	const struct image_segment *segment = segment_at(image, address);

	return segment && segment->executable;
}

bool image_is_code(const struct image *image, uint64_t address)
{
	for (size_t i = 0; i < image->section_count; i++) {
		if (image->sections[i].begin <= address && address < image->sections[i].end)
			return true;
	}
	return image->section_count == 0 && image_is_executable(image, address);
}
