# frozen_string_literal: true

# What the thread that submits tasks knows of them: when each was submitted, when it came to an end, and, in
# the order that was asked for, when its result was received.
class Pool
  TASKS_MAX = 100_000
  ORDER_MAX = 64

  PARAMS = [
    Param.new(name: "tasks", kind: :number, low: 1, high: TASKS_MAX, value: "N",
              help: "shares of the work; as many as workers if not given"),
    Param.new(name: "results", kind: :choice, fallback: "ordered", choices: %w[ordered completed],
              value: "ORDER", help: "in which order results are received"),
  ].freeze

  attr_reader :latencies

  def initialize(run)
    @count = run.shares
    @results = run.params["results"]
    @latencies = Histogram.new
    @inversions = 0
  end

  # All tasks of a phase, in the order of their numbers, to the block.
  def submit
    @submitted = []
    @ended = []
    @early = {}
    @next = 0
    @count.times do |task|
      @submitted << System.now_ns
      yield task
    end
  end

  # A task has come back. Ordered results wait for those before them.
  def came(task, ended_ns)
    @ended << [ended_ns, task]
    return receive(task) if @results == "completed"

    @early[task] = true
    while @early.delete(@next)
      receive(@next)
      @next += 1
    end
  end

  def complete?
    return false if @ended.length < @count

    @order = @ended.sort.map(&:last)
    highest = -1
    @inversions += @order.count { |task| task < highest.tap { highest = [highest, task].max } }
    true
  end

  # Of the last phase; inversions of all.
  def members
    { tasks: @count, results: @results, order: @count <= ORDER_MAX ? @order : nil, inversions: @inversions }
  end

  private

  def receive(task)
    @latencies.add(System.now_ns - @submitted[task])
  end
end
