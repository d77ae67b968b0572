# frozen_string_literal: true

WORKERS_MAX = 1024

# What the options said.
class Run
  FOREIGN = {
    "--gil" => "the interpreter has its own lock",
    "--tick-ns" => "a tick is as long as the interpreter makes it",
    "--tick-spins" => "a tick is as long as the interpreter makes it",
  }.freeze

  # 'count' workers run 'shares' shares of the work: as many, or, in a pool, its tasks.
  attr_reader :workload, :mode, :params, :count, :shares, :size, :plan, :echoes
  # What the mode has made: 'given' by the workload's setup, a pool, a loop.
  attr_accessor :given, :pool, :events

  def self.common(workload)
    [
      Param.new(name: "mode", kind: :text, fallback: "sequential", value: "MODE",
                help: "how the workers run beside each other"),
      Param.new(name: "workers", kind: :number, fallback: workload.workers.to_s, low: 1, high: WORKERS_MAX,
                value: "N", help: "shares of the work"),
      Param.new(name: "size", kind: :number, fallback: workload.size_default, low: workload.size_low,
                high: workload.size_high, value: "N", help: "#{workload.size_unit} in all"),
      Param.new(name: "pin", kind: :text, value: "CPUS",
                help: "place worker i on the i-th of these CPUs: 0,1 or 0-3"),
      Param.new(name: "cpus", kind: :number, low: 1, high: System::CPUS_MAX, value: "N",
                help: "confine all workers to the first N CPUs that are allowed"),
      Param.new(name: "json", kind: :flag, help: "print one JSON object on one line"),
      Param.new(name: "describe", kind: :flag, help: "print what this workload is and takes, as JSON"),
      Param.new(name: "help", kind: :flag, help: "print this"),
    ]
  end

  def initialize(workload, words)
    @workload = workload
    @mode = Modes.find(Options.look_ahead(words, "--mode") || "sequential")
    begin
      @params = Options.parse(words, Run.common(workload) + workload.params + @mode.params)
    rescue Refusal
      explain_unknown(words)
      raise
    end
    @count = @params["workers"]
    @params["tasks"] ||= @count if @mode.pool?
    @shares = @params["tasks"] || @count
    @size = @params["size"]
    @pins = []
    confine
  end

  def prepare
    @plan = @workload.plan.call(self)
    return unless @plan.echo == "socketpair" && !Process.respond_to?(:fork)

    raise Refusal.new(IMPOSSIBLE, "--io 'socketpair' needs fork, which #{Modes.name_of_this} does not have")
  end

  # Why this workload cannot run in a mode; nil: it can.
  def reason(mode)
    return "its workers wait for one another, so all must run at once" if @plan.together && mode.in_turn

    @plan.reasons[mode.name]
  end

  def run
    check_mode
    @echoes = Echoes.new(@plan.echo, @count)
    parts = @mode.run.call(self)
    @echoes.stop
    @workload.finish.call(@given)
    parts.each_with_index do |part, i|
      raise Refusal.new(FAILED, "worker #{i}: #{part['failure']}") if part["failure"]
    end
    Result.new(self, parts)
  end

  def place(index)
    System.place([@pins[index % @pins.length]]) unless @pins.empty?
  end

  # From any thread; nothing is waited for.
  def die(refusal)
    warn("#{@workload.name}: #{refusal.message}")
    exit!(refusal.code)
  end

  private

  def check_mode
    why = reason(@mode)
    raise Refusal.new(IMPOSSIBLE, "mode '#{@mode.name}' cannot run this: #{why}") if why
    return unless @plan.together && @shares > @count

    raise Refusal.new(MISUSE, "--tasks #{@shares}: the tasks wait for one another; " \
                              "give at most --workers (#{@count})")
  end

  # An option of another mode, or of the C workloads, deserves a better answer than "unknown".
  def explain_unknown(words)
    given = words.map { |word| word.partition("=")[0] }
    Modes::ROWS.each do |mode|
      row = (mode.params - @mode.params).find { |one| given.include?("--#{one.name}") }
      raise Refusal.new(MISUSE, "option '--#{row.name}' belongs to --mode #{mode.name}") if row
    end
    FOREIGN.each do |name, why|
      raise Refusal.new(MISUSE, "option '#{name}' is of the C workloads: #{why}") if given.include?(name)
    end
  end

  # Where threads cannot be placed, the options are accepted, and null in the result.
  def confine
    pin, cpus = @params.values_at("pin", "cpus")
    return unless pin || cpus

    allowed = System.allowed_cpus
    return @params["pin"] = @params["cpus"] = nil if allowed.empty? || !System.foreign?

    if cpus && cpus > allowed.length
      raise Refusal.new(MISUSE, "--cpus #{cpus}: only #{allowed.length} CPUs are allowed here")
    end
    allowed = allowed.first(cpus) if cpus
    System.place(allowed) if cpus
    @pins = read_pins(pin, allowed) if pin
  end

  # "0,2-3" to CPUs, in that order; each must be one that this process may use.
  def read_pins(text, allowed)
    text.split(",", -1).flat_map do |part|
      match = /\A(\d+)(?:-(\d+))?\z/.match(part)
      range = match && (match[1].to_i..(match[2] || match[1]).to_i)
      unless range&.any?
        raise Refusal.new(MISUSE, "--pin '#{text}' is not a list of CPUs; give 0,1 or 0-3")
      end

      range.each do |cpu|
        next if allowed.include?(cpu)

        raise Refusal.new(MISUSE, "--pin '#{text}': CPU #{cpu} is not one this process may use")
      end
      range.to_a
    end
  end
