/* Symbols through libelf, which knows both word sizes and byte orders and checks every offset: a
 * file on disk may be cut, or be another one by now. A file stays open while its names are used. */
#include "tracer/report/symbol.h"

#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DEBUG_FOLDER "/usr/lib/debug/.build-id"

struct symbol {
	uint64_t value, size;
	const char *name;   /* in the file's memory */
	unsigned char rank; /* of two at one place the higher is named */
};

struct elf_file {
	int fd;
	Elf *elf;
};

/* A module's file, and the file with its symbols that a distribution keeps apart. */
struct object_file {
	const struct family_module *module;
	struct elf_file own, debug;
	struct symbol *symbols; /* by value */
	size_t count, room;
	char reason[SYMBOL_TEXT]; /* why there are none; empty: there are */
};

struct symbols {
	const struct family *family;
	struct object_file **files;
	size_t count;
};

struct symbols *symbols_create(const struct family *family)
{
	struct symbols *symbols = calloc(1, sizeof(*symbols));

	if (symbols)
		symbols->family = family;
	return symbols;
}

static void close_file(struct elf_file *file)
{
	if (file->elf)
		elf_end(file->elf);
	if (file->fd >= 0)
		close(file->fd);
	*file = (struct elf_file){ .fd = -1 };
}

void symbols_destroy(struct symbols *symbols)
{
	for (size_t i = 0; symbols && i < symbols->count; i++) {
		close_file(&symbols->files[i]->own);
		close_file(&symbols->files[i]->debug);
		free(symbols->files[i]->symbols);
		free(symbols->files[i]);
	}
	if (symbols)
		free(symbols->files);
	free(symbols);
}

static bool open_file(struct elf_file *file, const char *path)
{
	*file = (struct elf_file){ .fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK) };
	if (file->fd < 0 || elf_version(EV_CURRENT) == EV_NONE)
		return false;
	file->elf = elf_begin(file->fd, ELF_C_READ_MMAP, NULL);
	if (!file->elf || elf_kind(file->elf) != ELF_K_ELF) {
		close_file(file);
		errno = ENOEXEC;
		return false;
	}
	return true;
}

/* Whether one of the notes is this build-id. */
static bool has_note(Elf_Data *notes, const struct family_module *module)
{
	size_t at = 0, name, description;
	GElf_Nhdr head;

	while (notes && (at = gelf_getnote(notes, at, &head, &name, &description)) > 0) {
		const char *bytes = notes->d_buf;

		if (head.n_type == NT_GNU_BUILD_ID && head.n_namesz == 4 &&
		    memcmp(bytes + name, "GNU", 4) == 0)
			return head.n_descsz == module->build_id_length &&
			       memcmp(bytes + description, module->build_id, head.n_descsz) == 0;
	}
	return false;
}

static bool is_same(const struct elf_file *file, const struct family_module *module)
{
	size_t count = 0;

	if (elf_getphdrnum(file->elf, &count) != 0)
		return false;
	for (size_t i = 0; i < count; i++) {
		GElf_Phdr segment;

		if (!gelf_getphdr(file->elf, (int)i, &segment) || segment.p_type != PT_NOTE)
			continue;
		if (has_note(elf_getdata_rawchunk(file->elf, (int64_t)segment.p_offset,
						  segment.p_filesz,
						  segment.p_align == 8 ? ELF_T_NHDR8 : ELF_T_NHDR),
			     module))
			return true;
	}
	return false;
}

static bool add(struct object_file *file, const struct symbol *symbol)
{
	if (file->count == file->room) {
		const size_t room = file->room ? file->room * 2 : 256;
		struct symbol *more = realloc(file->symbols, room * sizeof(*more));

		if (!more)
			return false;
		file->symbols = more;
		file->room = room;
	}
	file->symbols[file->count++] = *symbol;
	return true;
}

/* Takes functions and variables that have a place. What others may link to is what a reader knows.
 */
