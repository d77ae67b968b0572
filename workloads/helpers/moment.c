/* Writes the time at which it began (CLOCK_MONOTONIC, 8 bytes) to its standard output: how long it
 * takes until a program that was started runs. */
#include "base/clock.h"

#include <unistd.h>

int main(void)
{
	const uint64_t began = clock_now_ns();

	return write(STDOUT_FILENO, &began, sizeof(began)) != sizeof(began);
}
