# frozen_string_literal: true

# A map over a range: item i costs so many iterations of an empty loop, or a sleep, and its result is
# mix(i), stored at its place. In mode thread-pool or process-pool --tasks says how many chunks it is cut in.
require_relative "runtime"

PARAMS = [
  Param.new(name: "item-ticks", kind: :number, fallback: "2000", low: 0, high: 10**9, value: "N",
            help: "iterations of an empty loop for an item"),
  Param.new(name: "sleep", kind: :time, fallback: "0", low: 0, high: 10**10, value: "TIME",
            help: "how long an item sleeps"),
  Param.new(name: "spread", kind: :choice, fallback: "even", choices: %w[even wide], value: "HOW",
            help: "all items cost the same, or item i costs mix(i) % 8 quarters of it"),
].freeze

# In quarters.
def cost_of(worker, item)
  worker.params["spread"] == "wide" ? mix(item) % 8 : 4
end

def do_item(worker, item)
  quarters = cost_of(worker, item)
  time_ns = worker.params["sleep"] * quarters / 4
  sleep(time_ns / 1e9) if time_ns.positive?
  left = worker.params["item-ticks"] * quarters / 4
  left -= 1 while left.positive?
  mix(item)
end

def work(worker, _phase)
  start, stop = worker.share
  worker.did(stop - start)
  (start...stop).sum { |item| worker.bond.counters[item] = do_item(worker, item) }
end

# What is stored has a sign.
def check(worker)
  return 0 if worker.index.positive?

  worker.size.times do |item|
    worker.fail("the result of item #{item} is not in its place") if worker.bond.counters[item] & MASK != mix(item)
  end
  0
end

Main.main(Workload.new(
  name: "poolmap",
  summary: "computes every item of a range and puts its result in its place",
  size_unit: "items", size_default: "1k", size_low: 1, size_high: 10**9,
  params: PARAMS,
  plan: ->(run) { Plan.new(counters: run.size) },
  work: method(:work),
  check: method(:check)
))
