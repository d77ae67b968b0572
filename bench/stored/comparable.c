/* Why two results are not to be compared: another machine, another kind of build, other work. */
#include "bench/stored/compare.h"

#include "base/machine.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static const char *const ages[AGES] = { "the old one", "the new one" };

static void add(char (*list)[COMPARE_REASON], size_t *count, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
static void add(char (*list)[COMPARE_REASON], size_t *count, const char *format, ...)
{
	va_list values;

	if (*count == COMPARE_REASONS)
		return;
	va_start(values, format);
	vsnprintf(list[(*count)++], COMPARE_REASON, format, values);
	va_end(values);
}

/* A value as it stands in the file, without the quotes of a text. */
static void write_value(const json_t *value, char *to, size_t room)
{
	char *text =
		json_is_string(value) ? NULL : json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);

	snprintf(to, room, "%s",
		 json_is_string(value) ? json_string_value(value) :
		 text                  ? text :
					 "unknown");
	free(text);
}

/* The fingerprint is of these. */
static const char *const machine_fields[] = { "cpu_model",    "architecture", "cpus_online",
					      "cpus_allowed", "smt",          "virtualization",
					      "kernel",       "libc",         "cgroup_cpu_max",
					      "clocksource" };

static void compare_machines(struct comparison *comparison)
{
	const struct stored *old = &comparison->side[OLD], *new = &comparison->side[NEW];
	char was[80], is[80];

	if (strcmp(old->findings.fingerprint, new->findings.fingerprint) == 0)
		return;
	for (size_t i = 0; i < sizeof(machine_fields) / sizeof(machine_fields[0]); i++) {
		const json_t *a = json_object_get(old->host, machine_fields[i]);
		const json_t *b = json_object_get(new->host, machine_fields[i]);

		if ((!a && !b) || (a && b && json_equal(a, b)))
			continue;
		write_value(a, was, sizeof(was));
		write_value(b, is, sizeof(is));
		add(comparison->reasons, &comparison->reason_count,
		    "they are of different machines: %s was '%s' and is '%s'", machine_fields[i],
		    was, is);
		return;
	}
	add(comparison->reasons, &comparison->reason_count,
	    "they are of different machines: the fingerprint was %.20s and is %.20s",
	    old->findings.fingerprint, new->findings.fingerprint);
}

static void compare_levels(struct comparison *comparison)
{
	const char *old = comparison->side[OLD].findings.optimization;
	const char *new = comparison->side[NEW].findings.optimization;

	for (size_t age = 0; age < AGES; age++) {
		if (!machine_build_level_known(comparison->side[age].findings.optimization))
			add(comparison->warnings, &comparison->warning_count,
			    "how far the build of %s was optimized is not known", ages[age]);
	}
	if (machine_build_optimized(old) && machine_build_optimized(new) &&
	    machine_build_level_known(old) && machine_build_level_known(new) &&
	    strcmp(old, new) != 0)
		add(comparison->reasons, &comparison->reason_count,
		    "they are of different kinds of builds: optimization was %.20s and is %.20s",
		    old, new);
}

/* Other options of the compiler, where both results tell them. */
static void compare_options(struct comparison *comparison)
{
	static const char *const names[] = { "lto", "ndebug", "c_args" };
	const json_t *old = json_object_get(comparison->side[OLD].findings.tree, "build");
	const json_t *new = json_object_get(comparison->side[NEW].findings.tree, "build");

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const json_t *a = json_object_get(old, names[i]);
		const json_t *b = json_object_get(new, names[i]);
		char was[80], is[80];

		if (!a || !b || json_equal(a, b))
			continue;
		write_value(a, was, sizeof(was));
		write_value(b, is, sizeof(is));
		add(comparison->reasons, &comparison->reason_count,
		    "they are of different kinds of builds: %s was '%s' and is '%s'", names[i], was,
		    is);
	}
}

static void compare_builds(struct comparison *comparison)
{
	const struct findings *old = &comparison->side[OLD].findings;
	const struct findings *new = &comparison->side[NEW].findings;

	for (size_t age = 0; age < AGES; age++) {
		const struct findings *one = &comparison->side[age].findings;

		if (!machine_build_optimized(one->optimization))
			add(comparison->reasons, &comparison->reason_count,
			    "%s is of a build without optimization (%.20s)", ages[age],
			    one->optimization);
		if (strcmp(one->sanitize, "none") != 0)
			add(comparison->reasons, &comparison->reason_count,
			    "%s is of a build with sanitizers (%.60s)", ages[age], one->sanitize);
	}
	compare_levels(comparison);
	compare_options(comparison);
	if (strcmp(old->compiler, new->compiler) != 0)
		add(comparison->warnings, &comparison->warning_count,
		    "the compiler was %.60s and is %.60s", old->compiler, new->compiler);
}

