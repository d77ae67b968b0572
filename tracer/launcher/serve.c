/* Opens files as the process that asks sees them. Whatever is in the arena may have been written by
 * a program gone wild: it is copied before it is looked at, and what is ours is kept here. */
#include "tracer/launcher/serve.h"

#include "tracer/sites/sites.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* A pipe or a device is opened without waiting, and refused later. */
#define OPEN_FLAGS (O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)

struct question {
	uint32_t pid;
	uint8_t key[ARENA_KEY_BYTES];
	char path[sizeof(((struct arena_object *)NULL)->path) + 1];
};

/* In the root of that process; -1: it has none that we know, or not this file. */
static int open_in_root(const struct question *question)
{
	const struct open_how how = { .flags = OPEN_FLAGS, .resolve = RESOLVE_IN_ROOT };
	char root[64];
	int folder, fd;

	if (question->pid == 0)
		return -1;
	snprintf(root, sizeof(root), "/proc/%u/root", question->pid);
	folder = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (folder < 0)
		return -1;
	fd = (int)syscall(SYS_openat2, folder, question->path, &how, sizeof(how));
	close(folder);
	return fd;
}

static bool find_in(int fd, const struct question *question, struct sites *sites)
{
	bool ok;

	if (fd < 0)
		return false;
	ok = sites_of_file(sites, fd, question->key, NULL);
	close(fd);
	return ok;
}

static bool find(const struct question *question, struct sites *sites)
{
	if (strcmp(question->path, "[vdso]") == 0)
		return sites_of_vdso(sites, question->key, NULL);
	/* Another path begins where that process was when it opened the file. */
	if (question->path[0] != '/')
		return false;
	return find_in(open_in_root(question), question, sites) ||
	       find_in(open(question->path, OPEN_FLAGS), question, sites);
}

static void answer(struct serve *serve, struct arena *arena, struct arena_object *object)
{
	struct question question = { .pid = object->pid };
	struct sites sites = { 0 };
	uint32_t state = OBJECT_UNKNOWN;

	memcpy(question.key, object->key, sizeof(question.key));
	memcpy(question.path, object->path, sizeof(object->path));
	if (find(&question, &sites) && sites.count <= ARENA_SITES - serve->used) {
		object->first = serve->used;
		object->count = (uint32_t)sites.count;
		if (sites.count > 0)
			memcpy(&arena->sites[serve->used], sites.list,
			       sites.count * sizeof(sites.list[0]));
		serve->used += object->count;
		state = OBJECT_KNOWN;
	}
	sites_finish(&sites);
	/* [object-known] Who reads it finds the sites. */
	atomic_store_explicit(&object->state, state, memory_order_release);
	syscall(SYS_futex, &object->state, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

void serve_sites(struct serve *serve, struct arena *arena)
{
	/* [object-asked] What was asked before it was counted is seen below. */
	const uint32_t asked = atomic_load_explicit(&arena->objects_asked, memory_order_acquire);

	if (asked == serve->asked)
		return;
	serve->asked = asked;
	for (size_t i = 0; i < ARENA_OBJECTS; i++) {
		/* [object-asked] What is asked has been written. */
		if (atomic_load_explicit(&arena->objects[i].state, memory_order_acquire) ==
		    OBJECT_ASKED)
			answer(serve, arena, &arena->objects[i]);
	}
}
