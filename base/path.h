/* Finding programs, making folders. */
#ifndef BASE_PATH_H
#define BASE_PATH_H

#include "base/err.h"

#include <stddef.h>

/* The path of a program of $PATH; false and an empty path when it is not there. */
bool path_find_program(const char *name, char *path, size_t room);
/* As mkdir -p: what is there already is no trouble. */
bool path_make_folder(const char *path, struct err *err);

#endif
