# frozen_string_literal: true

# What workers share: counters, locks, the lists that they hand over, the ends of their echoes. Threads
# share objects.
class Bond
  attr_reader :counters, :echoes

  def initialize(plan, echoes)
    @counters = [0] * plan.counters
    @echoes = echoes
    @locks = Array.new(plan.locks) { Mutex.new }
    @lists = {}
  end

  def locked(index = 0, &block)
    @locks[index].synchronize(&block)
  end

  def offer(index, _start, values)
    @lists[index] = values
  end

  def send_list(_index, _values); end

  def take(index, _start, _end)
    @lists.delete(index)
  end
end

# Processes share memory and pipes.
class Apart
  WORD = 4 # of a list
  LONG = 8 # of a counter

  # Signed numbers of 64 bits in memory.
  class Numbers
    def initialize(count)
      @memory = System.shared_memory(LONG * count)
    end

    def [](index)
      @memory[index * LONG, LONG].unpack1("q")
    end

    def []=(index, value)
      @memory[index * LONG, LONG] = [value].pack("q")
    end
  end

  # A byte in a pipe: whoever has read it has the lock.
  class Lock
    def initialize
      @source, @to = System.pipe("a lock")
      @to.syswrite("x")
    end

    def synchronize
      @source.sysread(1)
      begin
        yield
      ensure
        @to.syswrite("x")
      end
    end
  end

  attr_reader :counters, :echoes

  def initialize(plan, count, echoes)
    @handing = plan.handing
    @echoes = echoes
    @pipes = Array.new(@handing == "pipe" ? count : 0) { System.pipe("a list") }
    @memory = System.shared_memory(WORD * plan.numbers) if @handing == "shared"
    @counters = Numbers.new(plan.counters) if plan.counters.positive?
    @locks = Array.new(plan.locks) { Lock.new }
  end

  def locked(index = 0, &block)
    @locks[index].synchronize(&block)
  end

  # In the phase before the one in which it is taken.
  def offer(_index, start, values)
    @memory[WORD * start, WORD * values.length] = values.pack("L*") if @handing == "shared"
  end

  # In the phase in which it is taken.
  def send_list(index, values)
    @pipes[index][1].write(values.pack("L*")) if @handing == "pipe"
    @pipes[index][1].flush if @handing == "pipe"
  end

  def take(index, start, stop)
    bytes = WORD * (stop - start)
    data = @handing == "pipe" ? @pipes[index][0].read(bytes) : @memory[WORD * start, bytes]
    data.unpack("L*")
  end
end

# Objects from process to process: a pipe, and a lock around each end, as multiprocessing.SimpleQueue has
# them. Nothing is read ahead: the next object may be another's.
class SimpleQueue
  LENGTH = 4

  attr_reader :to

  def self.frame(object)
    data = Marshal.dump(object)
    [data.bytesize].pack("L") << data
  end

  def initialize
    @source, @to = System.pipe("a queue")
    @getting, @putting = Apart::Lock.new, Apart::Lock.new
  end

  def push(object)
    frame = SimpleQueue.frame(object)
    @putting.synchronize { @to.write(frame) }
  end

  def pop
    data = @getting.synchronize { System.read_whole(@source, System.read_whole(@source, LENGTH).unpack1("L")) }
    Marshal.load(data)
  end
end