static void add_table(struct object_file *file, Elf *elf, Elf_Scn *section, const GElf_Shdr *head)
{
	Elf_Data *data = elf_getdata(section, NULL);
	const size_t count = head->sh_entsize ? head->sh_size / head->sh_entsize : 0;
	GElf_Sym symbol;

	for (size_t i = 0; data && i < count && gelf_getsym(data, (int)i, &symbol); i++) {
		const unsigned type = GELF_ST_TYPE(symbol.st_info);
		const unsigned bind = GELF_ST_BIND(symbol.st_info);
		const char *name = elf_strptr(elf, head->sh_link, symbol.st_name);

		if (symbol.st_shndx == SHN_UNDEF || symbol.st_size == 0 || !name || !*name ||
		    type == STT_TLS || type == STT_SECTION || type == STT_FILE)
			continue;
		if (!add(file, &(struct symbol){
				       .value = symbol.st_value,
				       .size = symbol.st_size,
				       .name = name,
				       .rank = bind == STB_GLOBAL ? 2 : bind == STB_WEAK,
			       }))
			return;
	}
}

static void add_tables(struct object_file *file, Elf *elf)
{
	Elf_Scn *section = NULL;
	GElf_Shdr head;

	while ((section = elf_nextscn(elf, section))) {
		if (gelf_getshdr(section, &head) &&
		    (head.sh_type == SHT_SYMTAB || head.sh_type == SHT_DYNSYM))
			add_table(file, elf, section, &head);
	}
}

/* "/usr/lib/debug/.build-id/12/3456.debug", where Debian's packages of symbols have them. */
static void open_debug(struct object_file *file)
{
	const struct family_module *module = file->module;
	char path[sizeof(DEBUG_FOLDER) + 2 * FAMILY_BUILD_ID + 16];
	size_t used;

	if (module->build_id_length < 2)
		return;
	used = (size_t)snprintf(path, sizeof(path), DEBUG_FOLDER "/%02x/", module->build_id[0]);
	for (size_t i = 1; i < module->build_id_length; i++)
		used += (size_t)snprintf(path + used, sizeof(path) - used, "%02x",
					 module->build_id[i]);
	snprintf(path + used, sizeof(path) - used, ".debug");
	if (open_file(&file->debug, path))
		add_tables(file, file->debug.elf);
	else
		close_file(&file->debug);
}

static int by_value(const void *a, const void *b)
{
	const struct symbol *x = a, *y = b;

	if (x->value != y->value)
		return x->value < y->value ? -1 : 1;
	if (x->rank != y->rank)
		return x->rank < y->rank ? -1 : 1;
	return strcmp(y->name, x->name);
}

static void read_file(struct object_file *file)
{
	const struct family_module *module = file->module;

	if (!module->path || module->path[0] != '/') {
		snprintf(file->reason, sizeof(file->reason), "'%s' is no file",
			 module->path ? module->path : "");
	} else if (!open_file(&file->own, module->path)) {
		snprintf(file->reason, sizeof(file->reason), "cannot read '%.180s': %m",
			 module->path);
	} else if (module->build_id_length > 0 && !is_same(&file->own, module)) {
		snprintf(file->reason, sizeof(file->reason),
			 "'%.160s' is not the file that ran: its build-id is another",
			 module->path);
	} else {
		add_tables(file, file->own.elf);
		open_debug(file);
		if (file->count == 0)
			snprintf(file->reason, sizeof(file->reason), "'%.180s' has no symbols",
				 module->path);
		else
			qsort(file->symbols, file->count, sizeof(*file->symbols), by_value);
	}
}

static bool is_same_module(const struct family_module *a, const struct family_module *b)
{
	return a == b || (a->path && b->path && strcmp(a->path, b->path) == 0 &&
			  a->build_id_length == b->build_id_length &&
			  memcmp(a->build_id, b->build_id, a->build_id_length) == 0);
}

/* Null: no memory. */
static struct object_file *file_of(struct symbols *symbols, const struct family_module *module)
{
	struct object_file **files;
	struct object_file *file;

