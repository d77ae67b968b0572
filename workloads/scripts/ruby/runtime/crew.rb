# frozen_string_literal: true

# The link between this process and a worker's. Upwards go messages: that it has come to the barrier, what
# it has done, its result. Downwards a byte when all have come. The end of the pipe is the worker's end.
class Link
  attr_reader :index, :up, :down
  attr_accessor :pid, :result, :failure

  def initialize(index)
    @index = index
    @up = System.pipe("worker #{index + 1}")
    @down = System.pipe("worker #{index + 1}")
    @heard = +""
  end

  # By the worker.
  def wait
    tell(:ready)
    @down[0].sysread(1)
  end

  def tell(message)
    @up[1].write(SimpleQueue.frame(message))
    @up[1].flush
  end

  # What the worker has told meanwhile, as far as it is whole. EOFError at its end.
  def hear
    @heard << @up[0].readpartial(65_536)
    messages = []
    while (length = @heard.unpack1("L")) && @heard.bytesize >= SimpleQueue::LENGTH + length
      messages << Marshal.load(@heard.slice!(0, SimpleQueue::LENGTH + length).byteslice(SimpleQueue::LENGTH..))
    end
    messages
  end
end

# The workers of a run as processes, seen by the one that forked them.
class Crew
  # 'queue', if any, is fed from here to the workers, without waiting for them.
  def initialize(run, queue = nil)
    @run = run
    @to = queue&.to
    @feed = +""
    @links = []
    @ready = []
    @started = false
  end

  # Each does what the block does, and hands back what it returns.
  def start(workers)
    parent = Process.pid
    workers.each do |worker|
      # One by one: a worker must not keep another's end open.
      link = Link.new(worker.index)
      link.pid = fork_one("worker #{worker.index + 1} of #{@run.count}") do
        System.die_with(parent)
        live(link) { yield worker, link }
      end
      link.up[1].close
      @links << link
    end
    @left = @links.to_h { |link| [link.up[0], link] }
  rescue Refusal
    kill_all(@links)
    raise
  end

  def started?
    @started
  end

  def ended?
    @left.empty?
  end

  def results
    @links.map(&:result)
  end

  def feed(object)
    @feed << SimpleQueue.frame(object)
  end

  # Waits for something to happen; all that has come to the barrier goes on together. What else the workers
  # tell goes to the block.
  def turn(&block)
    readable, writable = IO.select(@left.keys, @feed.empty? ? [] : [@to])
    writable.each { |to| @feed = @feed.byteslice(to.write_nonblock(@feed.byteslice(0, 4096))..) }
    readable.each do |source|
      link = @left[source]
      link.hear.each { |message| take(link, message, &block) }
    rescue EOFError
      @left.delete(source)
      bury(link)
    end
    go if @ready.length == @links.length
  end

  private

  def live(link)
    link.tell([:result, yield])
  rescue StandardError => e
    link.tell([:failure, Modes.sentence(e)])
    exit!(1)
  end

  def take(link, message)
    return @ready << link if message == :ready

    what, value = message
    return yield message unless %i[result failure].include?(what)

    link.public_send("#{what}=", value)
  end

  def go
    @ready.each { |link| link.down[1].syswrite("G") }
    @ready = []
    @started = true
  end

  # When one has gone wrong the others are killed.
  def bury(link)
    status = Process.wait2(link.pid)[1]
    return if status.success? && !link.failure

    kill_all(@left.values)
    @left.each_value { |other| Process.wait(other.pid) }
    raise Refusal.new(FAILED, "worker #{link.index}#{link.failure ? ": #{link.failure}" : end_of(status)}")
  end

  def end_of(status)
    return " exited with status #{status.exitstatus}" unless status.signaled?

    name = { 9 => "Killed", 11 => "Segmentation fault", 15 => "Terminated" }[status.termsig]
    " was killed by signal #{status.termsig} (#{name || Signal.signame(status.termsig)})"
  end

  def kill_all(links)
    links.each do |link|
      Process.kill(:KILL, link.pid)
    rescue Errno::ESRCH
      nil
    end
  end
end
