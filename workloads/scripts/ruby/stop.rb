# frozen_string_literal: true

# How long it takes to stop what computes: a thread that looks at a flag now and then, a process by a signal.
require_relative "runtime"

PARAMS = [
  Param.new(name: "what", kind: :choice, fallback: "thread", choices: %w[thread process], value: "WHAT",
            help: "what is stopped"),
  Param.new(name: "look", kind: :number, fallback: "1k", low: 1, high: 10**9, value: "N",
            help: "iterations between two looks at the flag"),
].freeze
RUN = 0.001

def compute(left)
  left -= 1 while left.positive?
end

# Both return how long it took from asking to the end.
def stop_thread(look)
  asked = false
  thread = Thread.new { compute(look) until asked }
  sleep(RUN)
  asked_ns = System.now_ns
  asked = true
  thread.join
  System.now_ns - asked_ns
end

# A process of Ruby's that is asked to terminate does so when its interpreter looks up from its work. Asked
# before its fork has come to an end it would not hear it: it says when it computes.
def stop_process(look)
  pid = start_process(look)
  sleep(RUN)
  asked_ns = System.now_ns
  Process.kill(:TERM, pid)
  Process.wait(pid)
  System.now_ns - asked_ns
end

def start_process(look)
  parent = Process.pid
  source, to = IO.pipe
  pid = fork_one("a process") do
    System.die_with(parent)
    Signal.trap("TERM", "DEFAULT")
    to.syswrite("x")
    loop { compute(look) }
  end
  source.sysread(1)
  [source, to].each(&:close)
  pid
end

def work(worker, _phase)
  what = { "thread" => :stop_thread, "process" => :stop_process }[worker.params["what"]]
  stopping = method(what)
  start, stop = worker.share
  worker.did(stop - start)
  (start...stop).sum do |op|
    worker.latency(stopping.call(worker.params["look"]))
    mix(op)
  end
end

def plan(run)
  lacks = run.params["what"] == "process" && !Process.respond_to?(:fork)
  raise Refusal.new(IMPOSSIBLE, "--what 'process' needs fork, which this Ruby does not have") if lacks

  Plan.new
end

Main.main(Workload.new(
  name: "stop",
  summary: "stops threads by a flag and processes by a signal: how long until they ended",
  size_unit: "stops", size_default: "100", size_low: 1, size_high: 10**9,
  params: PARAMS,
  plan: method(:plan),
  work: method(:work)
))
