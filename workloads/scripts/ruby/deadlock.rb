# frozen_string_literal: true

# Two workers that can wait for each other for ever, as in workloads/deadlock.c: each takes a lock and then
# the other's, or its own again. By luck they never meet; without it they always do, and Ruby, which knows
# when all of its threads wait for each other, says so and ends; with a time limit they give up and try again.
require "timeout"
require_relative "runtime"

PARAMS = [
  Param.new(name: "kind", kind: :choice, fallback: "opposite", choices: %w[opposite self gil], value: "KIND",
            help: "two locks in opposite order, one lock twice, or a lock and the interpreter's"),
  Param.new(name: "timing", kind: :choice, fallback: "lucky", choices: %w[lucky unlucky timeout], value: "HOW",
            help: "the workers never meet, always do and wait for ever, or give up after --limit"),
  Param.new(name: "limit", kind: :time, fallback: "10ms", low: 1000, high: 10**10, value: "TIME",
            help: "how long to wait for the second lock, with --timing timeout"),
].freeze

# 'met': both have what the other will ask for, and both have ended a round. 'alone': the first worker is
# through, by luck.
Shared = Struct.new(:locks, :met, :alone)

def plan(run)
  if run.shares != 2
    option = run.mode.pool? ? "tasks" : "workers"
    raise Refusal.new(MISUSE, "--#{option} #{run.shares}: two workers take two locks; give 2")
  end
  together = run.params["kind"] != "self" && run.params["timing"] != "lucky"
  Plan.new(together: together, reasons: reasons_of(run.params["kind"], together))
end

def reasons_of(kind, together)
  return Hash.new("locks of Ruby let go of the interpreter's own while one waits for them") if kind == "gil"

  why = "Ruby has no lock that processes share"
  reasons = { "processes" => why, "process-pool" => why }
  reasons["events"] = "Ruby finds deadlocks, and interrupts waits, of threads: there is one here" if together
  reasons
end

# The time may be over just when the lock is taken.
def take_within(lock, limit_ns)
  Timeout.timeout(limit_ns / 1e9) { lock.lock }
  true
rescue Timeout::Error
  lock.owned?
end

# Up to the limit, by mix(try << 1 ^ worker).
def give_up(worker, try)
  worker.tell("given_up", 1)
  sleep(mix(try << 1 ^ worker.index) % worker.params["limit"] / 1e9)
end

def take_or_give_up(worker, own, other)
  try = 0
  until take_within(other, worker.params["limit"])
    own.unlock
    give_up(worker, try)
    own.lock
    try += 1
  end
end

# Both have their own before either asks for the other's, and both have ended before a round begins.
def take_opposite(worker, timing)
  shared = worker.given
  own, other = shared.locks.rotate(worker.index)
  own.lock
  shared.met.wait if timing != "lucky"
  timing == "timeout" ? take_or_give_up(worker, own, other) : other.lock
  other.unlock
  own.unlock
  shared.met.wait if timing != "lucky"
end

# As a method that takes a lock and is called by another that has it: by luck it has not. A Mutex knows who
# has it, and raises at once.
def take_again(worker, timing)
  own = worker.given.locks[worker.index]
  own.lock
  own.unlock if timing == "lucky"
  own.lock
  own.unlock
rescue ThreadError
  raise if timing == "unlucky"

  worker.tell("given_up", 1)
  own.unlock
end

def work(worker, _phase)
  kind, timing = worker.params.values_at("kind", "timing")
  in_turn = timing == "lucky" && kind == "opposite"
  worker.tell("given_up", 0)
  worker.given.alone.pop if in_turn && worker.index == 1
  worker.size.times { kind == "self" ? take_again(worker, timing) : take_opposite(worker, timing) }
  worker.given.alone.push(true) if in_turn && worker.index.zero?
  worker.did(worker.size)
  worker.size.times.sum { |round| mix(2 * round + worker.index) }
end

def check(worker)
  kind, timing = worker.params.values_at("kind", "timing")
  if worker.index.zero? && kind == "opposite" && timing == "lucky"
    worker.note("it did not hang because one worker was through before the other began: they take two locks " \
                "in opposite order")
  end
  0
end

Main.main(Workload.new(
  name: "deadlock",
  summary: "workers that take two locks in opposite order, and hang unless they are lucky",
  size_unit: "rounds", size_default: "1", size_low: 1, size_high: 10**9,
  params: PARAMS,
  counts: %w[given_up],
  plan: method(:plan),
  setup: ->(_) { Shared.new([Mutex.new, Mutex.new], Modes::Barrier.new(2), Thread::Queue.new) },
  work: method(:work),
  check: method(:check)
))
