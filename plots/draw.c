/* Runs one gnuplot per picture, without a shell and in the C locale: a decimal comma in a table's
 * numbers or in a chart's labels would be the user's language, not the data's. */
#include "plots/draw.h"

#include "base/clock.h"
#include "base/path.h"
#include "base/output.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* A picture takes less than a second; the first one of a machine waits for its fonts. */
#define LIMIT_NS UINT64_C(60000000000)

bool draw_possible(void)
{
	char path[PATH_MAX];

	return path_find_program("gnuplot", path, sizeof(path));
}

/* Ours with LC_ALL set; to be freed. */
static char **make_environment(void)
{
	static char locale[] = "LC_ALL=C";
	size_t count = 0, kept = 0;
	char **made;

	while (environ[count])
		count++;
	made = calloc(count + 2, sizeof(*made));
	if (!made)
		return NULL;
	for (size_t i = 0; i < count; i++) {
		if (strncmp(environ[i], "LC_ALL=", 7) != 0)
			made[kept++] = environ[i];
	}
	made[kept] = locale;
	return made;
}

/* What a user can use of gnuplot's complaint: the sentence that names script and line. Above it
 * gnuplot repeats the command and points into it, and warnings may come before. */
static void pick_complaint(char *text, char *to, size_t room)
{
	char *rest, *line = strtok_r(text, "\n", &rest);

	to[0] = '\0';
	for (; line; line = strtok_r(NULL, "\n", &rest)) {
		const bool names_line = line[0] == '"' && strstr(line, " line ");

		if (line[strspn(line, " \t^")] == '\0' || strstr(line, "warning:"))
			continue;
		if (names_line || to[0] == '\0')
			snprintf(to, room, "%s", line);
		if (names_line)
			return;
	}
}

/* Waits until there is something to read, or the end. Signals that our caller has blocked may
 * interrupt it: then, and after the limit, gnuplot is not waited for. */
static bool wait_for(int from, uint64_t deadline)
{
	struct pollfd polled = { .fd = from, .events = POLLIN };
	const uint64_t now = clock_now_ns();
	const struct timespec left = clock_timespec(deadline > now ? deadline - now : 0);
	sigset_t none;

	sigemptyset(&none);
	return ppoll(&polled, 1, &left, &none) > 0;
}

/* All of it is read, so that the child never waits for room; what does not fit is dropped. False
 * when the child does not come to its end. */
static bool read_complaint(int from, char *to, size_t room)
{
	const uint64_t deadline = clock_now_ns() + LIMIT_NS;
	char dropped[512];
	size_t used = 0;
	ssize_t got = 0;
	bool good;

	while ((good = wait_for(from, deadline))) {
		const bool full = used + 1 >= room;

		got = read(from, full ? dropped : to + used,
			   full ? sizeof(dropped) : room - 1 - used);
		if (got <= 0)
			break;
		used += full ? 0 : (size_t)got;
	}
	to[used] = '\0';
	return good;
}

static pid_t start(char *const argv[], int complaints, struct err *err)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	char **environment = make_environment();
	sigset_t none;
	pid_t child = -1;
	int failed;

	/* That cannot fail here (glibc), as little as what follows. */
	posix_spawnattr_init(&attributes);
	sigemptyset(&none);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
	if (!environment || posix_spawn_file_actions_init(&actions) != 0) {
		free(environment);
		err_set(err, EXIT_IMPOSSIBLE, "cannot run gnuplot: no memory");
		return -1;
	}
	posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, complaints, STDERR_FILENO);
	failed = posix_spawnp(&child, argv[0], &actions, &attributes, argv, environment);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attributes);
	free(environment);
	if (failed)
		err_set(err, EXIT_IMPOSSIBLE, "cannot run gnuplot: %s", strerror(failed));
	return failed ? -1 : child;
}

static bool run(char *const argv[], const char *name, struct err *err)
{
	char text[4096], complaint[256];
	int ends[2], status;
	bool ended = true;
	pid_t child;

	if (pipe2(ends, O_CLOEXEC) != 0)
		return err_set(err, EXIT_IMPOSSIBLE, "cannot run gnuplot: %m");
	child = start(argv, ends[1], err);
	close(ends[1]);
	if (child > 0)
		ended = read_complaint(ends[0], text, sizeof(text));
	close(ends[0]);
	if (child < 0)
		return false;
	if (!ended)
		kill(child, SIGKILL);
	waitpid(child, &status, 0);
	if (!ended)
		return err_set(err, EXIT_IMPOSSIBLE,
			       "cannot draw '%s': gnuplot did not end and was killed", name);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return true;
	pick_complaint(text, complaint, sizeof(complaint));
	if (WIFSIGNALED(status))
		return err_set(err, EXIT_IMPOSSIBLE,
			       "cannot draw '%s': gnuplot was ended by signal %d (%s)", name,
			       WTERMSIG(status), strsignal(WTERMSIG(status)));
	return err_set(err, EXIT_IMPOSSIBLE, "cannot draw '%s': gnuplot says: %s", name,
		       complaint[0] ? complaint : "nothing, but it failed");
}

/* gnuplot does not tell when it could not write all of its output: the end of the format must be
 * there. */
static bool is_whole(const char *path, const char *format)
{
	static const char png_end[] = "IEND\xae\x42\x60\x82", svg_end[] = "</svg>";
	const bool png = strcmp(format, "png") == 0;
	const char *end = png ? png_end : svg_end;
	const size_t length = png ? sizeof(png_end) - 1 : sizeof(svg_end) - 1;
	FILE *file = fopen(path, "re");
	char tail[16] = "";
	bool whole = false;

	if (!file)
		return false;
	if (fseek(file, -(long)sizeof(tail), SEEK_END) == 0 &&
	    fread(tail, 1, sizeof(tail), file) == sizeof(tail))
		whole = memmem(tail, sizeof(tail), end, length) != NULL;
	fclose(file);
	return whole;
}

bool draw_figure(const struct drawing *drawing, const char *name, const char *format,
		 struct err *err)
{
	char gnuplot[] = "gnuplot", defaults[] = "-d", call[] = "-c", script[PATH_MAX];
	char ending[8], absolute[PATH_MAX], foot[2][sizeof(drawing->foot[0])], kind[8];
	struct output table, picture;
	char *argv[] = { gnuplot,      defaults, call,    script,  table.path,
			 picture.part, kind,     foot[0], foot[1], NULL };

	/* gnuplot takes a file name that begins with '<' or '|' for a command; an absolute one does
	 * not. */
	if (!realpath(drawing->folder, absolute))
		return err_set(err, EXIT_IMPOSSIBLE, "cannot use '%s': %m", drawing->folder);
	snprintf(ending, sizeof(ending), ".%s", format);
	snprintf(kind, sizeof(kind), "%s", format);
	memcpy(foot, drawing->foot, sizeof(foot));
	if (snprintf(script, sizeof(script), "%s/%s.gp", drawing->scripts, name) >= PATH_MAX ||
	    !output_name(&table, absolute, name, ".tsv", err) ||
	    !output_name(&picture, absolute, name, ending, err))
		return err_set(err, EXIT_IMPOSSIBLE, "cannot draw '%s': the path is too long",
			       name);
	if (!run(argv, name, err)) {
		unlink(picture.part);
		return false;
	}
	if (is_whole(picture.part, format))
		return output_rename(&picture, err);
	unlink(picture.part);
	return err_set(err, EXIT_IMPOSSIBLE,
		       "cannot write '%s': the picture is not whole; is the disk full?",
		       picture.path);
}
