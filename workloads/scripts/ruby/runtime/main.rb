# frozen_string_literal: true

require "json"

WORKERS_MAX = 1024

# What the options said.
class Run
  FOREIGN = {
    "--gil" => "the interpreter has its own lock",
    "--tick-ns" => "a tick is as long as the interpreter makes it",
    "--tick-spins" => "a tick is as long as the interpreter makes it",
  }.freeze

  attr_reader :workload, :mode, :rows, :params, :count, :size, :plan, :echoes

  def self.common(workload)
    [
      Param.new(name: "mode", kind: :text, fallback: "sequential", value: "MODE",
                help: "how the workers run beside each other"),
      Param.new(name: "workers", kind: :number, fallback: "2", low: 1, high: WORKERS_MAX, value: "N",
                help: "shares of the work"),
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
    @rows = Run.common(workload) + workload.params
    begin
      @params = Options.parse(words, @rows)
    rescue Refusal
      explain_unknown(words)
      raise
    end
    @count = @params["workers"]
    @size = @params["size"]
    @pins = []
    confine
  end

  def prepare
    @plan = @workload.plan.call(@count, @size, @params)
    return unless @plan.echo == "socketpair" && !Process.respond_to?(:fork)

    raise Refusal.new(IMPOSSIBLE, "--io 'socketpair' needs fork, which #{Modes.name_of_this} does not have")
  end

  def run
    @echoes = Echoes.new(@plan.echo, @count)
    parts = @mode.run.call(self)
    @echoes.stop
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

  # An option of the C workloads deserves a better answer than "unknown".
  def explain_unknown(words)
    given = words.map { |word| word.partition("=")[0] }
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

# Of a whole run: from what its workers hand back.
class Result
  APART = %w[mode workers size json help describe].freeze

  def initialize(run, parts)
    @run = run
    @parts = parts
    @checksum = format("%016x", parts.sum { |part| part["checksum"] } & MASK)
    # In turn what lies between the shares, reading clocks, is not the workload's.
    @elapsed_ns = if run.mode.in_turn
                    parts.sum { |part| part["elapsed_ns"] }
                  else
                    parts.map { |part| part["finish_ns"] }.max - parts.map { |part| part["start_ns"] }.min
                  end
    @latency = Histogram.new
    parts.each { |part| @latency.merge(Histogram.new(part["latency"])) }
  end

  def json_line
    JSON.generate(
      workload: @run.workload.name, mode: @run.mode.name, gil: nil, workers: @run.count, size: @run.size,
      params: @run.params.reject { |name, _| APART.include?(name) }, elapsed_ns: @elapsed_ns,
      checksum: @checksum, per_worker: @parts.map { |part| members(part) }, gil_counts: nil,
      latency: @latency.n.positive? ? @latency.members(@run.plan.loop) : nil,
      counts: {}, notes: [], pool: nil, loop: nil
    ) << "\n"
  end

  def text
    seconds = @elapsed_ns / 1e9
    lines = format("%s, %s, %d worker%s, %d %s: %.6f s, checksum %s\n", @run.workload.name, @run.mode.name,
                   @run.count, @run.count == 1 ? "" : "s", @run.size, @run.workload.size_unit, seconds,
                   @checksum)
    return lines if @latency.n.zero?

    lines + format("latency (%s loop): %d operations, %.1f per second, p50 %.3f ms, p99 %.3f ms, " \
                   "max %.3f ms\n", @run.plan.loop, @latency.n, @latency.n / seconds,
                   @latency.percentile(0.5) / 1e6, @latency.percentile(0.99) / 1e6, @latency.max / 1e6)
  end

  private

  def members(part)
    cpu_ns, run_delay_ns, nvcsw, nivcsw = part["spent"]
    { role: part["role"], units: part["units"], elapsed_ns: part["elapsed_ns"], cpu_ns: cpu_ns,
      run_delay_ns: run_delay_ns, nvcsw: nvcsw, nivcsw: nivcsw }
  end
end

# The main of every workload: options in, one result out. The only place that prints errors and exits.
module Main
  module_function

  def describe_params(rows)
    rows.map { |row| { name: row.name, default: row.fallback, help: row.help } }
  end

  def describe(workload)
    name, version = Modes.name_of_this.split(" ", 2)
    lacks = Modes::ROWS.select(&:lack).to_h { |mode| [mode.name, mode.lack] }
    %w[pin cpus].each { |option| lacks[option] = "needs fiddle" } unless System.foreign?
    modes = Modes::ROWS.reject(&:lack).map do |mode|
      { name: mode.name, summary: mode.summary, takes_gil: false, params: [] }
    end
    JSON.generate(
      workload: workload.name, summary: workload.summary,
      runtime: { name: name, version: version, lacks: lacks },
      size: { unit: workload.size_unit, default: workload.size_default, low: workload.size_low,
              high: workload.size_high },
      options: describe_params(Run.common(workload)), params: describe_params(workload.params), modes: modes,
      gils: []
    ) << "\n"
  end

  def help(workload)
    own = workload.params.empty? ? "" : "\nof this workload:\n#{Options.help(workload.params)}"
    modes = Modes::ROWS.map { |mode| format("  %-24s %s\n", mode.name, mode.lack || mode.summary) }.join
    "usage: #{workload.name}.rb [--mode MODE] [--workers N] [--size N] [--json] ...\n\n" \
      "#{workload.name}: #{workload.summary}\n\n#{Options.help(Run.common(workload))}#{own}\nmodes:\n#{modes}"
  end

  def answer(workload, words)
    run = Run.new(workload, words)
    return help(workload) if run.params["help"]

    run.prepare
    return describe(workload) if run.params["describe"]

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
    Signal.trap("INT", "SYSTEM_DEFAULT")
    put(answer(workload, ARGV))
    exit!(0)
  rescue Refusal => e
    tell(workload, e.code, e.message)
  rescue NoMemoryError
    tell(workload, IMPOSSIBLE, "not enough memory")
  rescue StandardError => e
    tell(workload, FAILED, Modes.sentence(e))
  end
end
