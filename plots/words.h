/* Numbers and names in sentences. */
#ifndef PLOTS_WORDS_H
#define PLOTS_WORDS_H

#include "bench/stored/findings.h"

#include <stdio.h>

/* "6.29 ms": three digits and the unit that suits. */
void words_time(FILE *to, double ns);
/* "54,100", "3.2", "0": three digits, thousands apart. */
void words_number(FILE *to, double value);
/* "1.01 (0.99 to 1.04)", or the median alone when there is no interval. */
void words_ratio(FILE *to, const struct estimate *ratio);
/* "in threads without a lock", "under gil cpython3", "in processes": where work was done. */
void words_where(FILE *to, const struct findings *findings, const struct cell *cell);
/* "one", "two" ... "nine", "10" */
void words_count(FILE *to, uint64_t count);
/* ", ", or " and " before the last of 'count' things. */
void words_between(FILE *to, size_t i, size_t count);

#endif
