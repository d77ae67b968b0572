/* The result in a few sentences. */
#ifndef PLOTS_VERDICT_H
#define PLOTS_VERDICT_H

#include "plots/findings.h"

#include <stdio.h>

/* Plain text, sentences that end in ". "; says so when nothing can be said. */
void verdict_tell(const struct findings *findings, FILE *to);

#endif
