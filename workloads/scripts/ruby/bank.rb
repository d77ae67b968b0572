# frozen_string_literal: true

# Transfers between accounts, each read and written without care: whether the sum is what it was. Transfer
# op, with x = seed << 32 ^ op: mix(3x + 2) % 100 + 1 from account mix(3x) % n to the one that is
# 1 + mix(3x + 1) % (n - 1) further on, all in 64 bits.
require_relative "runtime"

START = 1000

PARAMS = [
  Param.new(name: "accounts", kind: :number, fallback: "10", low: 2, high: 1_000_000, value: "N",
            help: "how many accounts there are"),
  Param.new(name: "lock", kind: :choice, fallback: "none", choices: %w[none one each], value: "HOW",
            help: "what protects a transfer: nothing, one lock, or both accounts' own"),
  Param.new(name: "sleep", kind: :time, fallback: "0", low: 0, high: 10**10, value: "TIME",
            help: "between reading both balances and writing them"),
  Param.new(name: "seed", kind: :number, fallback: "1", low: 0, high: 2**63 - 1, value: "N",
            help: "seed of the transfers"),
].freeze

def plan(run)
  accounts = run.params["accounts"]
  Plan.new(counters: accounts, locks: run.params["lock"] == "each" ? accounts : 1)
end

def transfer(worker, operation)
  accounts = worker.params["accounts"]
  x = worker.params["seed"] << 32 ^ operation
  from = mix(3 * x) % accounts
  to = (from + 1 + mix(3 * x + 1) % (accounts - 1)) % accounts
  [from, to, 1 + mix(3 * x + 2) % 100]
end

# Nothing at which the interpreter looks up from its work is between the reads and the writes.
def move(balances, from, to, amount)
  from_has = balances[from]
  to_has = balances[to]
  balances[from] = from_has - amount
  balances[to] = to_has + amount
end

def move_slowly(balances, from, to, amount, time_ns)
  from_has = balances[from]
  to_has = balances[to]
  sleep(time_ns / 1e9)
  balances[from] = from_has - amount
  balances[to] = to_has + amount
end

# The lower number first: else two transfers could wait for each other.
def locked(worker, from, to, &block)
  case worker.params["lock"]
  when "one" then worker.bond.locked(&block)
  when "each"
    first, second = [from, to].minmax
    worker.bond.locked(first) { worker.bond.locked(second, &block) }
  else yield
  end
end

def work(worker, _phase)
  balances = worker.bond.counters
  time_ns = worker.params["sleep"]
  start, stop = worker.share
  (start...stop).each do |op|
    from, to, amount = transfer(worker, op)
    locked(worker, from, to) do
      time_ns.zero? ? move(balances, from, to, amount) : move_slowly(balances, from, to, amount, time_ns)
    end
  end
  worker.did(stop - start)
  (start...stop).sum { |op| mix(op) }
end

def explain(worker, safe)
  alone = worker.alone(worker.params["sleep"].positive?)
  if safe
    worker.note("no update can be lost: a lock protects each")
  elsif alone
    worker.note("no update can be lost: #{alone}")
  else
    worker.note("updates can be lost here; the sum is what it was")
  end
end

# Balances begin at 0 in memory, and at 1,000 in the bank.
def check(worker)
  return 0 if worker.index.positive?

  accounts = worker.params["accounts"]
  safe = worker.params["lock"] != "none"
  balances = (0...accounts).map { |account| START + worker.bond.counters[account] }
  drift = (balances.sum - START * accounts).abs
  worker.tell("sum_before", START * accounts)
  worker.tell("sum_after", balances.sum)
  worker.tell("drift", drift)
  worker.fail("the sum is off by #{drift} behind locks") if safe && drift.positive?
  explain(worker, safe) if drift.zero?
  safe ? balances.each_with_index.sum { |balance, account| mix(account << 32 ^ (balance & 0xffffffff)) } : 0
end

Main.main(Workload.new(
  name: "bank",
  summary: "transfers between accounts: whether the sum of all balances stays what it was",
  size_unit: "transfers", size_default: "100k", size_low: 1, size_high: 10**12,
  params: PARAMS,
  counts: %w[sum_before sum_after drift],
  plan: method(:plan),
  work: method(:work),
  check: method(:check)
))
