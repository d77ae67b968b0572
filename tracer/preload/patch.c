/* The launcher says how (arena.h); what is compared, written and put back is here. Code is writable
 * only while it is written, and executable all the time, for other threads may run in it. */
#include "tracer/preload/patch.h"

#include "tracer/preload/attach.h"
#include "tracer/preload/system.h"

#include <dlfcn.h>
#include <elf.h>
#include <fcntl.h>
#include <limits.h>
#include <link.h>
#include <linux/futex.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define OBJECTS_MAX 1024
#define JUMP_BYTES 5
#define FAR_BYTES 14 /* of a jump to anywhere */
#define PAGE UINT64_C(4096)
/* The launcher has so long to look at an object; a program does not start before that. */
#define PATIENCE_NS UINT64_C(10000000000)
/* And another process to say which object it asks for. */
#define NAMING_NS UINT64_C(200000000)

/* An object that is loaded. */
struct object {
	uint64_t base, code, code_bytes;      /* its executable segment */
	int writable;                         /* PROT_WRITE, if that is */
	const struct arena_object *described; /* null: the launcher does not know it */
	bool loaded;                          /* seen in this walk */
	bool patched, complete;               /* but for returns of signal handlers */
	uint64_t far_page;                    /* near it, of jumps to stubs that are far; 0: none */
	uint32_t far_used;
};

static struct arena *arena;
static struct object objects[OBJECTS_MAX];
static size_t object_count;
static uint64_t own_base;
static bool undone;

struct stub *patch_stub(uint64_t site)
{
	const uint64_t hash = site * UINT64_C(0x9e3779b97f4a7c15) >> 32;

	for (uint64_t i = 0; i < STUBS; i++) {
		struct stub *stub = &stub_table[(hash + i) % STUBS];
		uint64_t now = atomic_load_explicit(&stub->site, memory_order_relaxed);

		if (now == 0 && atomic_compare_exchange_strong_explicit(&stub->site, &now, site,
									memory_order_relaxed,
									memory_order_relaxed))
			now = site;
		if (now != site)
			continue;
		/* Whoever comes at the same time writes the same. */
		if (!stub->patched) {
			stub->number = STUB_ANY;
			stub->back = site + 2;
		}
		return stub;
	}
	return NULL;
}

/* Without a call: it may be the code of memcpy that is written. */
static void write_code(uint64_t at, const void *bytes, size_t size)
{
	__asm__ __volatile__("rep movsb" : "+D"(at), "+S"(bytes), "+c"(size) : : "memory");
}

static bool is_near(uint64_t from, uint64_t to)
{
	const int64_t distance = (int64_t)(to - (from + JUMP_BYTES));

	return distance == (int32_t)distance;
}

static void write_jump(uint64_t at, uint64_t to)
{
	const int32_t distance = (int32_t)(to - (at + JUMP_BYTES));
	unsigned char jump[JUMP_BYTES] = { 0xe9 };

	memcpy(jump + 1, &distance, sizeof(distance));
	write_code(at, jump, sizeof(jump));
}

static bool protect(uint64_t at, uint64_t size, int more)
{
	const uint64_t from = at & ~(PAGE - 1), to = (at + size + PAGE - 1) & ~(PAGE - 1);

	return SYSTEM(SYS_mprotect, from, to - from, PROT_READ | PROT_EXEC | more) == 0;
}

