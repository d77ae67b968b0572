/* What dump and report read and print in the same way. */
#include "tracer/words.h"

#include <stdio.h>

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

const char *words_duration(double ns, char to[16])
{
	static const char *const units[] = { "ns", "us", "ms", "s" };
	size_t unit = 0;

	while (unit < 3 && ns >= 999.5) {
		ns /= 1000;
		unit++;
	}
	snprintf(to, 16, "%.*f%s",
		 unit == 0 || ns >= 99.95 ? 0 :
		 ns >= 9.995              ? 1 :
					    2,
		 ns, units[unit]);
	return to;
}
