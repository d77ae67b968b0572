/* Names for addresses: the symbol of a module's file, or its offset in the module. Files are opened
 * when a name in them is asked for, and only believed when their build-id is the recorded one. */
#ifndef TRACER_REPORT_SYMBOL_H
#define TRACER_REPORT_SYMBOL_H

#include "tracer/report/object.h"

#define SYMBOL_TEXT 256

struct symbol_name {
	char text[SYMBOL_TEXT];   /* "_PyRuntime+0x1d8 (python3.11)"; an address when unknown */
	char reason[SYMBOL_TEXT]; /* why it is not better; empty: it is a symbol */
};

struct symbols;

/* The family must outlive them. Null: no memory. */
struct symbols *symbols_create(const struct family *family);
void symbols_destroy(struct symbols *symbols);
/* What lies at an address of a process. */
void symbols_data(struct symbols *symbols, uint32_t process, uint64_t address,
		  struct symbol_name *name);
/* What a return address goes back to. */
void symbols_code(struct symbols *symbols, uint32_t process, uint64_t address,
		  struct symbol_name *name);
/* An object: a semaphore's own name, the symbol of a static object, the creator of another one
 * ("created by py_alloc+0x1f (libpython3.11.so)"), or its address. */
void symbols_object(struct symbols *symbols, const struct object *object, struct symbol_name *name);

#endif
