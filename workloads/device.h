/* What offload hands its work to: a device that a library drives, which is the CPU by OpenCL. The
 * library does not survive a fork: who forks must not have opened a device. */
#ifndef WORKLOADS_DEVICE_H
#define WORKLOADS_DEVICE_H

#include "base/param.h"

/* Elements that it computes in one go, at most. */
#define DEVICE_BATCH 32768

struct device;

struct device_times {
	uint64_t kernel_ns, transfer_ns; /* by the device's own clock */
};

/* Why there can be no device, whatever the machine: a sentence without its end; null: there can. */
const char *device_refusal(void);
/* Finds a device and makes it ready, so that the first work costs as much as any other. Null: see
 * the reason. It lives as long as its process. */
struct device *device_open(struct err *err);
/* Hands it work: of each of 'count' numbers from 'first' on, worker_mix applied 'rounds' times. */
bool device_start(struct device *device, uint64_t first, uint64_t count, uint64_t rounds);
/* Waits for the end of that. Null: it failed; else the results, until the next start. */
const uint64_t *device_finish(struct device *device, struct device_times *times);

#endif
