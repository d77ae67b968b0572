/* What syscall instructions become: those of tests/sites_made.S, which are in this program, and of
 * damaged objects, of which nothing is demanded but an answer that holds together. Built a second
 * time as a program that cannot be moved. */
#include "tests/test.h"
#include "tracer/sites/sites.h"

#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <unistd.h>

/* X(name, shape, length, at, number, reason): at is the offset of the label. */
#define MADE(X) \
	X(number, SITE_NUMBER, 7, 5, 39, NONE) \
	X(behind, SITE_MOVED, 8, 0, 0, NONE) \
	X(before, SITE_MOVED, 5, 3, 0, NONE) \
	X(wide, SITE_MOVED, 9, 7, 0, NONE) \
	X(again, SITE_MOVED, 6, 0, 0, NONE) \
	X(first, SITE_MOVED, 5, 3, 0, NONE) \
	X(second, SITE_NUMBER, 7, 5, 40, NONE) \
	X(fallen, SITE_NUMBER, 7, 5, 56, NONE) \
	X(switched, SITE_MOVED, 5, 3, 0, NONE) \
	X(flags_later, SITE_NUMBER, 7, 5, 39, NONE) \
	X(unwatched, SITE_NUMBER, 7, 5, 202, NONE) \
	X(number_undecoded, SITE_NUMBER, 7, 5, 39, NONE) \
	X(restorer, SITE_RETURNS, 9, 7, 15, NONE) \
	X(undecoded, SITE_LEFT, 2, 0, 0, UNDECODED) \
	X(jumped_to, SITE_LEFT, 2, 0, 0, JUMPED_TO) \
	X(near_target, SITE_LEFT, 2, 0, 0, JUMPED_TO) \
	X(far_target, SITE_LEFT, 2, 0, 0, JUMPED_TO) \
	X(table, SITE_LEFT, 2, 0, 0, JUMPED_TO) \
	X(pointers, SITE_LEFT, 2, 0, 0, JUMPED_TO) \
	X(address, SITE_LEFT, 2, 0, 0, JUMPED_TO) \
	X(landing, SITE_LEFT, 2, 0, 0, JUMPED_TO) \
	X(computed, SITE_LEFT, 2, 0, 0, COMPUTED) \
	X(flags, SITE_LEFT, 2, 0, 0, FLAGS) \
	X(relative, SITE_LEFT, 2, 0, 0, UNMOVABLE) \
	X(stack, SITE_LEFT, 2, 0, 0, UNMOVABLE) \
	X(prefixed, SITE_LEFT, 2, 0, 0, PREFIXED) \
	X(unknown, SITE_LEFT, 2, 0, 0, NO_FUNCTION) \
	X(cancelled, SITE_LEFT, 2, 0, 0, WATCHED) \
	X(interrupted, SITE_LEFT, 2, 0, 0, WATCHED) \
	MADE_FIXED(X)
#ifdef __PIC__
#define MADE_FIXED(X)
#else
#define MADE_FIXED(X) \
	X(absolute, SITE_LEFT, 2, 0, 0, JUMPED_TO) \
	X(fixed_switch, SITE_LEFT, 2, 0, 0, JUMPED_TO)
#endif

#define X(name, shape, length, at, number, reason) extern const uint8_t made_##name[];
MADE(X)
#undef X
extern const uint8_t made_immediate[], made_displacement[];

/* A pointer to a label would be one more way to get there. */
#define ASIDE 0x40000000

