"""Pools, queues and locks of processes, started in each of the ways there are."""
import multiprocessing


def square(number):
    return number * number


def put(queue, lock):
    with lock:
        queue.put(1)


if __name__ == "__main__":
    for method in "fork", "spawn", "forkserver":
        context = multiprocessing.get_context(method)
        with context.Pool(3) as pool:
            print(method, pool.map(square, range(10)))
        queue, lock = context.Queue(), context.Lock()
        processes = [context.Process(target=put, args=(queue, lock)) for _ in range(3)]
        for process in processes:
            process.start()
        print(sum(queue.get() for _ in processes))
        for process in processes:
            process.join()
        print([process.exitcode for process in processes])
