# frozen_string_literal: true

# Of a whole run: from what its workers hand back.
class Result
  APART = %w[mode workers size json help describe].freeze
  NOTES_MAX = 4

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
    @latency = run.pool.latencies if run.pool && @latency.n.zero?
    @counts = run.workload.counts.to_h { |name| [name, parts.filter_map { |part| part["counts"][name] }.reduce(:+)] }
    @notes = parts.flat_map { |part| part["notes"] }.uniq.first(NOTES_MAX)
  end

  def json_line
    JSON.generate(
      workload: @run.workload.name, mode: @run.mode.name, gil: nil, workers: @run.count, size: @run.size,
      params: @run.params.reject { |name, _| APART.include?(name) }, elapsed_ns: @elapsed_ns,
      checksum: @checksum, per_worker: @parts.map { |part| members(part) }, gil_counts: nil,
      latency: @latency.n.positive? ? @latency.members(@run.plan.loop) : nil, counts: @counts,
      notes: @notes, pool: @run.pool&.members, loop: @run.events&.members
    ) << "\n"
  end

  def text
    seconds = @elapsed_ns / 1e9
    lines = format("%s, %s, %d worker%s, %d %s: %.6f s, checksum %s\n", @run.workload.name, @run.mode.name,
                   @run.count, @run.count == 1 ? "" : "s", @run.size, @run.workload.size_unit, seconds,
                   @checksum)
    lines + text_of_latency(seconds) + text_of_counts + @notes.map { |note| "#{note}\n" }.join
  end

  private

  def text_of_latency(seconds)
    return "" if @latency.n.zero?

    format("latency (%s loop): %d operations, %.1f per second, p50 %.3f ms, p99 %.3f ms, max %.3f ms\n",
           @run.plan.loop, @latency.n, @latency.n / seconds, @latency.percentile(0.5) / 1e6,
           @latency.percentile(0.99) / 1e6, @latency.max / 1e6)
  end

  def text_of_counts
    return "" if @counts.empty?

    "counts: #{@counts.map { |name, number| "#{name} #{number || 'unknown'}" }.join(', ')}\n"
  end

  def members(part)
    cpu_ns, run_delay_ns, nvcsw, nivcsw = part["spent"]
    { role: part["role"], units: part["units"], elapsed_ns: part["elapsed_ns"], cpu_ns: cpu_ns,
      run_delay_ns: run_delay_ns, nvcsw: nvcsw, nivcsw: nivcsw }
  end
end
