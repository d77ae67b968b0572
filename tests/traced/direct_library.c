/* Libraries that are opened later, and make system calls by instructions of their own. */
#include "tests/traced/direct.h"

#include <dlfcn.h>
#include <unistd.h>

static void call_plugin(void *handle, int times)
{
	long (*call)(void);

	must(handle, "dlopen");
	*(void **)&call = dlsym(handle, "direct_plugin_call");
	must(call, "dlsym");
	for (int i = 0; i < times; i++)
		must(call() == getppid(), "the parent's pid");
}

/* 'direct_word' is the library. */
int direct_opens(void)
{
	void *handle = dlopen(direct_word, RTLD_NOW);

	call_plugin(handle, 1000);
	printf("%d\n", dlclose(handle));
	return 0;
}

int direct_reopens(void)
{
	for (int i = 0; i < 2000; i++) {
		void *handle = dlopen(direct_word, RTLD_NOW);

		call_plugin(handle, 1);
		must(dlclose(handle) == 0, "dlclose");
	}
	puts("done");
	return 0;
}

/* Each has a libc of its own. */
int direct_namespaces(void)
{
	for (int i = 0; i < 3; i++) {
		void *handle = dlmopen(LM_ID_NEWLM, direct_word, RTLD_NOW);

		call_plugin(handle, 100);
		must(dlclose(handle) == 0, "dlclose");
	}
	puts("done");
	return 0;
}
