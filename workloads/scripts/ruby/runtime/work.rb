# frozen_string_literal: true

# What a workload is, and one worker as it sees itself: workloads/workload.h in Ruby. There are no ticks:
# the interpreter looks up from its work by itself.

MASK = 2**64 - 1

# splitmix64, as worker_mix.
def mix(value)
  value = (value + 0x9e3779b97f4a7c15) & MASK
  value = ((value ^ (value >> 30)) * 0xbf58476d1ce4e5b9) & MASK
  value = ((value ^ (value >> 27)) * 0x94d049bb133111eb) & MASK
  value ^ (value >> 31)
end

# Share 'index' of 'size' things in 'count' shares, from (inclusive) to (exclusive); shares differ by 1 at
# most.
def share_of(size, index, count)
  each, rest = size.divmod(count)
  start = each * index + [index, rest].min
  [start, start + each + (index < rest ? 1 : 0)]
end

# What a workload asks for. 'counters': so many numbers of 64 bits that all workers see, and 'locks' so many
# locks. 'handing': how workers that are apart hand lists over, "shared" (memory of so many numbers) or
# "pipe". 'loop' of the latencies: "open" (from the intended start) or "closed". 'together': the workers wait
# for one another. 'reasons': the modes in which it cannot run, and why.
Plan = Struct.new(:phases, :counters, :locks, :handing, :numbers, :echo, :loop, :together, :reasons,
                  keyword_init: true) do
  def initialize(phases: 1, counters: 0, locks: 1, handing: nil, numbers: 0, echo: nil, loop: "closed",
                 together: false, reasons: {})
    super
  end
end

# 'workers': how many when it is not said. 'setup' makes, once and before there are workers, what they are
# given; 'finish' ends it. 'counts': the names of results of its own.
Workload = Struct.new(:name, :summary, :size_unit, :size_default, :size_low, :size_high, :workers, :params,
                      :counts, :plan, :setup, :work, :check, :finish, keyword_init: true) do
  def initialize(workers: 2, params: [], counts: [], plan: ->(*) { Plan.new }, setup: ->(_) {},
                 check: ->(_) { 0 }, finish: ->(_) {}, **more)
    super
  end
end

# What a worker has to show: in pools the sum over tasks.
class Tally
  attr_reader :checksum, :units, :failure, :latencies, :counts, :notes

  def initialize
    @checksum = @units = 0
    @latencies = Histogram.new
    @counts = {}
    @notes = []
  end

  def add(sum)
    @checksum += sum
  end

  def did(units)
    @units += units
  end

  # The first one counts.
  def fail(text)
    @failure ||= text
  end

  # Adds to a result of the workload's own; one that nobody tells is null.
  def tell(name, number)
    @counts[name] = @counts.fetch(name, 0) + number
  end

  # A sentence that explains a result.
  def note(text)
    @notes |= [text]
  end

  # In plain values, for a pipe.
  def state
    { "checksum" => @checksum, "units" => @units, "failure" => @failure,
      "latency" => @latencies.state, "counts" => @counts, "notes" => @notes }
  end

  def merge(state)
    add(state["checksum"])
    did(state["units"])
    fail(state["failure"]) if state["failure"]
    @latencies.merge(Histogram.new(state["latency"]))
    state["counts"].each { |name, number| tell(name, number) }
    @notes |= state["notes"]
  end
end

# One worker, or one task of a pool. 'given' is what the workload's setup made; 'bond' is what the workers
# share; 'seat' is the number among those that run at once.
class Worker
  extend Forwardable

  attr_reader :index, :count, :size, :params, :given, :bond
  attr_writer :elapsed_ns
  attr_accessor :seat, :tally, :role, :values # the last is the workload's own

  def_delegators :@tally, :add, :did, :fail, :tell, :note

  def initialize(index, run, given, bond)
    @index = @seat = index
    @run = run
    @count = run.shares
    @size = run.size
    @params = run.params
    @given = given
    @bond = bond
    @tally = Tally.new
    @role = "cpu"
    @elapsed_ns = 0
    @spent = [0, 0, 0, 0]
  end

  def share(index = @index)
    share_of(@size, index, @count)
  end

  def latency(time_ns)
    @tally.latencies.add(time_ns)
  end

  def echo(byte)
    to, source = @bond.echoes[@seat]
    to.syswrite(byte.chr)
    source.sysread(1).ord
  end

  # Why no other worker comes between two steps of this one, in which it 'waits' or does not; nil: others
  # may.
  def alone(waits)
    return "there is one worker" if [@run.count, @run.shares].min == 1

    @run.mode.alone if @run.mode.in_turn || !waits
  end

  # The cheap ones only: others may have started already.
  def clock_start(run_delay_ns)
    switches = System.switches
    now = System.now_ns
    @start_ns ||= now
    @since = [now, [System.cpu_ns, run_delay_ns, *switches]]
  end

  def clock_stop
    cpu_ns = System.cpu_ns
    @finish_ns = System.now_ns
    switches = System.switches
    @elapsed_ns += @finish_ns - @since[0]
    after = [cpu_ns, System.run_delay_ns, *switches]
    @spent = @spent.zip(after, @since[1]).map do |spent, last, first|
      spent && last && first && spent + last - first
    end
  end

  # All of it in plain values, for a pipe.
  def result
    @tally.state.merge("role" => @role, "start_ns" => @start_ns, "finish_ns" => @finish_ns,
                       "elapsed_ns" => @elapsed_ns, "spent" => @spent)
  end
end
