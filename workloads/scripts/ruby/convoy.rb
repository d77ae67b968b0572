# frozen_string_literal: true

# I/O workers beside CPU-bound ones: the convoy (Beazley, bpo-7946). The fixed work is the I/O operations;
# the CPU-bound workers compute until these are done. A closed loop, as in workloads/convoy.c.
require_relative "runtime"

PARAMS = [
  Param.new(name: "cpu", kind: :number, fallback: "1", low: 0, high: 1023, value: "K",
            help: "how many of the workers are CPU-bound; the others do I/O"),
  Param.new(name: "io", kind: :choice, fallback: "sleep", choices: %w[sleep pipe socketpair], value: "KIND",
            help: "an operation: a sleep, a byte through one's own pipe, or one echoed by a peer"),
  Param.new(name: "sleep", kind: :time, fallback: "1ms", low: 1000, high: 10**10, value: "TIME",
            help: "how long a sleep is"),
].freeze

def plan(run)
  cpu = run.params["cpu"]
  if cpu >= run.shares
    raise Refusal.new(MISUSE, "--cpu #{cpu} leaves no I/O worker of #{run.shares}; " \
                              "give more --workers or less --cpu")
  end
  why = "a worker that computes until the others are done would keep them waiting for ever"
  Plan.new(counters: 1, echo: run.params["io"], reasons: cpu.zero? ? {} : { "events" => why })
end

def io_workers(worker)
  worker.count - worker.params["cpu"]
end

def do_io(worker)
  workers = io_workers(worker)
  start = worker.size * worker.index / workers
  stop = worker.size * (worker.index + 1) / workers
  pause = worker.params["sleep"] / 1e9
  echoes = worker.params["io"] != "sleep"
  total = 0
  (start...stop).each do |op|
    byte = op & 255
    issued = System.now_ns
    echoes ? byte = worker.echo(byte) : sleep(pause)
    worker.latency(System.now_ns - issued)
    total += mix((op << 8) | byte)
  end
  worker.did(stop - start)
  # Counts those that have ended, so that 0 needs no preparation.
  worker.bond.locked { worker.bond.counters[0] += 1 }
  total
end

def compute(worker)
  ended = worker.bond.counters
  workers = io_workers(worker)
  ticks = 0
  ticks += 1 while ended[0] < workers
  worker.did(ticks)
  0
end

def work(worker, _phase)
  does_io = worker.index < io_workers(worker)
  worker.role = does_io ? "io" : "cpu"
  does_io ? do_io(worker) : compute(worker)
end

Main.main(Workload.new(
  name: "convoy",
  summary: "I/O workers beside CPU-bound ones: operations per second and their latency",
  size_unit: "operations", size_default: "30", size_low: 1, size_high: 10**9,
  params: PARAMS,
  plan: method(:plan),
  work: method(:work)
))
