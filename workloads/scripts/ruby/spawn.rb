# frozen_string_literal: true

# How long it takes to start a thread, a forked process, or a program: to its first instruction, or to its
# end and the end of the join.
require "rbconfig"
require_relative "runtime"

PARAMS = [
  Param.new(name: "what", kind: :choice, fallback: "thread", choices: %w[thread process exec], value: "WHAT",
            help: "what is started"),
  Param.new(name: "until", kind: :choice, fallback: "running", choices: %w[running joined], value: "WHEN",
            help: "the first instruction of what is started, or the end of waiting for it"),
].freeze
# The program is the interpreter itself, without what it loads for others.
TELL_THE_TIME = "$stdout.syswrite([Process.clock_gettime(Process::CLOCK_MONOTONIC, :nanosecond)].pack('Q'))"
PROGRAM = [RbConfig.ruby, "--disable=all", "-e", TELL_THE_TIME].freeze

# Each returns the moment of the first instruction of what it started, which has ended.
def start_thread
  Thread.new { System.now_ns }.value
end

def start_process
  started_by do |to|
    fork do
      to.syswrite([System.now_ns].pack("Q"))
      exit!(0)
    end
  end
end

def start_program
  started_by { |to| Process.spawn(*PROGRAM, out: to) }
end

def started_by
  source, to = IO.pipe(binmode: true)
  pid = yield to
  to.close
  told = source.read(8)
  Process.wait(pid)
  source.close
  raise "what was started said nothing" unless told&.bytesize == 8

  told.unpack1("Q")
end

def work(worker, _phase)
  what = { "thread" => :start_thread, "process" => :start_process, "exec" => :start_program }
  starting = method(what[worker.params["what"]])
  joined = worker.params["until"] == "joined"
  start, stop = worker.share
  (start...stop).each do
    before = System.now_ns
    running = starting.call
    worker.latency((joined ? System.now_ns : running) - before)
  end
  worker.did(stop - start)
  (start...stop).sum { |op| mix(op) }
end

def plan(run)
  lacks = run.params["what"] != "thread" && !Process.respond_to?(:fork)
  raise Refusal.new(IMPOSSIBLE, "--what '#{run.params['what']}' needs fork, which this Ruby does not have") if lacks

  Plan.new
end

Main.main(Workload.new(
  name: "spawn",
  summary: "starts threads, processes or programs: how long until they run, or have ended",
  size_unit: "starts", size_default: "200", size_low: 1, size_high: 10**9,
  params: PARAMS,
  plan: method(:plan),
  work: method(:work)
))
