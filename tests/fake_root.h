/* A folder that stands for '/', with files of known content, for what reads /proc and /sys. */
#ifndef TESTS_FAKE_ROOT_H
#define TESTS_FAKE_ROOT_H

#include "tests/test.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char root[64];

static int fake_root_make(void **state)
{
	(void)state;
	strcpy(root, "/tmp/gilscope-root-XXXXXX");
	return mkdtemp(root) ? 0 : -1;
}

static int fake_root_drop(const char *path, const struct stat *info, int kind, struct FTW *place)
{
	(void)info;
	(void)kind;
	(void)place;
	return remove(path);
}

static int fake_root_remove(void **state)
{
	(void)state;
	return nftw(root, fake_root_drop, 8, FTW_DEPTH | FTW_PHYS);
}

/* Writes a file below the root, with the folders above it; a null text makes the folders only. */
static void put_file(const char *path, const char *text)
{
	char whole[512];
	FILE *file;

	snprintf(whole, sizeof(whole), "%s%s", root, path);
	for (char *slash = whole + strlen(root) + 1; (slash = strchr(slash, '/')); slash++) {
		*slash = '\0';
		mkdir(whole, 0755);
		*slash = '/';
	}
	if (!text)
		return;
	file = fopen(whole, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

#define IN_ROOT(test) cmocka_unit_test_setup_teardown(test, fake_root_make, fake_root_remove)

#endif
