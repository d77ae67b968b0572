# frozen_string_literal: true

# The loop of mode events, a scheduler of Ruby's fibers: a fiber that sleeps, or waits for a descriptor or a
# lock, gives way to the others. Computing, and a call that blocks, keep them waiting.
class Events
  Wait = Struct.new(:io, :events, :deadline)

  def initialize
    @ready = [] # pairs of a fiber and what its wait returns
    @waits = {} # by fiber, the first to wait first
    @bell = IO.pipe
    @pid = Process.pid
    @turns = @longest_ns = @looks = 0
  end

  # Until all fibers have ended.
  def run
    until @ready.empty? && @waits.empty?
      take_turn
      look unless @ready.empty? && @waits.empty?
    end
  end

  def members
    { turns: @turns, longest_turn_ns: @longest_ns, waits: @looks }
  end

  # What Ruby asks of a scheduler.

  def fiber(&block)
    Fiber.new(blocking: false, &block).tap { |fiber| @ready << [fiber, nil] }
  end

  def io_wait(source, events, timeout)
    wait(source, events, timeout)
  end

  def kernel_sleep(duration = nil)
    wait(nil, 0, duration)
    true
  end

  # For a lock, a queue, a thread's end; whether it was worth it.
  def block(_blocker, timeout = nil)
    wait(nil, 0, timeout)
  end

  # From any thread.
  def unblock(_blocker, fiber)
    @ready << [fiber, true]
    @bell[1].write_nonblock("x", exception: false)
  end

  # At the end of the thread, however it came.
  def close; end

  private

  def wait(source, events, timeout)
    return wait_alone(source, events, timeout) if Process.pid != @pid

    @waits[Fiber.current] = Wait.new(source, events, timeout && System.now_ns + (timeout * 1e9).ceil)
    Fiber.yield
  end

  # In a process that a fiber has forked: the others are not there.
  def wait_alone(source, events, timeout)
    wanted = [IO::READABLE, IO::WRITABLE].map { |event| events & event == 0 ? [] : [source] }
    IO.select(*wanted, nil, timeout) ? events : false
  end

  # All that are ready, each until it waits.
  def take_turn
    started = System.now_ns
    @ready.shift(@ready.length).each do |fiber, answer|
      @waits.delete(fiber)
      fiber.resume(answer) if fiber.alive?
    end
    @turns += 1
    @longest_ns = [@longest_ns, System.now_ns - started].max
  end

  def look
    left = @ready.empty? ? time_left : 0
    @looks += 1 unless left&.zero?
    readable, writable = IO.select([@bell[0], *waiting_for(IO::READABLE)], waiting_for(IO::WRITABLE), nil, left)
    @bell[0].read_nonblock(4096, exception: false) if readable&.include?(@bell[0])
    @waits.each do |fiber, wait|
      events = (readable&.include?(wait.io) ? IO::READABLE : 0) | (writable&.include?(wait.io) ? IO::WRITABLE : 0)
      due = wait.deadline && wait.deadline <= System.now_ns
      @ready << [fiber, events.zero? ? false : events & wait.events] if events & wait.events != 0 || due
    end
  end

  def waiting_for(event)
    @waits.each_value.select { |wait| wait.events & event != 0 }.map(&:io)
  end

  # In seconds, until the first deadline; nil: none.
  def time_left
    first = @waits.each_value.filter_map(&:deadline).min
    first && [first - System.now_ns, 0].max / 1e9
  end
end
