#include "bench/counters.h"
