# frozen_string_literal: true

# Clocks, what the kernel says of a thread, and where a thread runs. The calls that Ruby has no names for
# go through fiddle, and keep the lock: to let it go would be to measure something else.
begin
  require "fiddle"
rescue LoadError
  nil
end

module System
  RUSAGE_THREAD = 1
  NVCSW_AT = 16 # in numbers of eight bytes: two times of two, and twelve counts before it
  PR_SET_PDEATHSIG = 1
  SIGKILL = 9
  PROT_READ_WRITE = 3
  MAP_SHARED_ANONYMOUS = 0x21
  CPUS_MAX = 1024

  module_function

  def foreign?
    defined?(Fiddle::Function) ? true : false
  end

  def function(name, arguments, result)
    Fiddle::Function.new(Fiddle.dlopen(nil)[name], arguments, result, need_gvl: true)
  end

  if defined?(Fiddle::Function)
    INT = Fiddle::TYPE_INT
    LONG = Fiddle::TYPE_LONG
    POINTER = Fiddle::TYPE_VOIDP
    GETRUSAGE = function("getrusage", [INT, POINTER], INT)
    SET_AFFINITY = function("sched_setaffinity", [INT, LONG, POINTER], INT)
    PRCTL = function("prctl", [INT, LONG], INT)
    MMAP = function("mmap", [POINTER, LONG, INT, INT, INT, LONG], POINTER)
  end

  def now_ns
    Process.clock_gettime(Process::CLOCK_MONOTONIC, :nanosecond)
  end

  def cpu_ns
    Process.clock_gettime(Process::CLOCK_THREAD_CPUTIME_ID, :nanosecond)
  end

  # Voluntary and involuntary ones of this thread.
  def switches
    return [nil, nil] unless foreign?

    usage = "\0" * 144
    GETRUSAGE.call(RUSAGE_THREAD, usage)
    usage.unpack("q*")[NVCSW_AT, 2]
  end

  # How long this thread has waited for a processor. A kernel that does not account for it says that the
  # thread has not run, either; of a thread or process that was started just now each says so.
  def run_delay_ns(fresh: false)
    ran, waited = File.read("/proc/thread-self/schedstat").split.map(&:to_i)
    waited if fresh || ran&.positive?
  rescue SystemCallError
    nil
  end

  # Never less.
  def sleep_until(moment)
    while (left = moment - now_ns).positive?
      sleep(left / 1e9)
    end
  end

  # What this process may use, in order; none when that is not known.
  def allowed_cpus
    line = File.foreach("/proc/self/status").find { |one| one.start_with?("Cpus_allowed_list") }
    line.to_s.split[1].to_s.split(",").flat_map do |part|
      first, last = part.split("-").map(&:to_i)
      (first..(last || first)).to_a
    end
  rescue SystemCallError
    []
  end

  # Confines the calling thread.
  def place(cpus)
    mask = Array.new(CPUS_MAX / 64, 0)
    cpus.each { |cpu| mask[cpu / 64] |= 1 << cpu % 64 }
    SET_AFFINITY.call(0, CPUS_MAX / 8, mask.pack("Q*"))
  end

  # A pipe of bytes, and what for.
  def pipe(what)
    IO.pipe(binmode: true)
  rescue SystemCallError => e
    raise Refusal.new(IMPOSSIBLE, "cannot open the pipe of #{what}: #{words_of(e)}")
  end

  # So many bytes, and no more: what is read ahead is lost to others.
  def read_whole(source, bytes)
    data = source.sysread(bytes)
    data << source.sysread(bytes - data.bytesize) while data.bytesize < bytes
    data
  end

  # Never outlive the parent, not even one that was killed just now.
  def die_with(parent)
    PRCTL.call(PR_SET_PDEATHSIG, SIGKILL) if foreign?
    exit!(1) if Process.ppid != parent
  end

  # Memory that processes share.
  def shared_memory(bytes)
    address = MMAP.call(nil, bytes, PROT_READ_WRITE, MAP_SHARED_ANONYMOUS, -1, 0)
    raise Refusal.new(IMPOSSIBLE, "cannot map #{bytes} bytes") if address.to_i == -1

    Fiddle::Pointer.new(address.to_i, bytes)
  end
end
