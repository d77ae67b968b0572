// What the standard library of C++ makes of locks; prints what every run prints.
#include <chrono>
#include <condition_variable>
#include <functional>
#include <future>
#include <iostream>
#include <mutex>
#include <shared_mutex>
#include <stdexcept>
#include <system_error>
#include <thread>
#include <vector>

using namespace std::chrono_literals;

static std::mutex mutex;
static std::recursive_mutex recursive;
static std::timed_mutex timed;
static std::shared_mutex shared;
static std::shared_timed_mutex shared_timed;
static std::condition_variable condition;
static std::condition_variable_any any;
static std::once_flag once;
static int count, count_shared, onces;

// Locks when its thread is nearly gone.
struct late {
	int used = 0;
	~late()
	{
		std::lock_guard<std::mutex> guard(mutex);
		count += used;
	}
};
static thread_local late at_the_end;

static void fight()
{
	at_the_end.used = 1;
	for (int i = 0; i < 1000; i++) {
		std::lock_guard<std::mutex> guard(mutex);
		count++;
	}
	for (int i = 0; i < 100; i++) {
		std::unique_lock<std::shared_mutex> guard(shared);
		count_shared++;
	}
	for (int i = 0; i < 100; i++)
		std::shared_lock<std::shared_mutex> guard(shared);
	std::lock_guard<std::recursive_mutex> first(recursive), second(recursive);
	std::call_once(once, [] { onces++; });
}

static void fights()
{
	std::vector<std::thread> threads;

	for (int i = 0; i < 4; i++)
		threads.emplace_back(fight);
	for (auto &thread : threads)
		thread.join();
	std::cout << count << ' ' << count_shared << ' ' << onces << std::endl;
}

// A routine that throws has not been done.
static void throws()
{
	std::once_flag flag;
	int tries = 0;

	for (int i = 0; i < 3; i++) {
		try {
			std::call_once(flag, [&] {
				if (++tries < 2)
					throw std::runtime_error("not yet");
			});
		} catch (const std::runtime_error &error) {
			std::cout << error.what() << std::endl;
		}
	}
	std::cout << tries << std::endl;
}

static void waits()
{
	bool ready = false;
	std::thread waiter([&] {
		std::unique_lock<std::mutex> guard(mutex);

		condition.wait(guard, [&] { return ready; });
		std::cout << "woken" << std::endl;
	});

	{
		std::lock_guard<std::mutex> guard(mutex);
		ready = true;
	}
	condition.notify_one();
	waiter.join();
	std::unique_lock<std::mutex> guard(mutex);
	std::unique_lock<std::shared_mutex> other(shared);
	std::cout << condition.wait_for(guard, 10ms, [] { return false; })
		  << condition.wait_until(guard, std::chrono::system_clock::now() + 10ms,
					  [] { return false; })
		  << any.wait_for(other, 10ms, [] { return false; }) << std::endl;
}

static void times_out()
{
	std::lock_guard<std::timed_mutex> guard(timed);
	std::shared_lock<std::shared_timed_mutex> reader(shared_timed);

	std::thread([] {
		std::cout << timed.try_lock_for(10ms)
			  << timed.try_lock_until(std::chrono::system_clock::now() + 10ms)
			  << timed.try_lock() << shared_timed.try_lock_for(10ms)
			  << shared_timed.try_lock_shared_for(10ms) << std::endl;
		shared_timed.unlock_shared();
	}).join();
}

static void futures()
{
	std::promise<int> promise;
	std::packaged_task<int()> task([]() -> int { throw std::runtime_error("task"); });
	auto result = promise.get_future(), failure = task.get_future();

	std::thread([&] { promise.set_value(7); }).join();
	std::thread(std::move(task)).join();
	std::cout << std::async(std::launch::async, [] { return 42; }).get() << result.get()
		  << std::endl;
	try {
		failure.get();
	} catch (const std::exception &error) {
		std::cout << error.what() << std::endl;
	}
}

static void refused(const std::function<void()> &act)
{
	try {
		act();
	} catch (const std::system_error &error) {
		std::cout << error.code() << std::endl;
	}
}

int main()
{
	fights();
	throws();
	waits();
	times_out();
	futures();
	refused([] { std::thread().join(); });
	refused([] {
		std::unique_lock<std::mutex> guard(mutex);
		guard.lock();
	});
	return 7;
}
