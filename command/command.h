/* A command of gilscope: one file in bench/, plots/ or tracer/ that ends in a const struct, and one
 * word in that folder's meson.build. */
#ifndef COMMAND_COMMAND_H
#define COMMAND_COMMAND_H

#include "base/err.h"

struct command {
	const char *name;
	const char *arguments; /* for the usage line, behind the name */
	const char *summary;   /* one line */
	const struct param *params;
	bool runs_program; /* the first word that is no option and all behind it are a program's */
	/* argv[0] is the command's name. Prints its output; returns its exit status, or an err.code
	 * with the sentence in err, which main prints. */
	int (*run)(int argc, char *argv[], struct err *err);
};

extern const struct command *const commands[];

#endif
