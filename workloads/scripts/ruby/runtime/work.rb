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

# What a workload asks for. 'counters': so many small numbers that all workers see. 'handing': how workers
# that are apart hand lists over, "shared" (memory of so many numbers) or "pipe". 'loop' of the latencies:
# "open" (from the intended start) or "closed".
Plan = Struct.new(:phases, :counters, :handing, :numbers, :echo, :loop, keyword_init: true) do
  def initialize(phases: 1, counters: 0, handing: nil, numbers: 0, echo: nil, loop: nil)
    super
  end
end

Workload = Struct.new(:name, :summary, :size_unit, :size_default, :size_low, :size_high, :params,
                      :plan, :setup, :work, :check, keyword_init: true)

# One worker. 'given' is what the workload's setup made; 'bond' is what the workers share.
class Worker
  attr_reader :index, :count, :size, :params, :given, :bond
  attr_accessor :values, :role, :checksum # the first is the workload's own

  def initialize(index, run, given, bond)
    @index = index
    @count = run.count
    @size = run.size
    @params = run.params
    @given = given
    @bond = bond
    @checksum = @units = @elapsed_ns = 0
    @role = "cpu"
    @latencies = Histogram.new
    @spent = [0, 0, 0, 0]
  end

  # From (inclusive) to (exclusive) of a worker's share; shares differ by 1 at most.
  def share(index = @index)
    each, rest = @size.divmod(@count)
    start = each * index + [index, rest].min
    [start, start + each + (index < rest ? 1 : 0)]
  end

  def did(units)
    @units += units
  end

  def fail(text)
    @failure ||= text
  end

  def latency(time_ns)
    @latencies.add(time_ns)
  end

  def echo(byte)
    to, source = @bond.echoes[@index]
    to.syswrite(byte.chr)
    source.sysread(1).ord
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
    { "checksum" => @checksum, "units" => @units, "role" => @role, "failure" => @failure,
      "start_ns" => @start_ns, "finish_ns" => @finish_ns, "elapsed_ns" => @elapsed_ns,
      "spent" => @spent, "latency" => @latencies.state }
  end
end
