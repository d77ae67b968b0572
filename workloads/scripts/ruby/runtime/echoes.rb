# frozen_string_literal: true

require "socket"

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
