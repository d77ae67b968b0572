/* gilscope: finds the command and runs it. The only place of the command that prints errors. */
#include "command/command.h"

#include "base/param.h"
#include "base/start.h"
#include "config.h"

#include <stdio.h>
#include <string.h>

static void help(FILE *to)
{
	fprintf(to, "usage: gilscope COMMAND [OPTION]...\n\n"
		    "Measures what a global interpreter lock costs, and shows why.\n\ncommands:\n");
	for (size_t i = 0; commands[i]; i++)
		fprintf(to, "  %-10s %s\n", commands[i]->name, commands[i]->summary);
	fprintf(to, "\ngilscope COMMAND --help tells more; so does %s.\n", GILSCOPE_README);
}

static void help_command(const struct command *command)
{
	printf("usage: gilscope %s%s%s\n\n%s\n\n", command->name, command->arguments[0] ? " " : "",
	       command->arguments, command->summary);
	param_help(command->params, stdout);
}

static const struct command *find(const char *name, struct err *err)
{
	const char *names[32];
	size_t count = 0;

	for (; commands[count]; count++) {
		names[count] = commands[count]->name;
		if (strcmp(names[count], name) == 0)
			return commands[count];
	}
	param_unknown("command", name, names, count, err);
	return NULL;
}

static int fail(const struct err *err)
{
	fprintf(stderr, "gilscope: %s\n", err->text);
	return err->code;
}

/* Output that did not reach its reader is a failure: a full disk, a closed pipe. */
static int finish(int status)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return status;
	fprintf(stderr, "gilscope: cannot write the output: %m\n");
	return EXIT_IMPOSSIBLE;
}

/* How many words the option takes: its value may be one of its own. */
static int words_of(const char *option, const struct param *rows)
{
	const char *name = strcmp(option, "-o") == 0 ? "output" : option + strspn(option, "-");

	for (; rows->name; rows++) {
		if (strcmp(rows->name, name) == 0 && rows->kind != PARAM_FLAG)
			return 2;
	}
	return 1;
}

static bool wants_help(int argc, char *argv[], const struct command *command)
{
	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0;) {
		if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
			return true;
		if (command && command->runs_program) {
			if (argv[i][0] != '-')
				break;
			i += words_of(argv[i], command->params);
		} else {
			i++;
		}
	}
	return false;
}

int main(int argc, char *argv[])
{
	const struct command *command;
	struct err err = { 0 };
	int status;

	start_safely();
	if (argc < 2) {
		help(stderr);
		return EXIT_MISUSE;
	}
	if (strcmp(argv[1], "help") == 0 || wants_help(2, argv, NULL)) {
		help(stdout);
		return finish(EXIT_DONE);
	}
	if (strcmp(argv[1], "--version") == 0) {
		puts("gilscope " GILSCOPE_VERSION);
		return finish(EXIT_DONE);
	}
	command = find(argv[1], &err);
	if (!command)
		return fail(&err);
	if (wants_help(argc - 1, argv + 1, command)) {
		help_command(command);
		return finish(EXIT_DONE);
	}
	status = command->run(argc - 1, argv + 1, &err);
	return finish(err.text[0] ? fail(&err) : status);
}