/* Below the object, where no heap grows. */
static bool make_far_page(struct object *object)
{
	for (uint64_t i = 1; i < 4096; i *= 2) {
		const uint64_t at = (object->base ? object->base : object->code) - i * 16 * PAGE;
		const long got = SYSTEM(SYS_mmap, at & ~(PAGE - 1), PAGE, PROT_READ | PROT_EXEC,
					MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

		if (got > 0 && (uint64_t)got == (at & ~(PAGE - 1))) {
			object->far_page = (uint64_t)got;
			object->far_used = 0;
			return true;
		}
		if (got > 0)
			SYSTEM(SYS_munmap, got, PAGE);
	}
	return false;
}

static void write_far_jump(uint64_t at, uint64_t to)
{
	/* jmp *0(%rip), and what it reads there. */
	unsigned char jump[FAR_BYTES] = { 0xff, 0x25 };

	memcpy(jump + 6, &to, sizeof(to));
	write_code(at, jump, sizeof(jump));
}

/* A place near 'site' from where 'to' is reached; 0: none. */
static uint64_t reach(struct object *object, uint64_t site, uint64_t to)
{
	uint64_t at;

	if (is_near(site, to))
		return to;
	if ((object->far_page == 0 || object->far_used + FAR_BYTES > PAGE) &&
	    !make_far_page(object))
		return 0;
	at = object->far_page + object->far_used;
	if (!is_near(site, at) || !protect(at, FAR_BYTES, PROT_WRITE))
		return 0;
	write_far_jump(at, to);
	protect(at, FAR_BYTES, 0);
	object->far_used += FAR_BYTES;
	return at;
}

/* Instructions of the site, then a jump. */
static uint64_t move(unsigned char *room, const uint8_t *bytes, size_t size, uint64_t to)
{
	const uint64_t at = (uint64_t)(uintptr_t)room;

	write_code(at, bytes, size);
	write_far_jump(at + size, to);
	return at;
}
_Static_assert(sizeof(((struct arena_site *)0)->bytes) + FAR_BYTES <= STUB_MOVED_ROOM,
	       "what is moved has room");

/* Fills in the stub of a site; returns where the site is to jump. */
static uint64_t prepare(const struct object *object, const struct arena_site *site,
			struct stub *stub)
{
	const uint64_t at = object->base + site->address;
	const size_t behind = site->at + 2u, rest = site->length - behind;
	unsigned char(*const room)[STUB_MOVED_BYTES] = stub_moved[stub - stub_table];
	uint64_t to = stub_cold_at(stub, stub_ways.any);

	stub->object = object->base;
	stub->patched = 1;
	stub->back = at + site->length;
	if (site->shape == SITE_NUMBER) {
		memcpy(&stub->number, site->bytes + 1, sizeof(stub->number));
		return stub->number < STUB_NUMBERS && stub_specials[stub->number] ?
			       stub_cold_at(stub, stub_ways.look) :
			       stub_hot_at(stub, 0);
	}
	if (rest > 0)
		stub->back = move(room[1], site->bytes + behind, rest, at + site->length);
	if (site->at > 0)
		to = move(room[0], site->bytes, site->at, to);
	return to;
}

static void give_back(struct stub *stub)
{
	stub->number = STUB_ANY;
	stub->patched = 0;
	atomic_store_explicit(&stub->site, 0, memory_order_relaxed);
}

/* What others wrote is looked at once, here: other processes write to the arena too. */
static bool is_right(const struct object *object, const struct arena_site *site)
{
	const uint64_t at = site->address - (object->code - object->base);
	const bool loads = site->at == JUMP_BYTES && site->bytes[0] == 0xb8;

	return (site->shape == SITE_MOVED || (site->shape == SITE_NUMBER && loads)) &&
	       site->length >= JUMP_BYTES && site->length <= sizeof(site->bytes) &&
	       site->at + 2 <= site->length && site->bytes[site->at] == 0x0f &&
	       site->bytes[site->at + 1] == 0x05 && at < object->code_bytes &&
	       site->length <= object->code_bytes - at;
}

static bool patch_site(struct object *object, const struct arena_site *shared)
{
	const struct arena_site site = *shared;
	const uint64_t at = object->base + site.address;
	struct stub *stub;
	uint64_t to;

	if (!is_right(object, &site) ||
	    memcmp((const void *)(uintptr_t)at, site.bytes, site.length) != 0)
		return false;
	stub = patch_stub(at + site.at);
	if (!stub)
		return false;
	to = reach(object, at, prepare(object, &site, stub));
	if (!to) {
		give_back(stub);
		return false;
	}
	write_jump(at, to);
	return true;
}

/* The sites of an object, and how many; null: none. */
static const struct arena_site *sites_of(const struct object *object, uint32_t *count)
{
	const uint32_t first = object->described->first;

	*count = object->described->count;
	return first<ARENA_SITES && * count> 0 && *count <= ARENA_SITES - first ?
		       &arena->sites[first] :
		       NULL;
}

static void tell_sites(const struct object *object, uint64_t found, uint64_t patched)
{
	const uint64_t told[] = { found, patched };

	ring_put_args(TRACE_SITES, ring_operand(0, object->base), told, 2);
}

static bool patch_object(struct object *object)
{
	uint32_t count;
	const struct arena_site *sites = sites_of(object, &count);
	uint64_t patched = 0;

	if (!sites)
		return true;
	object->patched = protect(object->code, object->code_bytes, PROT_WRITE);
	object->complete = object->patched;
	for (uint32_t i = 0; i < count && object->patched; i++) {
		const bool done = patch_site(object, &sites[i]);

		patched += done;
		object->complete &= done || sites[i].shape == SITE_RETURNS;
	}
	if (object->patched)
		protect(object->code, object->code_bytes, object->writable);
	tell_sites(object, count, patched);
	return object->patched;
}

/* Of a stub whose object is gone the site is anybody's. */
static void forget(struct object *object)
{
	for (size_t i = 0; i < STUBS && object->patched; i++) {
		if (stub_table[i].patched && stub_table[i].object == object->base)
			give_back(&stub_table[i]);
	}
	if (object->far_page)
		SYSTEM(SYS_munmap, object->far_page, PAGE);
	*object = objects[--object_count];
}

/* Waits as long as the object is in this state, within reason. */
static uint32_t wait_while(struct arena_object *object, uint32_t state, uint64_t patience_ns)
{
	const struct timespec nap = { .tv_nsec = 20000000 };
	const uint64_t until = clock_now_ns() + patience_ns;
	uint32_t now = state;

	while (now == state && clock_now_ns() < until && !attach_stopped()) {
		SYSTEM(SYS_futex, &object->state, FUTEX_WAIT, state, &nap);
		/* [object-asked] [object-known] */
		now = atomic_load_explicit(&object->state, memory_order_acquire);
	}
	return now;
}

/* False: it took so long that others have given the entry up. */
static bool ask(struct arena_object *object, const uint8_t *key, const char *path)
{
	uint32_t state = OBJECT_TAKEN;

	object->pid = attach_proc_pid();
	memcpy(object->key, key, ARENA_KEY_BYTES);
	memcpy(object->path, path, strlen(path) + 1);
	/* [object-asked] */
	if (!atomic_compare_exchange_strong_explicit(&object->state, &state, OBJECT_ASKED,
						     memory_order_release, memory_order_relaxed))
		return false;
	/* [object-asked] Who sees the count sees the state. */
	atomic_fetch_add_explicit(&arena->objects_asked, 1, memory_order_release);
	SYSTEM(SYS_futex, &object->state, FUTEX_WAKE, INT_MAX);
	attach_wake_launcher();
	return true;
}

/* Who has taken it is about to say what it is, unless it was killed. */
static uint32_t wait_for_its_name(struct arena_object *object)
{
	uint32_t state = wait_while(object, OBJECT_TAKEN, NAMING_NS);

	if (state == OBJECT_TAKEN &&
	    atomic_compare_exchange_strong_explicit(&object->state, &state, OBJECT_ABANDONED,
						    memory_order_relaxed, memory_order_relaxed))
		return OBJECT_ABANDONED;
	return state;
}

static bool is_same(const struct arena_object *object, const uint8_t *key, const char *path)
{
	return memcmp(object->key, key, ARENA_KEY_BYTES) == 0 &&
	       (key[0] != 0 || strcmp(object->path, path) == 0);
}

/* One of the arena's, asked for if nobody has; null: there is no room, or no answer. */
static const struct arena_object *describe(const uint8_t *key, const char *path)
{
	for (uint32_t i = 0; i < ARENA_OBJECTS; i++) {
		struct arena_object *object = &arena->objects[i];
		uint32_t state = OBJECT_FREE;

		/* [object-asked] */
		if (atomic_compare_exchange_strong_explicit(&object->state, &state, OBJECT_TAKEN,
							    memory_order_acquire,
							    memory_order_acquire))
			state = ask(object, key, path) ? OBJECT_ASKED : OBJECT_ABANDONED;
		if (state == OBJECT_TAKEN)
			state = wait_for_its_name(object);
		if (state == OBJECT_ABANDONED || !is_same(object, key, path))
			continue;
		if (state == OBJECT_ASKED)
			state = wait_while(object, OBJECT_ASKED, PATIENCE_NS);
		return state == OBJECT_KNOWN ? object : NULL;
	}
	return NULL;
}

static void find_key(const struct dl_phdr_info *info, uint8_t *key)
{
	for (unsigned i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
		const char *at = (const char *)info->dlpi_addr + segment->p_vaddr;
		const char *end = at + segment->p_memsz;

		while (segment->p_type == PT_NOTE && end - at > (ptrdiff_t)sizeof(ElfW(Nhdr))) {
			const ElfW(Nhdr) *head = (const ElfW(Nhdr) *)at;
			const size_t name = (head->n_namesz + 3u) & ~3u;

			if (head->n_type == NT_GNU_BUILD_ID && head->n_namesz == 4 &&
			    memcmp(head + 1, "GNU", 4) == 0) {
				memcpy(key, (const char *)(head + 1) + name,
				       head->n_descsz < ARENA_KEY_BYTES ? head->n_descsz :
									  ARENA_KEY_BYTES);
				return;
			}
			at += sizeof(*head) + name + ((head->n_descsz + 3u) & ~3u);
		}
	}
}

/* As the launcher can open it. */
static bool find_path(const struct dl_phdr_info *info, bool first, char *path, size_t room)
{
	const char *name = info->dlpi_name;
	size_t used = 0;
	long got;

	if (first) {
		got = SYSTEM(SYS_readlinkat, AT_FDCWD, "/proc/self/exe", path, room - 1);
		path[got > 0 ? got : 0] = '\0';
		return got > 0;
	}
	if (strcmp(name, "linux-vdso.so.1") == 0)
		name = "[vdso]";
	else if (name[0] != '/') {
		got = SYSTEM(SYS_getcwd, path, room);
		if (got <= 0 || (size_t)got >= room)
			return false;
		used = (size_t)got;
		path[used - 1] = '/';
	}
	if (strlen(name) >= room - used)
		return false;
	memcpy(path + used, name, strlen(name) + 1);
	return true;
}

static struct object *find(uint64_t base)
{
	for (size_t i = 0; i < object_count; i++) {
		if (objects[i].base == base)
			return &objects[i];
	}
	return NULL;
}

static struct object *add(const struct dl_phdr_info *info, bool first)
{
	uint8_t key[ARENA_KEY_BYTES] = { 0 };
	struct object object = { .base = info->dlpi_addr };
	char path[sizeof(arena->objects[0].path)];

	for (unsigned i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *segment = &info->dlpi_phdr[i];

		if (segment->p_type == PT_LOAD && (segment->p_flags & PF_X)) {
			object.code = object.base + segment->p_vaddr;
			object.code_bytes = segment->p_memsz;
			object.writable = segment->p_flags & PF_W ? PROT_WRITE : 0;
		}
	}
	if (object_count == OBJECTS_MAX)
		return NULL;
	find_key(info, key);
	if (object.code && find_path(info, first, path, sizeof(path)))
		object.described = describe(key, path);
	objects[object_count] = object;
	return &objects[object_count++];
}

struct walk {
	size_t position;
	bool forbidden, failed; /* to change code; to read libc's */
};

static bool has(const struct object *object, const void *code)
{
	return (uint64_t)(uintptr_t)code - object->code < object->code_bytes;
}

static int visit(struct dl_phdr_info *info, size_t size, void *walk_)
{
	struct walk *walk = walk_;
	const bool first = walk->position++ == 0;
	struct object *object = find(info->dlpi_addr);
	bool is_libc;

	(void)size;
	if (object || info->dlpi_addr == own_base) {
		if (object)
			object->loaded = true;
		return 0;
	}
	object = add(info, first);
	if (!object)
		return 0;
	object->loaded = true;
	is_libc = has(object, (const void *)(uintptr_t)getpid);
	if (!object->described) {
		walk->failed |= is_libc;
		tell_sites(object, 0, 0);
	} else if (!patch_object(object)) {
		walk->forbidden |= is_libc;
	}
	return 0;
}

/* What dlmopen has loaded beside the program's own: what tells of that is new in glibc 2.36. */
static void visit_namespaces(struct walk *walk)
{
#if __GLIBC_PREREQ(2, 36)
	const struct r_debug_extended *more = (const struct r_debug_extended *)&_r_debug;

	while (_r_debug.r_version >= 2 && (more = more->r_next)) {
		for (struct link_map *map = more->base.r_map; map; map = map->l_next) {
			const ElfW(Phdr) *segments = NULL;
			const int count = dlinfo(map, RTLD_DI_PHDR, &segments);
			struct dl_phdr_info info = { .dlpi_addr = map->l_addr,
						     .dlpi_name = map->l_name,
						     .dlpi_phdr = segments,
						     .dlpi_phnum = (ElfW(Half))count };

			if (count > 0)
				visit(&info, sizeof(info), walk);
		}
	}
#else
	(void)walk;
#endif
}

static struct walk patch_all(void)
{
	struct walk walk = { 0 };
	const uint64_t moved = (uint64_t)(uintptr_t)stub_moved;

	for (size_t i = 0; i < object_count; i++)
		objects[i].loaded = false;
	if (!protect(moved, sizeof(stub_moved), PROT_WRITE)) {
		walk.forbidden = true;
		return walk;
	}
	dl_iterate_phdr(visit, &walk);
	visit_namespaces(&walk);
	protect(moved, sizeof(stub_moved), 0);
	for (size_t i = object_count; i > 0; i--) {
		if (!objects[i - 1].loaded)
			forget(&objects[i - 1]);
	}
	return walk;
}

/* The loader calls this, for debuggers, when objects have been mapped and before their code runs,
 * and when they have gone. */
static void loaded(void)
{
	/* A filter may forbid what patching takes; what comes then is not patched. */
	if (_r_debug.r_state == RT_CONSISTENT && !attach_is_quiet() && !undone)
		patch_all();
}

/* It does nothing, and so is short: a return, and nops up to the next function. */
static void follow_loader(void)
{
	const uint64_t at = _r_debug.r_brk, to = (uint64_t)(uintptr_t)loaded;
	const unsigned char *code = (const unsigned char *)(uintptr_t)at;
	static const unsigned char with_mark[] = { 0xf3, 0x0f, 0x1e, 0xfa, 0xc3 };
	const bool room = at % 16 == 0 &&
			  (code[0] == 0xc3 || memcmp(code, with_mark, sizeof(with_mark)) == 0);

	if (room && is_near(at, to) && protect(at, JUMP_BYTES, PROT_WRITE)) {
		write_jump(at, to);
		protect(at, JUMP_BYTES, 0);
	}
}

static int find_own(struct dl_phdr_info *info, size_t size, void *unused)
{
	(void)size;
	(void)unused;
	for (unsigned i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
		const uint64_t at = info->dlpi_addr + segment->p_vaddr;

		if (segment->p_type == PT_LOAD &&
		    (uint64_t)(uintptr_t)stub_moved - at < segment->p_memsz) {
			own_base = info->dlpi_addr;
			return 1;
		}
	}
	return 0;
}

enum trace_syscalls_reason patch_start(struct arena *shared)
{
	struct walk walk;

	arena = shared;
	dl_iterate_phdr(find_own, NULL);
	walk = patch_all();
	if (walk.forbidden || walk.failed) {
		patch_undo();
		return walk.forbidden ? TRACE_SYSCALLS_POLICY : TRACE_SYSCALLS_UNREAD;
	}
	follow_loader();
	return TRACE_SYSCALLS_AS_ASKED;
}

bool patch_has_all_of_libc(void)
{
	for (size_t i = 0; i < object_count; i++) {
		if (has(&objects[i], (const void *)(uintptr_t)getpid))
			return objects[i].complete;
	}
	return false;
}

void patch_undo(void)
{
	undone = true;
	for (size_t i = 0; i < object_count; i++) {
		struct object *object = &objects[i];
		const struct arena_site *sites;
		uint32_t count;

		if (!object->patched || !protect(object->code, object->code_bytes, PROT_WRITE))
			continue;
		sites = sites_of(object, &count);
		for (uint32_t j = 0; sites && j < count; j++) {
			const uint64_t at = object->base + sites[j].address;

			if (at >= object->code &&
			    at - object->code < object->code_bytes - JUMP_BYTES &&
			    *(const unsigned char *)(uintptr_t)at == 0xe9)
				write_code(at, sites[j].bytes, JUMP_BYTES);
		}
		protect(object->code, object->code_bytes, object->writable);
	}
}