end

# The main of every workload: options in, one result out. The only place that prints errors and exits.
module Main
  module_function

  def describe_params(rows)
    rows.map { |row| { name: row.name, default: row.fallback, help: row.help } }
  end

  def describe_modes(run)
    Modes::ROWS.reject(&:lack).map do |mode|
      { name: mode.name, summary: mode.summary, takes_gil: false, reason: run.reason(mode),
        params: describe_params(mode.params) }
    end
  end

  def describe(run)
    workload = run.workload
    name, version = Modes.name_of_this.split(" ", 2)
    lacks = Modes::ROWS.select(&:lack).to_h { |mode| [mode.name, mode.lack] }
    %w[pin cpus].each { |option| lacks[option] = "needs fiddle" } unless System.foreign?
    JSON.generate(
      workload: workload.name, summary: workload.summary,
      runtime: { name: name, version: version, lacks: lacks },
      size: { unit: workload.size_unit, default: workload.size_default, low: workload.size_low,
              high: workload.size_high },
      options: describe_params(Run.common(workload)), params: describe_params(workload.params),
      counts: workload.counts, modes: describe_modes(run), gils: []
    ) << "\n"
  end

  def help(workload)
    own = workload.params.empty? ? "" : "\nof this workload:\n#{Options.help(workload.params)}"
    modes = Modes::ROWS.map { |mode| format("  %-24s %s\n", mode.name, mode.lack || mode.summary) }.join
    pools = Options.help(Pool::PARAMS)
    "usage: #{workload.name}.rb [--mode MODE] [--workers N] [--size N] [--json] ...\n\n" \
      "#{workload.name}: #{workload.summary}\n\n#{Options.help(Run.common(workload))}#{own}\n" \
      "modes:\n#{modes}\nof --mode thread-pool and process-pool:\n#{pools}"
  end

  def answer(workload, words)
    run = Run.new(workload, words)
    return help(workload) if run.params["help"]

    run.prepare
    return describe(run) if run.params["describe"]

    result = run.run
    run.params["json"] ? result.json_line : result.text
  end

  # Past Ruby's own buffers: what cannot be written is known here.
  def put(text)
    $stdout.sync = true
    $stdout.write(text)
  rescue SystemCallError => e
    raise Refusal.new(IMPOSSIBLE, "cannot write the result: #{words_of(e)}")
  end

  def tell(workload, code, text)
    warn("#{workload.name}: #{text}")
    exit!(code)
  end

  def main(workload)
    %w[INT TERM].each { |signal| Signal.trap(signal, "SYSTEM_DEFAULT") }
    put(answer(workload, ARGV))
    exit!(0)
  rescue Refusal => e
    tell(workload, e.code, e.message)
  rescue NoMemoryError
    tell(workload, IMPOSSIBLE, "not enough memory")
  rescue StandardError => e
    tell(workload, FAILED, Modes.sentence(e))
  rescue Exception => e # rubocop:disable Lint/RescueException
    raise unless e.class.name == "fatal" # Ruby's own, that has no constant: all threads wait for each other

    tell(workload, FAILED, Modes.sentence(e))
  end
end
