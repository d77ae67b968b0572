/* The table of programs that make system calls in odd ways: direct NAME [WORD]. */
#include "tests/traced/direct.h"

#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

const char *direct_word;

void direct_say(const char *words)
{
	must(write(1, words, strlen(words)) == (ssize_t)strlen(words), "it is written");
}

void direct_wait(const char *what, pid_t pid)
{
	int status = 0;

	must(pid > 0, what);
	must(waitpid(pid, &status, __WALL) == pid, "a child ends");
	if (WIFEXITED(status))
		printf("%s: exit %d\n", what, WEXITSTATUS(status));
	else
		printf("%s: signal %d\n", what, WTERMSIG(status));
	fflush(stdout);
}

static const struct {
	const char *name;
	int (*run)(void);
} table[] = {
	{ "clones", direct_clones },
	{ "clone3s", direct_clone3s },
	{ "bare-thread", direct_bare_thread },
	{ "vforks", direct_vforks },
	{ "spawns", direct_spawns },
	{ "forks", direct_forks },
	{ "execs", direct_execs },
	{ "ends", direct_ends },
	{ "interrupts", direct_interrupts },
	{ "cancels", direct_cancels },
	{ "backtraces", direct_backtraces },
	{ "blocks", direct_blocks },
	{ "alternate", direct_alternate },
	{ "jumps", direct_jumps },
	{ "sigsys", direct_sigsys },
	{ "waits-for-sigsys", direct_waits_for_sigsys },
	{ "masks", direct_masks },
	{ "masks-in-handlers", direct_masks_in_handlers },
	{ "actions", direct_actions },
	{ "inherits", direct_inherits },
	{ "inherited", direct_inherited },
	{ "temporary-masks", direct_temporary_masks },
	{ "refuses", direct_refuses },
	{ "traps", direct_traps },
	{ "allows-little", direct_allows_little },
	{ "allows-less", direct_allows_less },
	{ "dispatches", direct_dispatches },
	{ "denies-writing", direct_denies_writing },
	{ "results", direct_results },
	{ "clocks", direct_clocks },
	{ "registers", direct_registers },
	{ "flags", direct_flags },
	{ "opens", direct_opens },
	{ "reopens", direct_reopens },
	{ "namespaces", direct_namespaces },
	{ "million", direct_million },
};

int main(int argc, char *argv[])
{
	must(argc >= 2, "direct NAME [WORD]");
	direct_word = argv[2];
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		if (strcmp(table[i].name, argv[1]) == 0)
			return table[i].run();
	}
	must_fail("the name is one of the table");
}
