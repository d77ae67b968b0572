# frozen_string_literal: true

# What it takes to hand over: workers take turns at a lock, pass a token round, meet at a barrier, or write a
# number of their own. The library of Ruby ends at Mutex, Monitor, ConditionVariable and queues; the other
# primitives are made of these, as in the gem concurrent-ruby.
require "monitor"
require_relative "runtime"

PARAMS = [
  Param.new(name: "primitive", kind: :choice, fallback: "lock",
            choices: %w[lock rlock event condition semaphore barrier local], value: "WHAT",
            help: "what the workers take, wait for or write"),
  Param.new(name: "hold", kind: :number, fallback: "0", low: 0, high: 10**9, value: "N",
            help: "iterations of an empty loop while it is held"),
].freeze
TOGETHER = %w[event condition barrier].freeze

# Taken twice, as by a method that calls another.
class Reentrant
  def initialize
    @monitor = Monitor.new
  end

  def lock
    @monitor.enter
    @monitor.enter
  end

  def unlock
    @monitor.exit
    @monitor.exit
  end
end

# Of one: a queue with one place.
class Semaphore
  def initialize
    @places = SizedQueue.new(1)
  end

  def lock
    @places.push(true)
  end

  def unlock
    @places.pop
  end
end

class Event
  def initialize
    @mutex = Mutex.new
    @condition = ConditionVariable.new
    @set = false
  end

  def set
    @mutex.synchronize do
      @set = true
      @condition.broadcast
    end
  end

  def clear
    @mutex.synchronize { @set = false }
  end

  def wait
    @mutex.synchronize { @condition.wait(@mutex) until @set }
  end
end

class CyclicBarrier
  def initialize(parties)
    @parties = parties
    @waiting = @round = 0
    @mutex = Mutex.new
    @condition = ConditionVariable.new
  end

  def wait
    @mutex.synchronize do
      round = @round
      @waiting += 1
      if @waiting == @parties
        @waiting = 0
        @round += 1
        @condition.broadcast
      end
      @condition.wait(@mutex) while round == @round
    end
  end
end

# Who takes the lock after whom; written by its holder, but for 'waiting', each worker's own.
class Turns
  attr_reader :handovers, :repeats, :longest_run

  def initialize(workers)
    @waiting = [false] * workers
    @handovers = @repeats = @run = @longest_run = 0
  end

  def begins_to_wait(index)
    @waiting[index] = true
  end

  # Returns how long it took from the release, if the worker waited for another one's.
  def taken(index, began_ns, now)
    @waiting[index] = false
    previous = @last
    @last = index
    count(previous, index)
    now - @released_ns if previous && previous != index && began_ns < @released_ns
  end

  def releases
    @released_ns = System.now_ns
  end

  private

  def count(previous, index)
    if previous == index
      @repeats += 1
    else
      @handovers += 1 if previous
      @run = 0
    end
    @run = @waiting.any? ? @run + 1 : 0
    @longest_run = [@longest_run, @run].max
  end
end

# What the workers share, of one primitive.
Shared = Struct.new(:lock, :turns, :mutex, :parts, :turn, :moments, keyword_init: true)

def setup(run)
  workers = run.shares
  case run.params["primitive"]
  when "lock" then Shared.new(lock: Mutex.new, turns: Turns.new(workers))
  when "rlock" then Shared.new(lock: Reentrant.new, turns: Turns.new(workers))
  when "semaphore" then Shared.new(lock: Semaphore.new, turns: Turns.new(workers))
  when "event" then Shared.new(parts: make_events(workers), moments: [])
  when "condition"
    Shared.new(mutex: Mutex.new, turn: 0, parts: Array.new(workers) { ConditionVariable.new }, moments: [])
  when "barrier" then Shared.new(parts: CyclicBarrier.new(workers), moments: [[0] * workers, [0] * workers])
  end
end

# The first worker has the token.
def make_events(workers)
  Array.new(workers) { Event.new }.tap { |events| events[0].set }
end

def hold(worker)
  left = worker.params["hold"]
  left -= 1 while left.positive?
end

def take_turns(worker, times)
  lock, turns = worker.given.to_a
  times.times do
    began_ns = System.now_ns
    turns.begins_to_wait(worker.index)
    lock.lock
    passed_ns = turns.taken(worker.index, began_ns, System.now_ns)
    worker.latency(passed_ns) if passed_ns
    hold(worker)
    turns.releases
    lock.unlock
  end
end

# From just before the token was given, if somebody gave it, to now.
def got_token(worker)
  given_ns = worker.given.moments[worker.index]
  worker.latency(System.now_ns - given_ns) if given_ns
  hold(worker)
  following = (worker.index + 1) % worker.count
  worker.given.moments[following] = System.now_ns
  following
end

def pass_by_events(worker, times)
  events = worker.given.parts
  times.times do
    events[worker.index].wait
    events[worker.index].clear
    events[got_token(worker)].set
  end
end

def pass_by_conditions(worker, times)
  shared = worker.given
  times.times do
    shared.mutex.synchronize do
      shared.parts[worker.index].wait(shared.mutex) until shared.turn == worker.index
      shared.turn = got_token(worker)
      shared.parts[shared.turn].signal
    end
  end
end

# The moments of one round are read while those of the next are written.
def meet(worker, times)
  times.times do |round|
    hold(worker)
    moments = worker.given.moments[round % 2]
    moments[worker.index] = System.now_ns
    worker.given.parts.wait
    worker.latency(System.now_ns - moments.max)
  end
end

def raise_own(worker, times)
  thread = Thread.current
  thread.thread_variable_set(:number, 0)
  times.times { thread.thread_variable_set(:number, thread.thread_variable_get(:number) + 1) }
  found = thread.thread_variable_get(:number)
  worker.fail("a number of the thread's own is #{found} and not #{times}") if found != times
end

def work(worker, _phase)
  start, stop = worker.share
  times = stop - start
  case worker.params["primitive"]
  when "event" then pass_by_events(worker, times)
  when "condition" then pass_by_conditions(worker, times)
  when "barrier" then meet(worker, worker.size / worker.count)
  when "local" then raise_own(worker, times)
  else take_turns(worker, times)
  end
  worker.did(times)
  (start...stop).sum { |op| mix(op) }
end

def check(worker)
  turns = worker.given&.turns
  return 0 unless turns && worker.index.zero?

  worker.tell("handovers", turns.handovers)
  worker.tell("repeats", turns.repeats)
  worker.tell("longest_run", turns.longest_run)
  0
end

def plan(run)
  primitive = run.params["primitive"]
  why = "Ruby has no #{primitive} that processes share"
  reasons = primitive == "local" ? {} : { "processes" => why, "process-pool" => why }
  Plan.new(together: TOGETHER.include?(primitive), reasons: reasons)
end

Main.main(Workload.new(
  name: "sync",
  summary: "workers hand over a lock or a token, or meet: how long it takes, and who gets it",
  size_unit: "hand-overs", size_default: "10k", size_low: 1, size_high: 10**12,
  params: PARAMS,
  counts: %w[handovers repeats longest_run],
  plan: method(:plan),
  setup: method(:setup),
  work: method(:work),
  check: method(:check)
))
