/* Reads the command lines of dump and report. */
#include "tracer/words.h"

bool words_read(int argc, char *argv[], struct param_set *set, const char **folder, struct err *err)
{
	const char *name = argv[0];
	int next;

	if (!param_set_parse(set, argc, argv, &next, err))
		return false;
	if (next == argc)
		return err_set(err, EXIT_MISUSE,
			       "%s needs a trace: the folder that 'gilscope trace' wrote", name);
	*folder = argv[next];
	argc -= next;
	argv += next;
	if (!param_set_parse(set, argc, argv, &next, err))
		return false;
	if (next < argc)
		return err_set(err, EXIT_MISUSE, "'%s' is too much; give one trace", argv[next]);
	if (param_get(set, "to")->given && param_number(set, "from") > param_number(set, "to"))
		return err_set(err, EXIT_MISUSE, "--from '%s' is behind --to '%s'",
			       param_text(set, "from"), param_text(set, "to"));
	return true;
}
