# frozen_string_literal: true

# Producers and consumers with a bounded queue between them: one made of a lock and two conditions, Ruby's
# own SizedQueue with a sentinel for each consumer, or one that can be joined, with poison pills.
require_relative "runtime"

PARAMS = [
  Param.new(name: "kind", kind: :choice, fallback: "condition", choices: %w[condition sentinel joinable],
            value: "KIND", help: "what the queue is made of, and how its consumers come to an end"),
  Param.new(name: "bound", kind: :number, fallback: "20", low: 1, high: 10**9, value: "N",
            help: "how many items it holds at most"),
  Param.new(name: "producers", kind: :number, fallback: "0", low: 0, high: 1023, value: "K",
            help: "how many of the workers produce (0: half of them); the others consume"),
].freeze
STOP = nil

def producers_of(workers, params)
  params["producers"].zero? ? [1, workers / 2].max : params["producers"]
end

def plan(run)
  producers = producers_of(run.shares, run.params)
  if producers >= run.shares
    raise Refusal.new(MISUSE, "--producers #{producers} leaves no consumer of #{run.shares}; " \
                              "give more --workers or fewer --producers")
  end
  why = "Ruby has no queue that processes share"
  Plan.new(together: true, reasons: { "processes" => why, "process-pool" => why })
end

# As in the textbooks. It knows how many items will come, and has none when all were taken.
class Bounded
  attr_reader :full_waits, :empty_waits, :most

  def initialize(bound, items)
    @bound = bound
    @left = items
    @items = []
    @mutex = Mutex.new
    @not_full = ConditionVariable.new
    @not_empty = ConditionVariable.new
    @full_waits = @empty_waits = @most = 0
  end

  def push(item)
    @mutex.synchronize do
      while @items.length == @bound
        @full_waits += 1
        @not_full.wait(@mutex)
      end
      @items.push(item)
      @most = [@most, @items.length].max
      @not_empty.signal
    end
  end

  def pop
    @mutex.synchronize do
      while @items.empty? && @left.positive?
        @empty_waits += 1
        @not_empty.wait(@mutex)
      end
      return STOP if @items.empty?

      @left -= 1
      @not_empty.broadcast if @left.zero?
      @not_full.signal
      @items.shift
    end
  end
end

# Python's queue.Queue has this; Ruby's has not.
class JoinableQueue < SizedQueue
  def initialize(bound)
    super
    @unfinished = 0
    @mutex = Mutex.new
    @all_done = ConditionVariable.new
  end

  def push(item)
    @mutex.synchronize { @unfinished += 1 }
    super
  end

  def task_done
    @mutex.synchronize do
      @unfinished -= 1
      @all_done.broadcast if @unfinished.zero?
    end
  end

  def join
    @mutex.synchronize { @all_done.wait(@mutex) until @unfinished.zero? }
  end
end

# 'producing': how many producers have not ended, under a lock of its own.
Shared = Struct.new(:queue, :producers, :mutex, :producing)

def setup(run)
  producers = producers_of(run.shares, run.params)
  queue = case run.params["kind"]
          when "condition" then Bounded.new(run.params["bound"], run.size)
          when "sentinel" then SizedQueue.new(run.params["bound"])
          else JoinableQueue.new(run.params["bound"])
          end
  Shared.new(queue, producers, Mutex.new, producers)
end

def last_to_end?(shared)
  shared.mutex.synchronize { (shared.producing -= 1).zero? }
end

# Joined when every item was put: an empty queue may be one that others still fill.
def produce(worker)
  shared = worker.given
  start, stop = share_of(worker.size, worker.index, shared.producers)
  (start...stop).each { |item| shared.queue.push([item, System.now_ns]) }
  worker.did(stop - start)
  return if worker.params["kind"] == "condition" || !last_to_end?(shared)

  shared.queue.join if worker.params["kind"] == "joinable"
  (worker.count - shared.producers).times { shared.queue.push(STOP) }
end

def consume(worker)
  queue = worker.given.queue
  joinable = worker.params["kind"] == "joinable"
  total = items = 0
  while (item, put_ns = queue.pop)
    worker.latency(System.now_ns - put_ns)
    total += mix(item)
    items += 1
    queue.task_done if joinable
  end
  worker.did(items)
  total
end

def work(worker, _phase)
  produces = worker.index < worker.given.producers
  worker.role = produces ? "produces" : "consumes"
  return consume(worker) unless produces

  produce(worker)
  0
end

def check(worker)
  return 0 if worker.index.positive? || worker.params["kind"] != "condition"

  queue = worker.given.queue
  worker.tell("full_waits", queue.full_waits)
  worker.tell("empty_waits", queue.empty_waits)
  worker.tell("most", queue.most)
  0
end

Main.main(Workload.new(
  name: "queue",
  summary: "producers and consumers with a bounded queue between them: an item's time in it",
  size_unit: "items", size_default: "10k", size_low: 1, size_high: 10**12, workers: 4,
  params: PARAMS,
  counts: %w[full_waits empty_waits most],
  plan: method(:plan),
  setup: method(:setup),
  work: method(:work),
  check: method(:check)
))
