# frozen_string_literal: true

# Sorts a shuffled list: the workers sort a chunk each, and the chunks are merged, one after the other by
# the first worker as in the texts, or pairwise as a tree. The permutation is that of workloads/mergesort.c.
require_relative "runtime"

PARAMS = [
  Param.new(name: "merge", kind: :choice, fallback: "serial", choices: %w[serial tree], value: "HOW",
            help: "merge the chunks one after the other or pairwise"),
  Param.new(name: "return", kind: :choice, fallback: "shared", choices: %w[shared pipe], value: "HOW",
            help: "how sorted chunks come back from processes"),
  Param.new(name: "shuffle-seed", kind: :number, fallback: "1", low: 0, high: 2**63 - 1, value: "N",
            help: "seed of the shuffle"),
].freeze

def phases_of(count, params)
  params["merge"] == "serial" ? 2 : 1 + (count - 1).bit_length
end

def plan(run)
  handing = run.params["return"]
  Plan.new(phases: phases_of(run.shares, run.params), handing: handing, numbers: run.size,
           together: handing == "pipe" && run.mode.name == "process-pool")
end

# 0 to size - 1 in an order that depends on the seed alone (Fisher, Yates).
def setup(run)
  values = []
  run.size.times do |i|
    j = mix(run.params["shuffle-seed"] + i) % (i + 1)
    values << i
    values[i] = values[j]
    values[j] = i
  end
  values
end

def merge(left, right)
  merged = []
  i = j = 0
  while i < left.length && j < right.length
    if left[i] <= right[j]
      merged << left[i]
      i += 1
    else
      merged << right[j]
      j += 1
    end
  end
  merged.concat(left[i..]).concat(right[j..])
end

def sort(values)
  return values if values.length < 2

  middle = values.length / 2
  merge(sort(values[0...middle]), sort(values[middle..]))
end

# Whether the worker hands over what it has sorted. In round r of a tree runs of 2^(r - 1) chunks are joined,
# and the right one of a pair gives.
def gives?(worker, phase)
  return phase == 1 && worker.index.positive? if worker.params["merge"] == "serial"

  last = phases_of(worker.count, worker.params) - 1
  phase.between?(1, last) && worker.index % 2**phase == 2**(phase - 1)
end

# Takes the run that the worker 'index' has sorted, of 'width' chunks, and merges it behind ours.
def take_and_merge(worker, index, width)
  return if index >= worker.count

  start = worker.share(index)[0]
  stop = worker.share([index + width, worker.count].min - 1)[1]
  worker.values = merge(worker.values, worker.bond.take(index, start, stop))
end

def join(worker, phase)
  if worker.params["merge"] == "serial"
    (1...worker.count).each { |index| take_and_merge(worker, index, 1) } if worker.index.zero?
  elsif (worker.index % 2**phase).zero?
    take_and_merge(worker, worker.index + 2**(phase - 1), 2**(phase - 1))
  end
end

def work(worker, phase)
  start, stop = worker.share
  if phase.zero?
    worker.did(stop - start)
    worker.values = sort(worker.given[start...stop])
  elsif gives?(worker, phase)
    worker.bond.send_list(worker.index, worker.values)
  else
    join(worker, phase)
  end
  worker.bond.offer(worker.index, start, worker.values) if gives?(worker, phase + 1)
  0
end

# The list was a permutation of 0 to size - 1: sorted means that every element is its own index.
def check(worker)
  return 0 if worker.index.positive?

  worker.values.each_with_index.sum do |value, i|
    worker.fail("not sorted: element #{i} is #{value}") if value != i
    mix(value ^ (i << 32))
  end
end

Main.main(Workload.new(
  name: "mergesort",
  summary: "sorts a shuffled list: chunks sorted by the workers, then merged",
  size_unit: "elements", size_default: "1M", size_low: 4, size_high: 2**31,
  params: PARAMS,
  plan: method(:plan),
  setup: method(:setup),
  work: method(:work),
  check: method(:check)
))
