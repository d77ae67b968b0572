/* What happens at the ends of threads and programs, and before their beginnings; errno. */
#include "tests/traced/odd.h"

#include "tests/traced/odd_library.h"

#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static pthread_key_t key;
/* Registers a destructor of a thread_local object, as C++ does. */
extern int __cxa_thread_atexit_impl(void (*destroy)(void *), void *object, void *library);
extern void *__dso_handle;

/* In each round of destructors but the last it asks for another. */
static void destroy_value(void *rounds)
{
	odd_lock(3);
	if ((uintptr_t)rounds < PTHREAD_DESTRUCTOR_ITERATIONS)
		pthread_setspecific(key, (char *)rounds + 1);
}

static void destroy_object(void *unused)
{
	(void)unused;
	odd_lock(5);
}

static void end_with_destructors(void *unused)
{
	(void)unused;
	pthread_setspecific(key, (void *)1);
	__cxa_thread_atexit_impl(destroy_object, NULL, &__dso_handle);
}

static void at_exit(void)
{
	odd_lock(7);
	odd_end();
}

int odd_ends(void)
{
	struct actor actor;

	must_be(0, pthread_key_create(&key, destroy_value), "pthread_key_create");
	for (int i = 0; i < 10; i++) {
		actor_start(&actor, end_with_destructors, NULL);
		actor_join(&actor);
	}
	must(library_constructed, "the library's constructor has run");
	atexit(at_exit);
	exit(0);
}

/* More threads than there are rings. */
int odd_many_ends(void)
{
	struct actor actor;

	must_be(0, pthread_key_create(&key, destroy_value), "pthread_key_create");
	for (int i = 0; i < 6000; i++) {
		actor_start(&actor, end_with_destructors, NULL);
		actor_join(&actor);
	}
	return 0;
}

/* It is in 'odd_word', and was not there when we began. */
int odd_library(void)
{
	void *handle = dlopen(odd_word, RTLD_NOW);
	void (*lock)(int times);

	must(handle, "dlopen");
	*(void **)&lock = dlsym(handle, "library_lock");
	must(lock, "dlsym");
	lock(20);
	dlclose(handle);
	expect_many(TRACE_MUTEX_ACQUIRE, LIBRARY_CONSTRUCTOR_LOCKS + 20 + LIBRARY_DESTRUCTOR_LOCKS);
	expect_many(TRACE_MUTEX_RELEASE, LIBRARY_CONSTRUCTOR_LOCKS + 20 + LIBRARY_DESTRUCTOR_LOCKS);
	return 0;
}

#define ERRNO_WAS 4711

/* Prints what errno is afterwards; traced it must be the same as not traced. */
#define TELL(call) \
	do { \
		errno = ERRNO_WAS; \
		(void)(call); \
		printf("%s: %d\n", #call, errno); \
	} while (0)

static void *nothing(void *unused)
{
	return unused;
}

static void do_nothing(void)
{
}

static void tell_locks(void)
{
	static pthread_mutex_t mutex = PTHREAD_ERRORCHECK_MUTEX_INITIALIZER_NP;
	static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
	static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	pthread_spinlock_t spin;

	TELL(pthread_mutex_lock(&mutex));
	TELL(pthread_mutex_lock(&mutex));
	TELL(pthread_mutex_trylock(&mutex));
	TELL(pthread_mutex_timedlock(&mutex, &actor_past));
	TELL(pthread_cond_timedwait(&condition, &mutex, &actor_past));
	TELL(pthread_cond_clockwait(&condition, &mutex, CLOCK_MONOTONIC, &actor_past));
	TELL(pthread_mutex_unlock(&mutex));
	TELL(pthread_mutex_unlock(&mutex));
	TELL(pthread_cond_signal(&condition));
	TELL(pthread_cond_broadcast(&condition));
	TELL(pthread_rwlock_rdlock(&rwlock));
	TELL(pthread_rwlock_timedwrlock(&rwlock, &actor_past));
	TELL(pthread_rwlock_trywrlock(&rwlock));
	TELL(pthread_rwlock_unlock(&rwlock));
	TELL(pthread_spin_init(&spin, 0));
	TELL(pthread_spin_lock(&spin));
	TELL(pthread_spin_trylock(&spin));
	TELL(pthread_spin_unlock(&spin));
	TELL(pthread_once(&once, do_nothing));
}

static void tell_others(void)
{
	char *words[] = { (char *)"none", NULL };
	pthread_t thread;
	sem_t semaphore;
	pid_t pid;

	TELL(sem_init(&semaphore, 0, 1));
	TELL(sem_wait(&semaphore));
	TELL(sem_trywait(&semaphore));
	TELL(sem_timedwait(&semaphore, &actor_past));
	TELL(sem_clockwait(&semaphore, CLOCK_MONOTONIC, &actor_past));
	TELL(sem_post(&semaphore));
	TELL(sem_timedwait(&semaphore, &actor_past));
	TELL(sem_open("/gilscope/no/such", 0));
	TELL(pthread_create(&thread, NULL, nothing, NULL));
	TELL(pthread_setname_np(thread, "a name that is too long for it"));
	TELL(pthread_join(thread, NULL));
	TELL(execv("/no/such/program", words));
	TELL(execlp("no-such-program", "none", (char *)NULL));
	errno = ERRNO_WAS;
	pid = fork();
	if (pid == 0)
		_exit(errno == ERRNO_WAS ? 0 : 1);
	printf("fork: %d\n", errno);
	TELL(waitpid(pid, NULL, 0));
}

int odd_errno(void)
{
	tell_locks();
	tell_others();
	/* Longer than any ring: so is errno when the slow ways are taken. */
	for (int i = 0; i < 400000; i++) {
		errno = ERRNO_WAS;
		odd_lock(1);
		must(errno == ERRNO_WAS, "errno is kept");
	}
	return 0;
}

static _Atomic bool over;

static void *creates_threads(void *unused)
{
	pthread_t thread;

	while (!atomic_load_explicit(&over, memory_order_relaxed)) {
		must_be(0, pthread_create(&thread, NULL, nothing, unused), "pthread_create");
		must_be(0, pthread_join(thread, NULL), "pthread_join");
	}
	return NULL;
}

/* What other threads hold of the loader's locks at the moment of a fork, the child never gets. */
int odd_fork_beside_threads(void)
{
	pthread_t threads[2];
	int status;

	for (int i = 0; i < 2; i++)
		must_be(0, pthread_create(&threads[i], NULL, creates_threads, NULL), "create");
	for (int i = 0; i < 1500; i++) {
		const pid_t pid = fork();

		must(pid >= 0, "fork");
		if (pid == 0)
			_exit(5);
		must(waitpid(pid, &status, 0) == pid && WEXITSTATUS(status) == 5, "it ends");
	}
	atomic_store_explicit(&over, true, memory_order_relaxed);
	for (int i = 0; i < 2; i++)
		must_be(0, pthread_join(threads[i], NULL), "pthread_join");
	return 0;
}

/* It frees what its handle was written to, maybe before its creator is back. */
static void *frees(void *behind)
{
	pthread_detach(pthread_self());
	munmap((pthread_t *)behind - 1, 4096);
	return NULL;
}

int odd_detached(void)
{
	for (int i = 0; i < 5000; i++) {
		pthread_t *const page = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
					     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		must(page != MAP_FAILED, "mmap");
		must_be(0, pthread_create(page, NULL, frees, page + 1), "pthread_create");
	}
	return 0;
}
