# frozen_string_literal: true

# The ways in which workers run beside each other. A row says whether this interpreter has it.
module Modes
  # 'in_turn': a share after the other, so that none can wait for another. 'apart': workers share memory and
  # descriptors alone. 'alone': why no other comes between two steps of one that does not wait.
  Mode = Struct.new(:name, :summary, :run, :lack, :in_turn, :apart, :alone, :params, keyword_init: true) do
    def initialize(in_turn: false, apart: false, params: [], **more)
      super
    end

    def pool?
      !params.empty?
    end
  end

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

  module_function

  # All that one worker does when workers run at the same time.
  def run_worker(worker, run, &wait)
    run.place(worker.index)
    delay_ns = System.run_delay_ns(fresh: true)
    wait.call
    worker.clock_start(delay_ns)
    run.plan.phases.times do |phase|
      wait.call if phase.positive?
      worker.add(run.workload.work.call(worker, phase))
    end
    worker.clock_stop
    wait.call
    worker.add(run.workload.check.call(worker))
  end

  # A worker for each share; 'bond' may be made anew for them.
  def make_workers(run, bond = Bond.new(run.plan, run.echoes.ends))
    run.given = run.workload.setup.call(run)
    Array.new(run.shares) { |i| Worker.new(i, run, run.given, bond) }
  end

  def make_apart(run)
    make_workers(run, Apart.new(run.plan, run.shares, run.echoes.ends))
  end

  def sequential(run)
    workers = make_workers(run)
    run.plan.phases.times do |phase|
      workers.each do |worker|
        run.place(worker.index)
        worker.clock_start(System.run_delay_ns)
        worker.add(run.workload.work.call(worker, phase))
        worker.clock_stop
      end
    end
    workers.each { |worker| worker.add(run.workload.check.call(worker)) }
    workers.map(&:result)
  end

  def sentence(error)
    "#{error.class}: #{error.message.lines.first.to_s.chomp}"
  end

  def threads(run)
    workers = make_workers(run)
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
    crew = Crew.new(run)
    crew.start(make_apart(run)) do |worker, link|
      run_worker(worker, run) { link.wait }
      worker.result
    end
    crew.turn until crew.ended?
    crew.results
  end

  # One worker of a pool: 'todo' has tasks, and nil at their end; what was done goes to the block. Its time is
  # that in its tasks; what the kernel tells of it is of its whole life in the pool.
  def run_seat(seat, run, tasks, todo, wait)
    run.place(seat.index)
    delay_ns = System.run_delay_ns(fresh: true)
    wait.call
    seat.clock_start(delay_ns)
    roles = []
    busy_ns = 0
    while (index, phase, values = todo.pop)
      task = tasks[index]
      task.seat = seat.index
      task.tally = seat.tally
      task.values = values if values
      began_ns = System.now_ns
      seat.add(run.workload.work.call(task, phase))
      ended_ns = System.now_ns
      busy_ns += ended_ns - began_ns
      roles |= [task.role]
      yield task, ended_ns
    end
    seat.clock_stop
    seat.elapsed_ns = busy_ns
    seat.role = roles.length == 1 ? roles[0] : "mixed" unless roles.empty?
  end

  # By the submitting thread, when all is done; what it finds counts for the first worker.
  def check_tasks(run, tasks, parts)
    tally = Tally.new.tap { |one| one.merge(parts[0]) }
    tasks.each do |task|
      task.tally = tally
      task.add(run.workload.check.call(task))
    end
    [parts[0].merge(tally.state), *parts[1..]]
  end

  def make_seats(run)
    Array.new(run.count) { |i| Worker.new(i, run, nil, nil) }
  end

  def thread_pool(run)
    tasks = make_workers(run)
    todo = Thread::Queue.new
    done = Thread::Queue.new
    barrier = Barrier.new(run.count + 1)
    seats = make_seats(run)
    started = seats.map do |seat|
      start_thread(run, seat) do
        run_seat(seat, run, tasks, todo, -> { barrier.wait }) { |task, ended| done << [task.index, ended] }
      end
    end
    barrier.wait
    run.pool = Pool.new(run)
    run.plan.phases.times do |phase|
      run.pool.submit { |task| todo << [task, phase] }
      run.pool.came(*done.pop) until run.pool.complete?
    end
    todo.close
    started.each(&:join)
    check_tasks(run, tasks, seats.map(&:result))
  end

  # What a task leaves for its next phase goes back with its result, and out with that phase.
  def process_pool(run)
    tasks = make_apart(run)
    todo = SimpleQueue.new
    crew = Crew.new(run, todo)
    crew.start(make_seats(run)) do |seat, link|
      run_seat(seat, run, tasks, todo, -> { link.wait }) do |task, ended|
        link.tell([task.index, ended, task.values])
      end
      seat.result
    end
    crew.turn until crew.started?
    submit_to(crew, run, tasks)
    run.count.times { crew.feed(nil) }
    crew.turn until crew.ended?
    check_tasks(run, tasks, crew.results)
  end

  def submit_to(crew, run, tasks)
    run.pool = Pool.new(run)
    run.plan.phases.times do |phase|
      run.pool.submit { |task| crew.feed([task, phase, tasks[task].values]) }
      until run.pool.complete?
        crew.turn do |task, ended, values|
          tasks[task].values = values
          run.pool.came(task, ended)
        end
      end
    end
  end

  # One thread has the coroutines: what the kernel tells of it is theirs together, and null for each.
  def events(run)
    workers = make_workers(run)
    run.place(0)
    run.events = Events.new
    Fiber.set_scheduler(run.events)
    workers.each { |worker| worker.clock_start(nil) }
    run.plan.phases.times do |phase|
      workers.each do |worker|
        Fiber.schedule do
          worker.add(run.workload.work.call(worker, phase))
          worker.clock_stop if phase == run.plan.phases - 1
        end
      end
      run.events.run
    end
    Fiber.set_scheduler(nil)
    workers.each { |worker| worker.add(run.workload.check.call(worker)) }
    workers.map { |worker| worker.result.merge("spent" => [nil] * 4) }
  end

  def name_of_this
    "#{{ 'ruby' => 'CRuby', 'jruby' => 'JRuby' }.fetch(RUBY_ENGINE, RUBY_ENGINE)} #{RUBY_ENGINE_VERSION}"
  end

  def lack_of_processes(mode)
    missing = "fork" unless Process.respond_to?(:fork)
    missing ||= "fiddle" unless System.foreign?
    "mode '#{mode}' needs #{missing}, which #{name_of_this} does not have" if missing
  end

  def lack_of_fibers
    missing = !Fiber.respond_to?(:set_scheduler) || !IO.const_defined?(:READABLE)
    "mode 'events' needs the fiber scheduler of CRuby 3.1 or later: this is #{name_of_this}" if missing
  end

  # Of threads, and why a worker that does not wait is alone between two steps.
  NO_STEP = "the lock changes hands at jumps and returns alone, and the read and the write have none " \
            "between them"

  ROWS = [
    Mode.new(name: "sequential", summary: "one thread, one share after the other", run: method(:sequential),
             in_turn: true, alone: "the workers run one after the other"),
    Mode.new(name: "threads", summary: "a thread per worker, with the interpreter's own lock",
             run: method(:threads), alone: NO_STEP),
    Mode.new(name: "processes", summary: "a forked process per worker", run: method(:processes),
             lack: lack_of_processes("processes"), apart: true),
    Mode.new(name: "subinterpreters", summary: "",
             lack: "mode 'subinterpreters' needs CPython 3.12 or later: this is #{name_of_this}"),
    Mode.new(name: "thread-pool", summary: "as many threads as workers take tasks from a queue",
             run: method(:thread_pool), params: Pool::PARAMS, alone: NO_STEP),
    Mode.new(name: "process-pool", summary: "as many forked processes as workers take tasks from a queue",
             run: method(:process_pool), params: Pool::PARAMS, lack: lack_of_processes("process-pool"),
             apart: true),
    Mode.new(name: "events", summary: "one thread, a fiber per worker that gives way where it waits",
             run: method(:events), lack: lack_of_fibers,
             alone: "coroutines give way only where they wait"),
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
