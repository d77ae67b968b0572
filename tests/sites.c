/* sites FILE...: the syscall instructions of objects, and how each is patched; "[vdso]" is the
 * kernel's. For people, and for a test that compares them with what objdump sees. */
#include "tracer/sites/sites.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *const shapes[] = { "left", "number", "moved", "returns" };

static void print(const struct arena_site *site)
{
	printf("%8" PRIx64 "  %-7s ", site->address + site->at, shapes[site->shape]);
	for (unsigned i = 0; i < site->length; i++)
		printf("%s%02x%s", i == site->at ? "[" : "", site->bytes[i],
		       i == site->at + 1u ? "]" : "");
	if (site->shape == SITE_NUMBER)
		printf("  %" PRIu32, site->number);
	if (site->shape == SITE_LEFT)
		printf("  %s", sites_reason(site->reason));
	putchar('\n');
}

static bool list(const char *path)
{
	const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	const bool vdso = strcmp(path, "[vdso]") == 0;
	size_t counts[sizeof(shapes) / sizeof(shapes[0])] = { 0 };
	struct sites sites = { 0 };
	struct err err = { .text = "" };
	bool ok;

	if (fd < 0 && !vdso)
		err_set(&err, EXIT_FAILED, "%s", strerror(errno));
	ok = vdso ? sites_of_vdso(&sites, NULL, &err) :
		    fd >= 0 && sites_of_file(&sites, fd, NULL, &err);
	if (fd >= 0)
		close(fd);
	if (!ok)
		fprintf(stderr, "sites: cannot read '%s': %s\n", path, err.text);
	for (size_t i = 0; i < sites.count; i++) {
		print(&sites.list[i]);
		counts[sites.list[i].shape]++;
	}
	if (ok)
		printf("%s: %zu sites, %zu number, %zu moved, %zu returns, %zu left\n", path,
		       sites.count, counts[SITE_NUMBER], counts[SITE_MOVED], counts[SITE_RETURNS],
		       counts[SITE_LEFT]);
	sites_finish(&sites);
	return ok;
}

int main(int count, char **words)
{
	int status = EXIT_DONE;

	for (int i = 1; i < count; i++) {
		if (!list(words[i]))
			status = EXIT_FAILED;
	}
	return status;
}
