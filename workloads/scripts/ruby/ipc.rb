# frozen_string_literal: true

# Messages between two workers and back, through a pipe, a queue, a pair of sockets or memory that both see.
# Message k is the numbers mix(k * words + i) of 64 bits, and nothing in what is left of its bytes.
require "socket"
require_relative "runtime"

WORD = 8

PARAMS = [
  Param.new(name: "via", kind: :choice, fallback: "pipe", choices: %w[pipe queue socketpair shared],
            value: "HOW", help: "what carries the messages"),
  Param.new(name: "message", kind: :number, fallback: "64", low: WORD, high: 16_000_000, value: "BYTES",
            help: "how large a message is"),
  Param.new(name: "serialize", kind: :choice, fallback: "no", choices: %w[no yes], value: "WHETHER",
            help: "numbers are encoded to bytes and decoded, at each end"),
].freeze

# Bytes with their length before them, over a pipe each way or a pair of sockets.
class Stream
  LENGTH = 4

  def initialize(source, target)
    @source = source
    @target = target
  end

  def put(bytes)
    @target.write([bytes.bytesize].pack("L"), bytes)
    @target.flush
  end

  def get
    @source.read(@source.read(LENGTH).unpack1("L"))
  end
end

# Ruby's queue between threads, ours between processes: one each way.
class Queues
  def initialize(source, target)
    @source = source
    @target = target
  end

  def put(bytes)
    @target.push(bytes)
  end

  def get
    @source.pop
  end
end

# A string that both see, and a queue each way that says it is theirs: Ruby's semaphore.
class Memory
  def initialize(memory, mine, theirs)
    @memory = memory
    @mine = mine
    @theirs = theirs
  end

  def put(bytes)
    @memory.replace(bytes)
    @theirs.push(true)
  end

  def get
    @mine.pop
    @memory.dup
  end
end

# The ends of a pair of workers.
def make_pair(run)
  case run.params["via"]
  when "pipe"
    there, back = System.pipe("messages"), System.pipe("messages")
    [Stream.new(back[0], there[1]), Stream.new(there[0], back[1])]
  when "socketpair" then UNIXSocket.pair.map { |socket| Stream.new(socket, socket) }
  when "queue"
    there, back = Array.new(2) { run.mode.apart ? SimpleQueue.new : Thread::Queue.new }
    [Queues.new(back, there), Queues.new(there, back)]
  when "shared"
    there, back = Thread::Queue.new, Thread::Queue.new
    memory = +""
    [Memory.new(memory, back, there), Memory.new(memory, there, back)]
  end
rescue SystemCallError => e
  raise Refusal.new(IMPOSSIBLE, "cannot connect two workers: #{words_of(e)}")
end

def setup(run)
  Array.new(run.shares / 2) { make_pair(run) }.flatten(1)
end

def plan(run)
  if run.shares.odd?
    option = run.shares == run.count ? "workers" : "tasks"
    raise Refusal.new(MISUSE, "--#{option} #{run.shares}: messages go between two; give an even number")
  end
  why = "Ruby has no semaphore that processes share"
  Plan.new(together: true,
           reasons: run.params["via"] == "shared" ? { "processes" => why, "process-pool" => why } : {})
end

# With the time it takes.
def encode(worker, numbers)
  began_ns = System.now_ns
  bytes = Marshal.dump(numbers)
  worker.tell("serialize_ns", System.now_ns - began_ns)
  bytes
end

def decode(worker, bytes)
  began_ns = System.now_ns
  numbers = Marshal.load(bytes)
  worker.tell("deserialize_ns", System.now_ns - began_ns)
  numbers
end

def send_all(worker, start, stop)
  words = worker.params["message"] / WORD
  (start...stop).sum do |k|
    numbers = Array.new(words) { |i| mix(k * words + i) }
    answer = worker.params["serialize"] == "yes" ? ask(worker, numbers) : ask_plain(worker, numbers)
    worker.fail("message #{k} came back as another") if answer != numbers
    answer[0]
  end
end

def ask(worker, numbers)
  link = worker.given[worker.index]
  began_ns = System.now_ns
  bytes = encode(worker, numbers)
  link.put(bytes)
  answer = decode(worker, link.get)
  worker.latency(System.now_ns - began_ns)
  worker.tell("bytes", bytes.bytesize)
  answer
end

def ask_plain(worker, numbers)
  link = worker.given[worker.index]
  bytes = numbers.pack("Q*").ljust(worker.params["message"], "\0")
  began_ns = System.now_ns
  link.put(bytes)
  answer = link.get
  worker.latency(System.now_ns - began_ns)
  worker.tell("bytes", bytes.bytesize)
  answer.unpack("Q#{numbers.length}")
end

def answer_all(worker, start, stop)
  link = worker.given[worker.index]
  serialize = worker.params["serialize"] == "yes"
  (start...stop).each do
    bytes = link.get
    link.put(serialize ? encode(worker, decode(worker, bytes)) : bytes)
  end
  0
end

def work(worker, _phase)
  start, stop = share_of(worker.size, worker.index / 2, worker.count / 2)
  worker.tell("serialize_ns", 0)
  worker.tell("deserialize_ns", 0)
  worker.did(stop - start)
  worker.role = worker.index.even? ? "sends" : "answers"
  worker.index.even? ? send_all(worker, start, stop) : answer_all(worker, start, stop)
end

Main.main(Workload.new(
  name: "ipc",
  summary: "messages between pairs of workers, there and back, and what encoding them costs",
  size_unit: "messages", size_default: "10k", size_low: 1, size_high: 10**9,
  params: PARAMS,
  counts: %w[bytes serialize_ns deserialize_ns],
  plan: method(:plan),
  setup: method(:setup),
  work: method(:work)
))
