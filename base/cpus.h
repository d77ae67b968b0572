/* The CPUs that this process may use, and lists of CPUs as the kernel writes them: '0-3,8'. */
#ifndef BASE_CPUS_H
#define BASE_CPUS_H

#include <sched.h>
#include <stdbool.h>
#include <stddef.h>

/* How many CPUs the affinity allows, and which; -1 and an empty list when it cannot be read. */
long cpus_allowed(char *list, size_t room);
/* Writes the CPUs of a mask of 'size_bytes' as a list; ends in '...' when they do not fit. */
void cpus_list_format(const cpu_set_t *mask, size_t size_bytes, char *to, size_t room);
/* Walks a list upwards: the CPU behind 'previous' (-1: the first), *list moves along. -1 at the
 * end, where *list is empty, or where it is no list. */
long cpus_list_next(const char **list, long previous);
/* The same CPUs in the order in which workers should be placed on them: one of each core first,
 * then their hardware threads. 'root' is what stands for '/': empty. False when it does not fit or
 * is no list. */
bool cpus_spread(const char *root, const char *allowed, char *to, size_t room);
/* How many CPUs a list has; -1 when it is no list. */
long cpus_list_count(const char *list);

#endif
