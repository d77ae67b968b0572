/* Programs that are used when they are there. */
#ifndef BENCH_PROGRAM_H
#define BENCH_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>

/* The path of a program of $PATH; false and an empty path when it is not there. */
bool program_find(const char *name, char *path, size_t room);

#endif
