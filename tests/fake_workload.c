/* Stands for a workload, in a millisecond: what it says is written beside it. Copied under the name
 * of a workload into a folder that has, for countdown,
 *
 *   countdown.plan      what the first run does, the second, ...; the last line is done for ever
 *   countdown.describe  what it says of itself
 *   countdown.refuse    if it is there: the exit status and words with which it refuses all cells
 *
 * A line of a plan that begins with '{' is a result line. Else it is one of
 *
 *   exit STATUS WORDS   fails with these words
 *   signal NUMBER       dies of it
 *   hang                does not end
 *   futex N RESULT      wakes nobody that many times
 *   sleep MS RESULT     takes so many milliseconds
 *
 * countdown.WORD.plan, where WORD is one of the command line without leading '-', takes the place
 * of countdown.plan. Beside each plan is PLAN.runs: a byte for each run. $FAKE_LOG, if given, is a
 * file that gets a line for each run: its plan. */
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* What cannot be wrong unless the test is. */
_Noreturn static void give_up(const char *what)
{
	perror(what);
	exit(99);
}

static void append(const char *path, const char *text)
{
	const int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
	const size_t length = strlen(text);

	if (fd < 0 || write(fd, text, length) != (ssize_t)length || close(fd) != 0)
		give_up(path);
}

/* Which run of this plan it is, from 0. */
static size_t count_run(const char *plan)
{
	char path[PATH_MAX + 8];
	struct stat info;

	snprintf(path, sizeof(path), "%s.runs", plan);
	append(path, ".");
	if (stat(path, &info) != 0)
		give_up(path);
	return (size_t)info.st_size - 1;
}

/* The line with that number, or the last one; the next call takes its place. */
static const char *read_line(const char *path, size_t number)
{
	static char line[1 << 16];
	FILE *file = fopen(path, "re");

	if (!file || !fgets(line, sizeof(line), file))
		give_up(path);
	for (size_t i = 0; i < number && fgets(line, sizeof(line), file); i++)
		;
	fclose(file);
	line[strcspn(line, "\n")] = '\0';
	return line;
}

/* With the status and the words that the text has. */
_Noreturn static void fail(const char *text)
{
	char *words;
	const long status = strtol(text, &words, 10);

	fprintf(stderr, "%s\n", words + strspn(words, " "));
	exit((int)status);
}

static void find_plan(char *const argv[], char to[PATH_MAX])
{
	snprintf(to, PATH_MAX, "%s.plan", argv[0]);
	for (size_t i = 1; argv[i]; i++) {
		char path[PATH_MAX];

		snprintf(path, sizeof(path), "%s.%s.plan", argv[0], argv[i] + strspn(argv[i], "-"));
		if (access(path, R_OK) == 0)
			snprintf(to, PATH_MAX, "%s", path);
	}
}

static void refuse(const char *program)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s.refuse", program);
	if (access(path, R_OK) == 0)
		fail(read_line(path, 0));
}

static void act(const char *line)
{
	if (strncmp(line, "exit ", 5) == 0)
		fail(line + 5);
	if (strncmp(line, "signal ", 7) == 0) {
		const int number = (int)strtol(line + 7, NULL, 10);

		/* A sanitizer would take it for its own. */
		signal(number, SIG_DFL);
		raise(number);
	}
	while (strcmp(line, "hang") == 0)
		pause();
	if (strncmp(line, "sleep ", 6) == 0) {
		char *words;

		usleep((useconds_t)strtol(line + 6, &words, 10) * 1000);
		line = words + 1;
	}
	if (strncmp(line, "futex ", 6) == 0) {
		char *words;
		int nobody = 0;

		for (long n = strtol(line + 6, &words, 10); n > 0; n--)
			syscall(SYS_futex, &nobody, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
		line = words + 1;
	}
	puts(line);
}

static bool is_question(char *const argv[])
{
	while (*argv && strcmp(*argv, "--describe") != 0)
		argv++;
	return *argv;
}

int main(int argc, char *argv[])
{
	const char *log = getenv("FAKE_LOG");
	char path[PATH_MAX];

	if (is_question(argv)) {
		/* Whether it would take a cell, or, without one, what it is. */
		if (argc > 2)
			refuse(argv[0]);
		snprintf(path, sizeof(path), "%s.describe", argv[0]);
		puts(read_line(path, 0));
		return 0;
	}
	find_plan(argv, path);
	if (log) {
		char line[PATH_MAX + 8];

		snprintf(line, sizeof(line), "%s\n", path);
		append(log, line);
	}
	act(read_line(path, count_run(path)));
	return 0;
}
