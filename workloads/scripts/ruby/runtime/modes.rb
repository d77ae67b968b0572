# frozen_string_literal: true

require "json"

# The ways in which workers run beside each other. A row says whether this interpreter has it.
module Modes
  Mode = Struct.new(:name, :summary, :run, :lack, :in_turn, keyword_init: true)

  # Of threads.
  class Barrier
    def initialize(parties)
      @parties = parties
      @waiting = @turn = 0
      @mutex = Mutex.new
      @condition = ConditionVariable.new
    end

    def wait
      @mutex.synchronize do
        @waiting += 1
        turn = @turn
        if @waiting == @parties
          @waiting = 0
          @turn += 1
          @condition.broadcast
        end
        @condition.wait(@mutex) while turn == @turn
      end
    end
  end

  # The link between this process and a worker's. Upwards go a byte per barrier and then the result;
  # downwards a byte when all have come to the barrier. The end of the pipe is the worker's end.
  class Link
    attr_reader :index, :up, :down
    attr_accessor :text, :pid

    def initialize(index)
      @index = index
      @up = IO.pipe
      @down = IO.pipe
      @text = +""
    rescue SystemCallError => e
      raise Refusal.new(IMPOSSIBLE, "cannot open the pipes of worker #{index + 1}: #{words_of(e)}")
    end

    def wait
      @up[1].syswrite("R")
      @down[0].sysread(1)
    end

    def report(result)
      @up[1].write(JSON.generate(result))
      @up[1].close
    end
  end

  module_function

  # All that one worker does when workers run at the same time.
  def run_worker(worker, run, &wait)
    run.place(worker.index)
    delay_ns = System.run_delay_ns
    wait.call
    worker.clock_start(delay_ns)
    run.plan.phases.times do |phase|
      wait.call if phase.positive?
      worker.checksum += run.workload.work.call(worker, phase)
    end
    worker.clock_stop
    wait.call
    worker.checksum += run.workload.check.call(worker)
  end

  def make_workers(run, bond)
    given = run.workload.setup.call(run.size, run.params)
    Array.new(run.count) { |i| Worker.new(i, run, given, bond) }
  end

  def sequential(run)
    workers = make_workers(run, Bond.new(run.plan, run.echoes.ends))
    run.plan.phases.times do |phase|
      workers.each do |worker|
        run.place(worker.index)
        worker.clock_start(System.run_delay_ns)
        worker.checksum += run.workload.work.call(worker, phase)
        worker.clock_stop
      end
    end
    workers.each { |worker| worker.checksum += run.workload.check.call(worker) }
    workers.map(&:result)
  end

  def sentence(error)
    "#{error.class}: #{error.message.lines.first.to_s.chomp}"
  end

  def threads(run)
    workers = make_workers(run, Bond.new(run.plan, run.echoes.ends))
    barrier = Barrier.new(run.count)
    started = workers.map do |worker|
      start_thread(run, worker) { run_worker(worker, run) { barrier.wait } }
    end
    started.each(&:join)
    workers.map(&:result)
  end

  # The others wait at the barrier for one that is gone: only the end of the process ends them.
  def start_thread(run, worker)
    Thread.new do
      yield
    rescue StandardError => e
      run.die(Refusal.new(FAILED, "worker #{worker.index}: #{sentence(e)}"))
    end
  rescue ThreadError => e
    run.die(Refusal.new(IMPOSSIBLE, "cannot start thread #{worker.index + 1} of #{run.count}: #{e.message}"))
  end

  def processes(run)
    workers = make_workers(run, Apart.new(run.plan, run.count, run.echoes.ends))
    parent = Process.pid
    links = []
    workers.each do |worker|
      # One by one: a worker must not keep another's end open.
      link = Link.new(worker.index)
      link.pid = fork_one("worker #{worker.index + 1} of #{run.count}") { live(link, run, worker, parent) }
      link.up[1].close
      links << link
    rescue Refusal
      kill_all(links)
      raise
    end
    attend(links)
    links.map { |link| JSON.parse(link.text) }
  end

  def live(link, run, worker, parent)
    System.die_with(parent)
    run_worker(worker, run) { link.wait }
    link.report(worker.result)
  rescue StandardError => e
    link.report("failure" => sentence(e))
    exit!(1)
  end

  # Until all workers have ended: lets them go on together. When one has gone wrong the others are killed.
  def attend(links)
    left = links.to_h { |link| [link.up[0], link] }
    ready = []
    wrong = nil
    until left.empty?
      IO.select(left.keys)[0].each do |source|
        link = left[source]
        data = source.readpartial(65_536)
        data == "R" && link.text.empty? ? ready << link : link.text << data
      rescue EOFError
        left.delete(source)
        found = end_of(link)
        kill_all(left.values) if found && !wrong
        wrong ||= found
      end
      next if ready.length < links.length

      ready.each { |link| link.down[1].syswrite("G") }
      ready = []
    end
    raise Refusal.new(FAILED, wrong) if wrong
  end

  # What was wrong with it, if anything.
  def end_of(link)
    status = Process.wait2(link.pid)[1]
    failure = JSON.parse(link.text)["failure"] unless link.text.empty?
    return "worker #{link.index}: #{failure}" if failure

    if status.signaled?
      name = { 9 => "Killed", 11 => "Segmentation fault", 15 => "Terminated" }[status.termsig]
      name ||= Signal.signame(status.termsig).to_s
      return "worker #{link.index} was killed by signal #{status.termsig} (#{name})"
    end
    "worker #{link.index} exited with status #{status.exitstatus}" unless status.success?
  end

  def kill_all(links)
    links.each do |link|
      Process.kill(:KILL, link.pid)
    rescue Errno::ESRCH
      nil
    end
  end

  def name_of_this
    "#{{ 'ruby' => 'CRuby', 'jruby' => 'JRuby' }.fetch(RUBY_ENGINE, RUBY_ENGINE)} #{RUBY_ENGINE_VERSION}"
  end

  def lack_of_processes
    missing = "fork" unless Process.respond_to?(:fork)
    missing ||= "fiddle" unless System.foreign?
    "mode 'processes' needs #{missing}, which #{name_of_this} does not have" if missing
  end

  ROWS = [
    Mode.new(name: "sequential", summary: "one thread, one share after the other", run: method(:sequential),
             in_turn: true),
    Mode.new(name: "threads", summary: "a thread per worker, with the interpreter's own lock",
             run: method(:threads)),
    Mode.new(name: "processes", summary: "a forked process per worker", run: method(:processes),
             lack: lack_of_processes),
    Mode.new(name: "subinterpreters", summary: "",
             lack: "mode 'subinterpreters' needs CPython 3.12 or later: this is #{name_of_this}"),
  ].freeze

  # What the C workloads have and an interpreter cannot be asked for.
  ELSEWHERE = {
    "gil" => "mode 'gil' is of the C workloads; #{name_of_this} has a lock of its own: give threads",
    "nogil" => "mode 'nogil' is of the C workloads; #{name_of_this} cannot do without its lock",
  }.freeze

  def find(name)
    mode = ROWS.find { |row| row.name == name }
    raise Refusal.new(IMPOSSIBLE, mode.lack) if mode&.lack
    return mode if mode
    raise Refusal.new(MISUSE, ELSEWHERE[name]) if ELSEWHERE[name]

    raise Options.unknown("mode", name, ROWS.reject(&:lack).map(&:name))
  end
end