/* That an interpreter is another one may be what is compared. */
static void compare_runtimes(struct comparison *comparison)
{
	const struct findings *old = &comparison->side[OLD].findings;
	const struct findings *new = &comparison->side[NEW].findings;

	for (size_t i = 0; i < old->runtime_count; i++) {
		for (size_t k = 0; k < new->runtime_count; k++) {
			const struct runtime *was = &old->runtimes[i], *is = &new->runtimes[k];

			if (strcmp(was->name, is->name) == 0 && was->version && is->version &&
			    strcmp(was->version, is->version) != 0)
				add(comparison->warnings, &comparison->warning_count,
				    "%.40s was %.100s and is %.100s", was->name, was->version,
				    is->version);
		}
	}
}

void comparable_results(struct comparison *comparison)
{
	compare_machines(comparison);
	compare_builds(comparison);
	compare_runtimes(comparison);
	for (size_t age = 0; age < AGES; age++) {
		const struct findings *one = &comparison->side[age].findings;

		if (one->partial)
			add(comparison->warnings, &comparison->warning_count,
			    "the run of %s was ended early: %.100s", ages[age],
			    one->partial_reason ? one->partial_reason : "no reason is known");
	}
}

static bool is_whole(const struct comparison *comparison, struct compared_cell *cell, enum age age)
{
	const struct findings *findings = &comparison->side[age].findings;
	const struct cell *one = cell->cell[age];
	const struct samples *samples = &comparison->side[age].samples[one - findings->cells];

	if (strcmp(one->status, "ok") != 0 || samples->of[QUANTITY_TIME].n == 0)
		snprintf(cell->reason, COMPARE_REASON, "%s is %s%s%.200s", ages[age],
			 strcmp(one->status, "ok") == 0 ? "without samples" : one->status,
			 one->reason ? ": " : "", one->reason ? one->reason : "");
	else if (findings->partial && samples->of[QUANTITY_TIME].n < findings->runs)
		snprintf(cell->reason, COMPARE_REASON, "%s has %zu of %llu samples", ages[age],
			 samples->of[QUANTITY_TIME].n, (unsigned long long)findings->runs);
	return cell->reason[0] == '\0';
}

/* The first parameter that only one has, or that has another value. */
static bool same_params(struct compared_cell *cell)
{
	json_t *both[AGES] = { cell->cell[OLD]->params, cell->cell[NEW]->params };
	const char *name;
	json_t *value;

	for (size_t age = 0; age < AGES; age++) {
		json_object_foreach(both[age], name, value)
		{
			char was[64], is[64];

			if (json_equal(json_object_get(both[OLD], name),
				       json_object_get(both[NEW], name)))
				continue;
			write_value(json_object_get(both[OLD], name), was, sizeof(was));
			write_value(json_object_get(both[NEW], name), is, sizeof(is));
			snprintf(cell->reason, COMPARE_REASON,
				 "other work: %.40s was %s and is %s%s", name, was, is,
				 strcmp(name, "tick-spins") ?
					 "" :
					 "; give both runs --set tick-spins=N");
			return false;
		}
	}
	return true;
}

void comparable_cells(const struct comparison *comparison, struct compared_cell *cell)
{
	const struct cell *old = cell->cell[OLD], *new = cell->cell[NEW];

	if (!is_whole(comparison, cell, OLD) || !is_whole(comparison, cell, NEW))
		return;
	if (old->size != new->size)
		snprintf(cell->reason, COMPARE_REASON,
			 "other work: size was %llu and is %llu; give both runs --size N",
			 (unsigned long long)old->size, (unsigned long long)new->size);
	else if (same_params(cell) && old->checksum && new->checksum &&
		 strcmp(old->checksum, new->checksum) != 0)
		snprintf(cell->reason, COMPARE_REASON,
			 "other work: the checksum was %.30s and is %.30s", old->checksum,
			 new->checksum);
}