static const struct made {
	const char *name;
	const uint8_t *aside;
	uint32_t number;
	uint8_t shape, length, at, reason;
} made[] = {
#define X(name, shape, length, at, number, reason) \
	{ #name, made_##name + ASIDE, number, shape, length, at, SITES_##reason },
	MADE(X)
#undef X
};

static struct sites sites;
static uint64_t base;

static int find_base(struct dl_phdr_info *info, size_t size, void *unused)
{
	(void)size;
	(void)unused;
	base = info->dlpi_addr;
	return 1;
}

static int open_self(void **state)
{
	const int fd = open("/proc/self/exe", O_RDONLY);
	struct err err;

	(void)state;
	dl_iterate_phdr(find_base, NULL);
	assert_true(fd >= 0);
	if (!sites_of_file(&sites, fd, NULL, &err))
		fail_msg("%s", err.text);
	return close(fd);
}

static int close_self(void **state)
{
	(void)state;
	sites_finish(&sites);
	return 0;
}

/* The site whose syscall instruction is at this place of this process; null: there is none. */
static const struct arena_site *site_at(const uint8_t *place)
{
	for (size_t i = 0; i < sites.count; i++) {
		if (base + sites.list[i].address + sites.list[i].at == (uintptr_t)place)
			return &sites.list[i];
	}
	return NULL;
}

static void each_function_becomes_what_it_allows(void **state)
{
	unsigned wrong = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(made) / sizeof(made[0]); i++) {
		const struct made *want = &made[i];
		const uint8_t *label = want->aside - ASIDE;
		const struct arena_site *site = site_at(label);

		if (site && site->shape == want->shape && site->length == want->length &&
		    site->at == want->at && site->reason == want->reason &&
		    site->number == want->number &&
		    memcmp(site->bytes, label - want->at, want->length) == 0)
			continue;
		wrong++;
		print_error("%s: shape %d length %d at %d number %d, %s\n", want->name,
			    site ? site->shape : -1, site ? site->length : 0, site ? site->at : 0,
			    site ? (int)site->number : 0, site ? sites_reason(site->reason) : "-");
	}
	assert_int_equal(wrong, 0);
}

static void bytes_within_other_instructions_are_no_sites(void **state)
{
	(void)state;
	assert_int_equal(made_immediate[0], 0x0f);
	assert_int_equal(made_immediate[1], 0x05);
	assert_null(site_at(made_immediate));
	assert_int_equal(made_displacement[0], 0x0f);
	assert_int_equal(made_displacement[1], 0x05);
	assert_null(site_at(made_displacement));
}

/* What must be true of any answer. */
static void check_answer(const struct sites *answer)
{
	uint64_t end = 0;

	for (size_t i = 0; i < answer->count; i++) {
		const struct arena_site *site = &answer->list[i];

		assert_in_range(site->length, 2, sizeof(site->bytes));
		assert_in_range(site->at, 0, site->length - 2u);
		assert_int_equal(site->bytes[site->at], 0x0f);
		assert_int_equal(site->bytes[site->at + 1], 0x05);
		assert_in_range(site->shape, SITE_LEFT, SITE_RETURNS);
		assert_in_range(site->reason, 0, SITES_REASON_COUNT - 1);
		assert_int_equal(site->reason != SITES_NONE, site->shape == SITE_LEFT);
		assert_true(site->address >= end || site->shape == SITE_LEFT);
		end = site->address + site->length;
	}
}

static uint64_t seed;

/* xorshift64* (Vigna, 2016). */
static uint64_t random_below(uint64_t limit)
{
	seed ^= seed >> 12;
	seed ^= seed << 25;
	seed ^= seed >> 27;
	return (seed * UINT64_C(0x2545f4914f6cdd1d) >> 11) % limit;
}

struct copy {
	uint8_t *good, *bad;
	size_t size;
	int fd;
};

static void start_copy(struct copy *copy, const void *bytes, size_t size)
{
	*copy = (struct copy){ .good = malloc(size),
			       .bad = malloc(size),
			       .size = size,
			       .fd = memfd_create("copy", MFD_CLOEXEC) };
	assert_true(copy->good && copy->bad && copy->fd >= 0);
	memcpy(copy->good, bytes, size);
}

static void drop_copy(struct copy *copy)
{
	free(copy->good);
	free(copy->bad);
	close(copy->fd);
}

static bool analyse(const struct copy *copy, size_t size)
{
	struct sites answer;
	bool ok;

	assert_int_equal(ftruncate(copy->fd, 0), 0);
	assert_int_equal(pwrite(copy->fd, copy->bad, size, 0), size);
	ok = sites_of_file(&answer, copy->fd, NULL, NULL);
	if (ok)
		check_answer(&answer);
	sites_finish(&answer);
	return ok;
}

