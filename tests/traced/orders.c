/* Two locks in every order that matters, for gilscope report --hazards: 'orders WHAT'. What hangs
 * is killed by itself when it does. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* Their names must be found. */
extern pthread_mutex_t lock_a, lock_b;
pthread_mutex_t lock_a = PTHREAD_MUTEX_INITIALIZER, lock_b = PTHREAD_MUTEX_INITIALIZER;

static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
static pthread_rwlock_t shared_a = PTHREAD_RWLOCK_INITIALIZER;
static pthread_rwlock_t shared_b = PTHREAD_RWLOCK_INITIALIZER;
static pthread_barrier_t met;
static _Atomic pid_t waiting[2];

enum way { PLAIN, MEETING, GATED, TRYING, READING, TWICE, LEAVING };

/* What a thread does: with the locks in which order, and how. */
struct act {
	int number; /* 0 or 1 */
	enum way way;
};

static void read_both(int number)
{
	pthread_rwlock_rdlock(number ? &shared_b : &shared_a);
	pthread_rwlock_rdlock(number ? &shared_a : &shared_b);
	pthread_rwlock_unlock(number ? &shared_a : &shared_b);
	pthread_rwlock_unlock(number ? &shared_b : &shared_a);
}

static void *run(void *argument)
{
	const struct act *act = argument;
	pthread_mutex_t *first = act->number ? &lock_b : &lock_a;
	pthread_mutex_t *second = act->number ? &lock_a : &lock_b;

	if (act->way == READING) {
		read_both(act->number);
		return NULL;
	}
	if (act->way == GATED)
		pthread_mutex_lock(&gate);
	pthread_mutex_lock(first);
	if (act->way == MEETING)
		pthread_barrier_wait(&met);
	if (act->way == LEAVING)
		return NULL;
	waiting[act->number] = (pid_t)syscall(SYS_gettid);
	if (act->way == TRYING && pthread_mutex_trylock(second) != 0)
		second = NULL;
	else if (act->way != TRYING)
		pthread_mutex_lock(act->way == TWICE ? first : second);
	if (second)
		pthread_mutex_unlock(second);
	pthread_mutex_unlock(first);
	if (act->way == GATED)
		pthread_mutex_unlock(&gate);
	return NULL;
}

static pthread_t start(int number, enum way way)
{
	static struct act acts[2];
	pthread_t thread;

	acts[number] = (struct act){ number, way };
	if (pthread_create(&thread, NULL, run, &acts[number]) != 0)
		abort();
	return thread;
}

static void nap(void)
{
	nanosleep(&(struct timespec){ .tv_nsec = 5000000 }, NULL);
}

/* Whether a thread sleeps now. */
static bool sleeps(pid_t tid)
{
	char path[64], text[256] = "";
	int fd;
	ssize_t got;

	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", (int)tid);
	fd = open(path, O_RDONLY);
	got = fd >= 0 ? read(fd, text, sizeof(text) - 1) : -1;
	close(fd);
	return got > 0 && strstr(text, ") S ") != NULL;
}

/* Waits until these threads sleep whenever one looks, and ends the process as others would. */
static void kill_when_hung(int first, int last)
{
	for (int looks = 0; looks < 20; looks++) {
		nap();
		for (int i = first; i <= last; i++) {
			if (waiting[i] == 0 || !sleeps(waiting[i]))
				looks = 0;
		}
	}
	kill(getpid(), SIGKILL);
}

static void both(enum way way)
{
	const pthread_t first = start(0, way), second = start(1, way);

	pthread_join(first, NULL);
	pthread_join(second, NULL);
}

static void one_by_one(enum way way)
{
	pthread_join(start(0, way), NULL);
	pthread_join(start(1, way), NULL);
}

/* They never meet, though nothing but time keeps them apart. */
static void lucky(enum way way)
{
	const pthread_t first = start(0, way);
	pthread_t second;

	while (waiting[0] == 0)
		nap();
	nap();
	second = start(1, way);
	pthread_join(first, NULL);
	pthread_join(second, NULL);
}

int main(int argc, char *argv[])
{
	const char *what = argc > 1 ? argv[1] : "";

	pthread_barrier_init(&met, NULL, 2);
	if (strcmp(what, "lucky") == 0) {
		lucky(PLAIN);
	} else if (strcmp(what, "hang") == 0) {
		start(0, MEETING);
		start(1, MEETING);
		kill_when_hung(0, 1);
	} else if (strcmp(what, "self") == 0) {
		start(0, TWICE);
		kill_when_hung(0, 0);
	} else if (strcmp(what, "left") == 0) {
		pthread_join(start(0, LEAVING), NULL);
		start(1, PLAIN);
		kill_when_hung(1, 1);
	} else if (strcmp(what, "joined") == 0) {
		one_by_one(PLAIN);
	} else if (strcmp(what, "gated") == 0) {
		both(GATED);
	} else if (strcmp(what, "tried") == 0) {
		both(TRYING);
	} else if (strcmp(what, "read") == 0) {
		both(READING);
	} else {
		return 2;
	}
	return 0;
}
