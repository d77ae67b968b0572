/* The quick suite and the full one. */
#include "bench/suite.h"

#define MODES "sequential,threads,gil,processes"
#define MODELS "cpython2,cpython3"
#define EVERY "sequential,threads,gil,processes,subinterpreters,nogil"

const struct suite_row suite_quick[] = {
	{ "countdown", MODES, MODELS, "1,2,4", "", 70, 0 },
	{ "countdown", "sequential,gil", MODELS, "2", "cpus=1", 70, 0 },
	{ "mergesort", MODES, MODELS, "1,2,4", "", 70, 0 },
	{ "iosleep", MODES, MODELS, "2", "", 100, 0 },
	{ "convoy", "threads,gil,processes", MODELS, "1", "cpu=0", 33, 0 },
	{ "convoy", MODES, MODELS, "2", "cpu=1", 33, 0 },
	{ "race", "threads,gil,processes", MODELS, "10", "", 0, 1000 },
	{ "race", "threads,gil", MODELS, "10", "sleep=1ms", 0, 10 },
	{ 0 },
};

const struct suite_row suite_full[] = {
	{ "countdown", MODES, MODELS, "1,2,3,4,8", "", 150, 0 },
	{ "countdown", "sequential,gil", MODELS, "2,4", "cpus=1", 150, 0 },
	{ "mergesort", MODES, MODELS, "1,2,4,6", "", 150, 0 },
	{ "mergesort", "sequential,threads,processes", "", "2,4,6", "merge=tree", 150, 0 },
	{ "mergesort", "sequential,processes", "", "2,4,6", "return=pipe", 150, 0 },
	{ "iosleep", MODES, MODELS, "2,4", "", 200, 0 },
	{ "iosleep", MODES, MODELS, "2,4", "io=socketpair", 200, 0 },
	{ "convoy", "threads,gil,processes", MODELS, "1", "cpu=0", 100, 0 },
	{ "convoy", MODES, MODELS, "2", "cpu=1", 100, 0 },
	{ "convoy", "threads,gil,processes", MODELS, "3", "cpu=2", 100, 0 },
	{ "convoy", "threads,gil,processes", MODELS, "1", "cpu=0,io=socketpair", 10, 0 },
	{ "convoy", "threads,gil,processes", MODELS, "2", "cpu=1,io=socketpair", 10, 0 },
	{ "race", EVERY, MODELS ",cpython313,pypy,ruby", "10", "", 0, 1000 },
	{ "race", EVERY, MODELS, "10", "lock=lock", 0, 1000 },
	{ "race", "threads,gil,processes", MODELS, "10", "sleep=1ms", 0, 10 },
	{ 0 },
};
