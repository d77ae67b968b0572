/* A library whose constructor and destructor lock: linked, opened later, or preloaded. */
#include "tests/traced/odd_library.h"

#include <pthread.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
bool library_constructed;

void library_lock(int times)
{
	for (int i = 0; i < times; i++) {
		pthread_mutex_lock(&mutex);
		pthread_mutex_unlock(&mutex);
	}
}

__attribute__((constructor)) static void construct(void)
{
	library_lock(LIBRARY_CONSTRUCTOR_LOCKS);
	library_constructed = true;
}

__attribute__((destructor)) static void destruct(void)
{
	library_lock(LIBRARY_DESTRUCTOR_LOCKS);
}
