/* The result in a few sentences. */
#ifndef PLOTS_VERDICT_H
#define PLOTS_VERDICT_H

#include "bench/stored/findings.h"

#include <stdio.h>

/* Plain text in lines; those that begin with "- " are the items of a list. */
void verdict_tell(const struct findings *findings, FILE *to);

#endif
