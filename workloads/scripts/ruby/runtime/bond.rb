# frozen_string_literal: true

require "socket"

# What workers share: counters, a lock, the lists that they hand over, the ends of their echoes. Threads
# share objects.
class Bond
  attr_reader :counters, :echoes

  def initialize(plan, echoes)
    @counters = [0] * plan.counters
    @echoes = echoes
    @lock = Mutex.new
    @lists = {}
  end

  def locked(&block)
    @lock.synchronize(&block)
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
  WORD = 4

  # Numbers in memory.
  class Numbers
    def initialize(memory)
      @memory = memory
    end

    def [](index)
      @memory[index * WORD, WORD].unpack1("L")
    end

    def []=(index, value)
      @memory[index * WORD, WORD] = [value].pack("L")
    end
  end

  attr_reader :counters, :echoes

  def initialize(plan, count, echoes)
    @plan = plan
    @echoes = echoes
    @pipes = Array.new(plan.handing == "pipe" ? count : 0) { IO.pipe(binmode: true) }
    bytes = WORD * (plan.counters + (plan.handing == "shared" ? plan.numbers : 0))
    @memory = bytes.positive? ? System.shared_memory(bytes) : nil
    @counters = Numbers.new(@memory)
    # A byte in a pipe: whoever has read it has the lock.
    @lock = IO.pipe
    @lock[1].syswrite("x")
  end

  def locked
    @lock[0].sysread(1)
    yield
  ensure
    @lock[1].syswrite("x")
  end

  # In the phase before the one in which it is taken.
  def offer(_index, start, values)
    @memory[place_of(start), WORD * values.length] = values.pack("L*") if @plan.handing == "shared"
  end

  # In the phase in which it is taken.
  def send_list(index, values)
    @pipes[index][1].write(values.pack("L*")) if @plan.handing == "pipe"
    @pipes[index][1].flush if @plan.handing == "pipe"
  end

  def take(index, start, stop)
    bytes = WORD * (stop - start)
    data = @plan.handing == "pipe" ? @pipes[index][0].read(bytes) : @memory[place_of(start), bytes]
    data.unpack("L*")
  end

  private

  def place_of(start)
    WORD * (@plan.counters + start)
  end
end

# The ends of echoes: a pipe to oneself, or a pair of sockets whose other end a peer process serves,
# outside of any lock.
class Echoes
  attr_reader :ends

  def initialize(kind, count)
    @pairs = []
    @ends = Array.new(%w[pipe socketpair].include?(kind) ? count : 0) do |i|
      open_one(kind)
    rescue SystemCallError => e
      raise Refusal.new(IMPOSSIBLE, "cannot open pipe #{i + 1} of #{count}: #{words_of(e)}")
    end
    start_peer unless @pairs.empty?
  end

  # The peer ends when its last socket closes; waited for, so that its time is counted.
  def stop
    @pairs.each { |ours, _| ours.close }
    Process.wait(@peer) if @peer
  end

  private

  def open_one(kind)
    return IO.pipe.reverse if kind == "pipe"

    @pairs << UNIXSocket.pair
    [@pairs[-1][0], @pairs[-1][0]]
  end

  def start_peer
    parent = Process.pid
    @peer = fork_one("the echo peer") do
      System.die_with(parent)
      @pairs.each { |ours, _| ours.close }
      serve(@pairs.map(&:last))
    end
    @pairs.each { |_, theirs| theirs.close }
  end

  def serve(sockets)
    until sockets.empty?
      IO.select(sockets)[0].each do |socket|
        socket.syswrite(socket.sysread(256))
      rescue EOFError, SystemCallError
        sockets.delete(socket)
      end
    end
  end
end

# What the system said, without the class's own words.
def words_of(error)
  error.message.split(" @ ").first.split(" - ").first
end

# A child that never returns to where it was forked.
def fork_one(what)
  pid = fork
rescue SystemCallError => e
  raise Refusal.new(IMPOSSIBLE, "cannot fork #{what}: #{words_of(e)}")
else
  return pid if pid

  begin
    yield
  rescue Exception # rubocop:disable Lint/RescueException
    exit!(1)
  end
  exit!(0)
end