	for (size_t i = 0; i < symbols->count; i++) {
		if (is_same_module(symbols->files[i]->module, module))
			return symbols->files[i];
	}
	files = realloc(symbols->files, (symbols->count + 1) * sizeof(struct object_file *));
	if (!files)
		return NULL;
	symbols->files = files;
	file = calloc(1, sizeof(*file));
	if (!file)
		return NULL;
	file->module = module;
	file->own.fd = file->debug.fd = -1;
	files[symbols->count++] = file;
	read_file(file);
	return file;
}

/* The symbol that covers a place, the innermost of several. A look back of this many is enough for
 * what nests: a table within a section's symbol. */
#define LOOK_BACK 16

static const struct symbol *find(const struct object_file *file, uint64_t at)
{
	size_t low = 0, high = file->count;

	while (low < high) {
		const size_t middle = (low + high) / 2;

		if (file->symbols[middle].value <= at)
			low = middle + 1;
		else
			high = middle;
	}
	for (size_t i = low; i-- > 0 && low - i <= LOOK_BACK;) {
		if (at - file->symbols[i].value < file->symbols[i].size)
			return &file->symbols[i];
	}
	return NULL;
}

static const char *last_part(const char *path)
{
	const char *slash = path ? strrchr(path, '/') : NULL;

	return slash ? slash + 1 : path ? path : "?";
}

/* 'back' is 1 for a return address: the call may be the last instruction of its function. False,
 * and text is an address, where there is no module. */
static bool name_address(struct symbols *symbols, uint32_t process, uint64_t address, unsigned back,
			 struct symbol_name *name)
{
	const struct family_module *module =
		family_module(symbols->family, process, address - back);
	const struct object_file *file = module ? file_of(symbols, module) : NULL;
	const uint64_t offset = module ? address - module->address : 0;
	const struct symbol *symbol = file ? find(file, offset - back) : NULL;
	const char *base = module ? last_part(module->path) : NULL;

	name->reason[0] = '\0';
	if (!module) {
		snprintf(name->text, sizeof(name->text), "0x%" PRIx64, address);
		snprintf(name->reason, sizeof(name->reason), "it lies in no loaded file");
		return false;
	}
	if (!symbol) {
		snprintf(name->text, sizeof(name->text), "%.180s+0x%" PRIx64, base, offset);
		snprintf(name->reason, sizeof(name->reason), "%s",
			 file && file->reason[0] ? file->reason :
						   "the file has no symbol for this place");
	} else if (offset == symbol->value) {
		snprintf(name->text, sizeof(name->text), "%.180s (%.60s)", symbol->name, base);
	} else {
		snprintf(name->text, sizeof(name->text), "%.160s+0x%" PRIx64 " (%.60s)",
			 symbol->name, offset - symbol->value, base);
	}
	return true;
}

/* Names come from files and programs: nothing in them shall move a terminal's cursor. */
static void tame(char *text)
{
	for (; *text; text++)
		*text = (unsigned char)*text < ' ' || *text == 0x7f ? '?' : *text;
}

void symbols_data(struct symbols *symbols, uint32_t process, uint64_t address,
		  struct symbol_name *name)
{
	name_address(symbols, process, address, 0, name);
	tame(name->text);
}

void symbols_code(struct symbols *symbols, uint32_t process, uint64_t address,
		  struct symbol_name *name)
{
	name_address(symbols, process, address, 1, name);
	tame(name->text);
}

void symbols_object(struct symbols *symbols, const struct object *object, struct symbol_name *name)
{
	struct symbol_name creator;

	symbols_data(symbols, object->process, object->address, name);
	if (object->name) {
		snprintf(name->text, sizeof(name->text), "'%.200s'", object->name);
		name->reason[0] = '\0';
		tame(name->text);
	}
	if (object->name || strncmp(name->text, "0x", 2) != 0 || !object->creator)
		return;
	symbols_code(symbols, object->process, object->creator, &creator);
	snprintf(name->text, sizeof(name->text), "created by %.230s", creator.text);
	memcpy(name->reason, creator.reason, sizeof(name->reason));
}
