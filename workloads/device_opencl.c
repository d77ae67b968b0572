/* The first CPU that an OpenCL platform has, as PoCL's. Each device that is opened has a queue, a
 * program and memory of its own, so that threads share nothing of ours. */
#include "workloads/device.h"

#define CL_TARGET_OPENCL_VERSION 120
#include <CL/cl.h>
#include <pthread.h>
#include <stdlib.h>

#define PLATFORMS_MAX 16
#define GROUP 64 /* numbers that one thread of the device takes at a time */

/* worker_mix, in OpenCL C. */
static const char source[] = "ulong mix(ulong x)\n"
			     "{\n"
			     "	x += 0x9e3779b97f4a7c15ul;\n"
			     "	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ul;\n"
			     "	x = (x ^ (x >> 27)) * 0x94d049bb133111ebul;\n"
			     "	return x ^ (x >> 31);\n"
			     "}\n"
			     "kernel void mix_each(global ulong *out, ulong first, ulong rounds)\n"
			     "{\n"
			     "	ulong x = first + get_global_id(0);\n"
			     "	for (ulong i = 0; i < rounds; i++)\n"
			     "		x = mix(x);\n"
			     "	out[get_global_id(0)] = x;\n"
			     "}\n";

struct device {
	cl_command_queue queue;
	cl_kernel kernel;
	cl_mem memory;
	cl_event computed, transferred;
	uint64_t results[DEVICE_BATCH];
};

/* PoCL 3.1 has no devices yet for a thread that asks while another is the first to ask. */
static pthread_mutex_t opening = PTHREAD_MUTEX_INITIALIZER;

const char *device_refusal(void)
{
	return NULL;
}

static bool find_cpu(cl_device_id *cpu, struct err *err)
{
	cl_platform_id platforms[PLATFORMS_MAX];
	cl_uint count = 0;

	/* The loader of drivers says by a failure that there are none. */
	if (clGetPlatformIDs(PLATFORMS_MAX, platforms, &count) != CL_SUCCESS || count == 0)
		return err_set(err, EXIT_IMPOSSIBLE,
			       "there is no OpenCL driver here; install one, such as PoCL "
			       "(./setup offload)");
	for (cl_uint i = 0; i < count && i < PLATFORMS_MAX; i++) {
		if (clGetDeviceIDs(platforms[i], CL_DEVICE_TYPE_CPU, 1, cpu, NULL) == CL_SUCCESS)
			return true;
	}
	return err_set(err, EXIT_IMPOSSIBLE,
		       "no OpenCL driver here has the CPU as a device; install one that has, such "
		       "as PoCL (./setup offload)");
}

static bool make_ready(struct device *device, cl_device_id cpu, cl_int *failed)
{
	const char *text = source;
	cl_context context = clCreateContext(NULL, 1, &cpu, NULL, NULL, failed);
	cl_program program = NULL;

	if (*failed == CL_SUCCESS)
		device->queue =
			clCreateCommandQueue(context, cpu, CL_QUEUE_PROFILING_ENABLE, failed);
	if (*failed == CL_SUCCESS)
		device->memory = clCreateBuffer(context, CL_MEM_WRITE_ONLY, sizeof(device->results),
						NULL, failed);
	if (*failed == CL_SUCCESS)
		program = clCreateProgramWithSource(context, 1, &text, NULL, failed);
	if (*failed == CL_SUCCESS)
		*failed = clBuildProgram(program, 1, &cpu, "", NULL, NULL);
	if (*failed == CL_SUCCESS)
		device->kernel = clCreateKernel(program, "mix_each", failed);
	return *failed == CL_SUCCESS;
}

static bool open_one(struct device *device, struct err *err)
{
	struct device_times unused;
	cl_int failed = CL_SUCCESS;
	cl_device_id cpu = NULL;

	if (!find_cpu(&cpu, err))
		return false;
	/* What is compiled for the device when it is used at first is compiled now. */
	return (make_ready(device, cpu, &failed) && device_start(device, 0, DEVICE_BATCH, 1) &&
		device_finish(device, &unused)) ||
	       err_set(err, EXIT_IMPOSSIBLE, "the OpenCL device cannot be made ready (error %d)",
		       failed);
}

struct device *device_open(struct err *err)
{
	struct device *device = calloc(1, sizeof(*device));
	bool good;

	pthread_mutex_lock(&opening);
	good = device ? open_one(device, err) :
			err_set(err, EXIT_IMPOSSIBLE, "no memory for a device");
	pthread_mutex_unlock(&opening);
	if (good)
		return device;
	free(device);
	return NULL;
}

bool device_start(struct device *device, uint64_t first, uint64_t count, uint64_t rounds)
{
	/* Whole groups: what is computed too much is not looked at. */
	const size_t group = GROUP, all = (count + GROUP - 1) / GROUP * GROUP;
	const cl_ulong from = first, times = rounds;

	return clSetKernelArg(device->kernel, 0, sizeof(cl_mem), &device->memory) == CL_SUCCESS &&
	       clSetKernelArg(device->kernel, 1, sizeof(from), &from) == CL_SUCCESS &&
	       clSetKernelArg(device->kernel, 2, sizeof(times), &times) == CL_SUCCESS &&
	       clEnqueueNDRangeKernel(device->queue, device->kernel, 1, NULL, &all, &group, 0, NULL,
				      &device->computed) == CL_SUCCESS &&
	       clEnqueueReadBuffer(device->queue, device->memory, CL_FALSE, 0,
				   count * sizeof(uint64_t), device->results, 0, NULL,
				   &device->transferred) == CL_SUCCESS &&
	       clFlush(device->queue) == CL_SUCCESS;
}

static bool time_of(cl_event event, uint64_t *ns)
{
	cl_ulong from = 0, to = 0;
	const bool good = clGetEventProfilingInfo(event, CL_PROFILING_COMMAND_START, sizeof(from),
						  &from, NULL) == CL_SUCCESS &&
			  clGetEventProfilingInfo(event, CL_PROFILING_COMMAND_END, sizeof(to), &to,
						  NULL) == CL_SUCCESS;

	clReleaseEvent(event);
	*ns = to - from;
	return good && to >= from;
}

const uint64_t *device_finish(struct device *device, struct device_times *times)
{
	const bool finished = clFinish(device->queue) == CL_SUCCESS;
	const bool computed = time_of(device->computed, &times->kernel_ns);
	const bool transferred = time_of(device->transferred, &times->transfer_ns);

	return finished && computed && transferred ? device->results : NULL;
}
