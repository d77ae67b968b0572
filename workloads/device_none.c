/* No device: gilscope was built without a library for one. */
#include "workloads/device.h"

const char *device_refusal(void)
{
	return "it was built without OpenCL: run ./setup offload, and build again";
}

struct device *device_open(struct err *err)
{
	err_set(err, EXIT_IMPOSSIBLE, "%s", device_refusal());
	return NULL;
}

bool device_start(struct device *device, uint64_t first, uint64_t count, uint64_t rounds)
{
	(void)device;
	(void)first;
	(void)count;
	(void)rounds;
	return false;
}

const uint64_t *device_finish(struct device *device, struct device_times *times)
{
	(void)device;
	(void)times;
	return NULL;
}
