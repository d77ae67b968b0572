/* A program that has functions of its own which are named like recorded ones: they are its. */
#include <stdio.h>
#include <unistd.h>

static int reads, sleeps;

/* NOLINTNEXTLINE(readability-inconsistent-declaration-parameter-name): of the header's */
ssize_t read(int fd, void *to, size_t size)
{
	(void)fd;
	(void)to;
	reads++;
	return (ssize_t)size + 1;
}

unsigned sleep(unsigned seconds)
{
	sleeps++;
	return seconds + 2;
}

int main(void)
{
	char byte;
	const long result = read(-1, &byte, 1);

	printf("%ld %u %d %d\n", result, sleep(1000), reads, sleeps);
	return 0;
}
