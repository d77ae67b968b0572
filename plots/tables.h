/* The tables of the page. Each writes whole elements, and nothing when it would be empty. */
#ifndef PLOTS_TABLES_H
#define PLOTS_TABLES_H

#include "bench/stored/findings.h"

#include <stdio.h>

void tables_cells(const struct findings *findings, FILE *to);
void tables_latency(const struct findings *findings, FILE *to);
/* Cells that failed, with the reasons; and those that were not reached. */
void tables_failed(const struct findings *findings, FILE *to);
void tables_counters(const struct findings *findings, FILE *to);
void tables_machine(const struct findings *findings, FILE *to);

#endif
