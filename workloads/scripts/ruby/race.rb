# frozen_string_literal: true

# Lost updates: workers raise one counter by one, reading it and writing it back, as in workloads/race.c.
# What is lost is the result, not a failure. Before update 'op' and between its read and its write the worker
# sleeps mix(seed << 32 ^ n) % (sleep + 1) ns, n being 2 * op and 2 * op + 1.
require_relative "runtime"

PARAMS = [
  Param.new(name: "lock", kind: :choice, fallback: "none", choices: %w[none lock], value: "HOW",
            help: "what protects an update"),
  Param.new(name: "sleep", kind: :time, fallback: "0", low: 0, high: 10**10, value: "TIME",
            help: "the longest sleep before an update, and between its read and its write"),
  Param.new(name: "seed", kind: :number, fallback: "1", low: 0, high: 2**63 - 1, value: "N",
            help: "seed of the sleeps"),
].freeze

# Nothing at which the interpreter looks up from its work is between the read and the write.
def update(counters)
  value = counters[0]
  counters[0] = value + 1
end

def update_slowly(counters, pause)
  value = counters[0]
  sleep(pause)
  counters[0] = value + 1
end

# In seconds.
def pause_of(worker, number)
  mix(worker.params["seed"] << 32 ^ number) % (worker.params["sleep"] + 1) / 1e9
end

def do_one(worker, operation)
  counters = worker.bond.counters
  return update(counters) if worker.params["sleep"].zero?

  update_slowly(counters, pause_of(worker, 2 * operation + 1))
end

def work(worker, _phase)
  locked = worker.params["lock"] == "lock"
  start, stop = worker.share
  (start...stop).each do |op|
    sleep(pause_of(worker, 2 * op)) if worker.params["sleep"].positive?
    locked ? worker.bond.locked { do_one(worker, op) } : do_one(worker, op)
  end
  worker.did(stop - start)
  (start...stop).sum { |op| mix(op) }
end

def explain(worker, locked)
  alone = worker.alone(worker.params["sleep"].positive?)
  if locked
    worker.note("no update can be lost: a lock protects each")
  elsif alone
    worker.note("no update can be lost: #{alone}")
  else
    worker.note("updates can be lost here; none was in this run")
  end
end

def check(worker)
  return 0 if worker.index.positive?

  locked = worker.params["lock"] == "lock"
  found = worker.bond.counters[0]
  lost = worker.size - found
  worker.tell("expected", worker.size)
  worker.tell("found", found)
  worker.tell("lost_updates", lost)
  worker.fail("#{lost} updates were lost behind a lock") if locked && lost != 0
  explain(worker, locked) if lost.zero?
  0
end

Main.main(Workload.new(
  name: "race",
  summary: "workers raise one counter, each step read and written: how many updates are lost",
  size_unit: "updates", size_default: "1k", size_low: 1, size_high: 10**12, workers: 10,
  params: PARAMS,
  counts: %w[expected found lost_updates],
  plan: ->(_) { Plan.new(counters: 1) },
  work: method(:work),
  check: method(:check)
))