/* One of the places that say where everything else is, or anywhere. */
static size_t random_place(const struct copy *copy)
{
	static const size_t heads[] = { 64, 1024, 8192 };
	const size_t limit = heads[random_below(3)];

	return random_below(copy->size < limit || random_below(3) == 0 ? copy->size : limit);
}

/* Random bytes, words of them all set, and cuts. */
static void damage(struct copy *copy, unsigned times)
{
	unsigned refused = 0;

	for (unsigned i = 0; i < times; i++) {
		size_t size = copy->size;

		memcpy(copy->bad, copy->good, copy->size);
		for (uint64_t flips = random_below(8); flips > 0; flips--)
			copy->bad[random_place(copy)] = (uint8_t)random_below(256);
		if (random_below(4) == 0)
			memset(copy->bad + random_below(copy->size - 8), 0xff, 8);
		if (random_below(4) == 0)
			size = random_place(copy);
		refused += !analyse(copy, size);
	}
	print_message("# %u of %u copies of %zu bytes refused\n", refused, times, copy->size);
}

static void start_copy_of_vdso(struct copy *copy)
{
	const unsigned long address = getauxval(AT_SYSINFO_EHDR);
	const Elf64_Phdr *segment;
	const Elf64_Ehdr *head;

	memcpy((void *)&head, &address, sizeof(address));
	segment = (const Elf64_Phdr *)(const void *)((const char *)head + head->e_phoff);
	while (segment->p_type != PT_LOAD)
		segment++;
	start_copy(copy, head, segment->p_filesz);
}

static void a_damaged_vdso_is_refused_or_answered(void **state)
{
	struct copy copy;

	(void)state;
	seed = 1;
	if (getauxval(AT_SYSINFO_EHDR) == 0) {
		print_message("# skipped: there is no vDSO here\n");
		return;
	}
	start_copy_of_vdso(&copy);
	damage(&copy, 4000);
	drop_copy(&copy);
}

static void start_copy_of_file(struct copy *copy, const char *path)
{
	const int fd = open(path, O_RDONLY);
	const off_t size = lseek(fd, 0, SEEK_END);
	void *bytes = mmap(NULL, (size_t)size, PROT_READ, MAP_PRIVATE, fd, 0);

	assert_true(fd >= 0 && bytes != MAP_FAILED);
	start_copy(copy, bytes, (size_t)size);
	munmap(bytes, (size_t)size);
	close(fd);
}

/* The first loaded object whose path has this in it. */
struct search {
	const char *part, *path;
};

static int look_at(struct dl_phdr_info *info, size_t size, void *data)
{
	struct search *search = data;

	(void)size;
	if (strstr(info->dlpi_name, search->part))
		search->path = info->dlpi_name;
	return search->path != NULL;
}

static void damage_object(const char *part, unsigned times)
{
	struct search search = { .part = part };
	struct copy copy;

	if (!dl_iterate_phdr(look_at, &search)) {
		fail_msg("no '%s' is loaded", part);
		return;
	}
	start_copy_of_file(&copy, search.path);
	damage(&copy, times);
	drop_copy(&copy);
}

static void a_damaged_loader_and_libc_are_refused_or_answered(void **state)
{
	(void)state;
	seed = 2;
	damage_object("/ld-", 200);
	damage_object("/libc.", 20);
}

static void another_build_id_is_another_file(void **state)
{
	uint8_t key[ARENA_KEY_BYTES] = { 1 };
	const int fd = open("/proc/self/exe", O_RDONLY);
	struct sites answer;
	struct err err;

	(void)state;
	assert_false(sites_of_file(&answer, fd, key, &err));
	assert_string_equal(err.text, "it is another file: its build-id differs");
	sites_finish(&answer);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_function_becomes_what_it_allows),
		cmocka_unit_test(bytes_within_other_instructions_are_no_sites),
		cmocka_unit_test(a_damaged_vdso_is_refused_or_answered),
		cmocka_unit_test(a_damaged_loader_and_libc_are_refused_or_answered),
		cmocka_unit_test(another_build_id_is_another_file),
	};

	return cmocka_run_group_tests(tests, open_self, close_self);
}
