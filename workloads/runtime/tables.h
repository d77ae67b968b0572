/* The tables that the build makes from the lists of files: every mode, every lock model, and the
 * one workload of this binary. Each ends in null. */
#ifndef WORKLOADS_RUNTIME_TABLES_H
#define WORKLOADS_RUNTIME_TABLES_H

extern const struct workload *const workloads[];
extern const struct mode *const modes[];
extern const struct gil *const gils[];

#endif
