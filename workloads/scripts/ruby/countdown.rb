# frozen_string_literal: true

# The program that made the GIL famous (Beazley 2009), in Ruby: count a number down to zero, shared out over
# the workers. As in workloads/countdown.c every step also adds to a sum, the checksum.
require_relative "runtime"

def work(worker, _phase)
  stop, n = worker.share
  total = 0
  worker.did(n - stop)
  while n > stop
    total += n
    n -= 1
  end
  total
end

Main.main(Workload.new(
  name: "countdown",
  summary: "counts a number down to zero: pure computing",
  size_unit: "decrements", size_default: "20M", size_low: 1, size_high: 10**12,
  work: method(:work)
))
