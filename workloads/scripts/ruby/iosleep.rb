# frozen_string_literal: true

# Workers that wait most of the time: timers that fall due, or bytes echoed by a pipe or a peer, one every
# period. The loop is open, as in workloads/iosleep.c: an operation is due by the clock, whether or not the
# one before has ended, and its latency counts from that moment.
require_relative "runtime"

PARAMS = [
  Param.new(name: "io", kind: :choice, fallback: "sleep", choices: %w[sleep pipe socketpair], value: "KIND",
            help: "an operation: a timer, a byte through one's own pipe, or one echoed by a peer"),
  Param.new(name: "period", kind: :time, fallback: "1ms", low: 1000, high: 10**10, value: "TIME",
            help: "from one operation of a worker to its next"),
  Param.new(name: "blocking", kind: :number, fallback: "0", low: 0, high: 10**9, value: "N",
            help: "every N-th operation of worker 0 waits in a call that blocks; 0: none"),
].freeze

# By a call that no scheduler of fibers takes over; elsewhere it is a sleep like any other.
def sleep_blocking(moment)
  while (left = moment - System.now_ns).positive?
    IO.select(nil, nil, nil, left / 1e9)
  end
end

def sleep_in(worker, number, due)
  every = worker.params["blocking"]
  return System.sleep_until(due) unless worker.index.zero? && every.positive? && (number % every).zero?

  sleep_blocking(due)
end

def work(worker, _phase)
  period = worker.params["period"]
  echoes = worker.params["io"] != "sleep"
  start, stop = worker.share
  due = System.now_ns
  total = 0
  worker.role = "io"
  worker.did(stop - start)
  (start...stop).each do |op|
    byte = op & 255
    due += period
    sleep_in(worker, op - start + 1, due)
    byte = worker.echo(byte) if echoes
    worker.latency(System.now_ns - due)
    total += mix((op << 8) | byte)
  end
  total
end

Main.main(Workload.new(
  name: "iosleep",
  summary: "waits for timers or byte echoes, one a period: latency from the intended start",
  size_unit: "operations", size_default: "200", size_low: 1, size_high: 10**9,
  params: PARAMS,
  plan: ->(run) { Plan.new(echo: run.params["io"], loop: "open") },
  work: method(:work)
))
