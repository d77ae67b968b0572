# frozen_string_literal: true

# A call with a time limit: it runs in a forked process, which is killed when the time is over. Call op is
# quick when mix(seed ^ op) & 1, else it never returns.
require_relative "runtime"

PARAMS = [
  Param.new(name: "limit", kind: :time, fallback: "10ms", low: 1000, high: 10**10, value: "TIME",
            help: "how long a call may take"),
  Param.new(name: "seed", kind: :number, fallback: "1", low: 0, high: 2**63 - 1, value: "N",
            help: "which calls are quick"),
].freeze

def quick?(worker, operation)
  mix(worker.params["seed"] ^ operation).odd?
end

# The process, and the pipe through which its answer comes.
def start(worker, operation)
  parent = Process.pid
  source, to = IO.pipe(binmode: true)
  pid = fork_one("call #{operation}") do
    System.die_with(parent)
    source.close
    to.syswrite([mix(operation)].pack("Q")) if quick?(worker, operation)
    sleep unless quick?(worker, operation)
  end
  to.close
  [pid, source]
end

def kill(pid)
  Process.kill(:KILL, pid)
  Process.wait(pid)
end

# Whether the call answered in time.
def call(worker, operation)
  deadline = System.now_ns + worker.params["limit"]
  pid, source = start(worker, operation)
  left = [deadline - System.now_ns, 0].max / 1e9
  answered = source.wait_readable(left)
  if answered
    wrong = source.read(8).unpack1("Q") != mix(operation)
    worker.fail("call #{operation} answered something else") if wrong
    Process.wait(pid)
  else
    kill(pid)
    worker.latency(System.now_ns - deadline)
  end
  source.close
  answered
end

def work(worker, _phase)
  first, last = worker.share
  worker.did(last - first)
  %w[in_time killed late].each { |name| worker.tell(name, 0) }
  (first...last).sum do |op|
    in_time = call(worker, op)
    worker.tell(in_time ? "in_time" : "killed", 1)
    worker.tell("late", 1) if !in_time && quick?(worker, op)
    mix(op)
  end
end

def plan(_run)
  raise Refusal.new(IMPOSSIBLE, "a call needs fork, which this Ruby does not have") unless Process.respond_to?(:fork)

  Plan.new
end

Main.main(Workload.new(
  name: "timeout",
  summary: "calls with a limit, each in a process that is killed when its time is up",
  size_unit: "calls", size_default: "20", size_low: 1, size_high: 10**9,
  params: PARAMS,
  counts: %w[in_time killed late],
  plan: method(:plan),
  work: method(:work)
))
