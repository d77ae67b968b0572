/* Processes that ask the launcher where syscall instructions are, as the recorder does. */
#include "tests/test.h"
#include "tracer/launcher/serve.h"
#include "tracer/sites/sites.h"

#include <dirent.h>
#include <elf.h>
#include <fcntl.h>
#include <limits.h>
#include <link.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define ASKERS 8
#define BROKEN 99 /* exit status of a child in which something else failed */

static struct arena *arena;
static struct serve serve;
static char folder[64];
static const char *libc, *loader;

static int find_paths(struct dl_phdr_info *info, size_t size, void *unused)
{
	(void)size;
	(void)unused;
	if (strstr(info->dlpi_name, "/libc."))
		libc = info->dlpi_name;
	if (strstr(info->dlpi_name, "/ld-"))
		loader = info->dlpi_name;
	return 0;
}

static int start(void **state)
{
	(void)state;
	dl_iterate_phdr(find_paths, NULL);
	snprintf(folder, sizeof(folder), "/tmp/serve-test-XXXXXX");
	return libc && loader && mkdtemp(folder) ? 0 : -1;
}

static const char *below(const char *name)
{
	static char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

static int stop(void **state)
{
	DIR *list = opendir(folder);
	const struct dirent *entry;

	(void)state;
	while (list && (entry = readdir(list))) {
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			unlink(below(entry->d_name));
	}
	if (list)
		closedir(list);
	return rmdir(folder);
}

static int make(void **state)
{
	(void)state;
	arena = mmap(NULL, sizeof(*arena), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		     0);
	serve = (struct serve){ 0 };
	return arena == MAP_FAILED ? -1 : 0;
}

static int drop(void **state)
{
	(void)state;
	return munmap(arena, sizeof(*arena));
}

/* The build-id among the first bytes of an object, where linkers put it. */
static void find_key(const uint8_t *bytes, size_t size, uint8_t key[ARENA_KEY_BYTES])
{
	const struct {
		Elf64_Nhdr head;
		char name[4];
	} note = { { 4, 20, NT_GNU_BUILD_ID }, "GNU" };

	memset(key, 0, ARENA_KEY_BYTES);
	for (size_t i = 0; i + sizeof(note) + 20 <= size; i += 4) {
		if (memcmp(bytes + i, &note, sizeof(note)) == 0) {
			memcpy(key, bytes + i + sizeof(note), 20);
			return;
		}
	}
	fail_msg("no build-id");
}

static void read_key(const char *path, uint8_t key[ARENA_KEY_BYTES])
{
	static uint8_t bytes[4096];
	const int fd = open(path, O_RDONLY);

	assert_int_equal(read(fd, bytes, sizeof(bytes)), sizeof(bytes));
	close(fd);
	find_key(bytes, sizeof(bytes), key);
}

static struct arena_object *ask(const char *path, const uint8_t *key, uint32_t pid)
{
	for (size_t i = 0; i < ARENA_OBJECTS; i++) {
		struct arena_object *object = &arena->objects[i];
		uint32_t state = OBJECT_FREE;

		if (!atomic_compare_exchange_strong_explicit(&object->state, &state, OBJECT_TAKEN,
							     memory_order_relaxed,
							     memory_order_relaxed))
			continue;
		object->pid = pid;
		if (key)
			memcpy(object->key, key, sizeof(object->key));
		snprintf(object->path, sizeof(object->path), "%s", path);
		/* [object-asked] Who sees it asked, or counted, finds it filled in. */
		atomic_store_explicit(&object->state, OBJECT_ASKED, memory_order_release);
		atomic_fetch_add_explicit(&arena->objects_asked, 1, memory_order_release);
		return object;
	}
	return NULL;
}

static uint32_t answer_to(struct arena_object *object)
{
	for (;;) {
		/* [object-known] Its sites are there. */
		const uint32_t state = atomic_load_explicit(&object->state, memory_order_acquire);

		if (state != OBJECT_ASKED)
			return state;
		syscall(SYS_futex, &object->state, FUTEX_WAIT, OBJECT_ASKED, NULL, NULL, 0);
	}
}

/* Serves until the child has ended; returns its exit status. */
static int serve_child(pid_t child)
{
	int status;

	while (waitpid(child, &status, WNOHANG) == 0) {
		serve_sites(&serve, arena);
		sched_yield();
	}
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static uint32_t served(const char *path, const uint8_t *key)
{
	struct arena_object *object = ask(path, key, 0);

	serve_sites(&serve, arena);
	return answer_to(object);
}

/* Whether the answer is what an analysis in this process says. */
static bool is_right(const struct arena_object *object, const char *path)
{
	const int fd = open(path, O_RDONLY);
	struct sites sites;
	bool same;

	same = sites_of_file(&sites, fd, NULL, NULL) && sites.count == object->count &&
	       memcmp(sites.list, &arena->sites[object->first],
		      sites.count * sizeof(sites.list[0])) == 0;
	sites_finish(&sites);
	close(fd);
	return same && object->count > 0;
}

static void ask_and_exit(unsigned number, const uint8_t *libc_key, const uint8_t *loader_key)
{
	const char *path = number % 2 ? libc : loader;
	struct arena_object *object;

	/* Nobody answers when the test has failed. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	object = ask(path, number % 2 ? libc_key : loader_key, 0);
	_exit(object && answer_to(object) == OBJECT_KNOWN && is_right(object, path) ? 0 : BROKEN);
}

static void processes_that_ask_at_once_all_get_their_answers(void **state)
{
	uint8_t libc_key[ARENA_KEY_BYTES], loader_key[ARENA_KEY_BYTES];
	pid_t children[ASKERS];

	(void)state;
	read_key(libc, libc_key);
	read_key(loader, loader_key);
	for (unsigned i = 0; i < ASKERS; i++) {
		children[i] = fork();
		if (children[i] == 0)
			ask_and_exit(i, libc_key, loader_key);
		assert_true(children[i] > 0);
	}
	for (unsigned i = 0; i < ASKERS; i++)
		assert_int_equal(serve_child(children[i]), 0);
}

/* With another byte at one place. */
static void copy_file(const char *from, const char *to, size_t offset, uint8_t byte)
{
	static uint8_t bytes[4u << 20];
	const int in = open(from, O_RDONLY), out = open(to, O_WRONLY | O_CREAT, 0600);
	const ssize_t size = read(in, bytes, sizeof(bytes));

	assert_in_range(size, offset + 1, sizeof(bytes) - 1);
	bytes[offset] = byte;
	assert_int_equal(write(out, bytes, (size_t)size), size);
	close(in);
	close(out);
}

static void write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs(text, file);
	assert_int_equal(fclose(file), 0);
}

static void what_is_no_object_of_this_processor_is_unknown(void **state)
{
	uint8_t key[ARENA_KEY_BYTES];

	(void)state;
	read_key(loader, key);
	assert_int_equal(served(below("nothing"), key), OBJECT_UNKNOWN);
	assert_int_equal(served("", key), OBJECT_UNKNOWN);
	assert_int_equal(served("ld-linux-x86-64.so.2", key), OBJECT_UNKNOWN);
	assert_int_equal(served("/dev/zero", NULL), OBJECT_UNKNOWN);
	assert_int_equal(served(folder, NULL), OBJECT_UNKNOWN);
	assert_int_equal(mkfifo(below("pipe"), 0600), 0);
	assert_int_equal(served(below("pipe"), NULL), OBJECT_UNKNOWN);
	write_file(below("empty"), "");
	assert_int_equal(served(below("empty"), NULL), OBJECT_UNKNOWN);
	write_file(below("text"), "#!/bin/sh\nexit 0\n");
	assert_int_equal(served(below("text"), NULL), OBJECT_UNKNOWN);
	copy_file(loader, below("narrow"), EI_CLASS, ELFCLASS32);
	assert_int_equal(served(below("narrow"), key), OBJECT_UNKNOWN);
	copy_file(loader, below("arm"), offsetof(Elf64_Ehdr, e_machine), EM_AARCH64);
	assert_int_equal(served(below("arm"), key), OBJECT_UNKNOWN);
	assert_int_equal(serve.used, 0);
}

static void an_object_is_known_by_its_build_id_alone(void **state)
{
	uint8_t key[ARENA_KEY_BYTES], other[ARENA_KEY_BYTES];

	(void)state;
	read_key(loader, key);
	read_key(libc, other);
	assert_int_equal(served(loader, other), OBJECT_UNKNOWN);
	assert_int_equal(served(loader, NULL), OBJECT_UNKNOWN);
	assert_int_equal(served(loader, key), OBJECT_KNOWN);
}

/* Turns the notes of the loader's copy into something else. */
static void forget_build_id(const char *path)
{
	const int fd = open(path, O_RDWR);
	const uint32_t other = PT_NULL;
	Elf64_Ehdr head;
	Elf64_Phdr segment;

	assert_int_equal(pread(fd, &head, sizeof(head), 0), sizeof(head));
	for (unsigned i = 0; i < head.e_phnum; i++) {
		const off_t at = (off_t)(head.e_phoff + i * sizeof(segment));

		assert_int_equal(pread(fd, &segment, sizeof(segment), at), sizeof(segment));
		if (segment.p_type == PT_NOTE)
			assert_int_equal(pwrite(fd, &other, sizeof(other), at), sizeof(other));
	}
	close(fd);
}

static void an_object_without_a_build_id_is_known_by_a_key_of_zeros(void **state)
{
	uint8_t key[ARENA_KEY_BYTES];

	(void)state;
	read_key(loader, key);
	copy_file(loader, below("anonymous"), EI_PAD, 0);
	forget_build_id(below("anonymous"));
	assert_int_equal(served(below("anonymous"), key), OBJECT_UNKNOWN);
	assert_int_equal(served(below("anonymous"), NULL), OBJECT_KNOWN);
}

static void the_vdso_is_known_by_its_name_and_build_id(void **state)
{
	const unsigned long address = getauxval(AT_SYSINFO_EHDR);
	const struct arena_object *object = &arena->objects[1];
	uint8_t key[ARENA_KEY_BYTES];
	const uint8_t *bytes;
	struct sites sites;

	(void)state;
	if (address == 0) {
		print_message("# skipped: there is no vDSO here\n");
		return;
	}
	memcpy(&bytes, &address, sizeof(bytes));
	find_key(bytes, (size_t)sysconf(_SC_PAGESIZE), key);
	assert_int_equal(served("[vdso]", NULL), OBJECT_UNKNOWN);
	assert_int_equal(served("[vdso]", key), OBJECT_KNOWN);
	assert_true(sites_of_vdso(&sites, NULL, NULL));
	assert_int_equal(object->count, sites.count);
	assert_memory_equal(&arena->sites[object->first], sites.list,
			    sites.count * sizeof(sites.list[0]));
	sites_finish(&sites);
}

static void when_there_is_no_room_for_its_sites_an_object_is_unknown(void **state)
{
	uint8_t libc_key[ARENA_KEY_BYTES], loader_key[ARENA_KEY_BYTES];

	(void)state;
	read_key(libc, libc_key);
	read_key(loader, loader_key);
	serve.used = ARENA_SITES - 200;
	assert_int_equal(served(libc, libc_key), OBJECT_UNKNOWN);
	assert_int_equal(served(loader, loader_key), OBJECT_KNOWN);
	assert_in_range(serve.used, ARENA_SITES - 199, ARENA_SITES);
}

/* Exits with 0 when what is asked from within another root is known, with 1 when it is not. */
static void ask_from_another_root(const uint8_t *key)
{
	char pid[16];
	const ssize_t length = readlink("/proc/self", pid, sizeof(pid) - 1);
	struct arena_object *object;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (length < 0)
		_exit(BROKEN);
	pid[length] = '\0';
	if ((chroot(folder) != 0 && (unshare(CLONE_NEWUSER) != 0 || chroot(folder) != 0)) ||
	    chdir("/") != 0)
		_exit(EXIT_IMPOSSIBLE);
	object = ask("/inside", key, (uint32_t)strtoul(pid, NULL, 10));
	_exit(object && answer_to(object) == OBJECT_KNOWN ? 0 : 1);
}

static void a_path_is_looked_up_in_the_root_of_the_process_that_asks(void **state)
{
	uint8_t key[ARENA_KEY_BYTES];
	pid_t child;
	int status;

	(void)state;
	read_key(loader, key);
	copy_file(loader, below("there"), EI_PAD, 0);
	/* A link that is right in there, and leads nowhere out here. */
	assert_int_equal(symlink("/there", below("inside")), 0);
	child = fork();
	if (child == 0)
		ask_from_another_root(key);
	status = serve_child(child);
	if (status == EXIT_IMPOSSIBLE)
		print_message("# skipped: chroot is not allowed here\n");
	else
		assert_int_equal(status, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make, drop)
	const struct CMUnitTest tests[] = {
		TEST(processes_that_ask_at_once_all_get_their_answers),
		TEST(what_is_no_object_of_this_processor_is_unknown),
		TEST(an_object_is_known_by_its_build_id_alone),
		TEST(an_object_without_a_build_id_is_known_by_a_key_of_zeros),
		TEST(the_vdso_is_known_by_its_name_and_build_id),
		TEST(when_there_is_no_room_for_its_sites_an_object_is_unknown),
		TEST(a_path_is_looked_up_in_the_root_of_the_process_that_asks),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
