# frozen_string_literal: true

# The histogram of base/histogram.h: below 2^10 each value has its own bucket, above that every power of
# two is cut into 1,024.
class Histogram
  SUB_BITS = 10
  TOP_BITS = 42
  SUB_COUNT = 1 << SUB_BITS
  BUCKETS = (TOP_BITS - SUB_BITS + 1) << SUB_BITS

  attr_reader :n, :min, :max, :sum, :counts

  def initialize(state = nil)
    @n, @min, @max, @sum, counts = state || [0, 0, 0, 0, []]
    @counts = counts.to_h
    @counts.default = 0
  end

  def self.bucket_of(value)
    return value if value < SUB_COUNT
    return BUCKETS - 1 if value >> TOP_BITS != 0

    shift = value.bit_length - 1 - SUB_BITS
    ((shift + 1) << SUB_BITS) + (value >> shift) - SUB_COUNT
  end

  def self.high_of(bucket)
    group, rest = (bucket + 1).divmod(SUB_COUNT)
    group.zero? ? bucket : ((rest + SUB_COUNT) << (group - 1)) - 1
  end

  def add(value)
    @min = value if @n.zero? || value < @min
    @max = value if value > @max
    @n += 1
    @sum += value
    @counts[Histogram.bucket_of(value)] += 1
  end

  def merge(other)
    return if other.n.zero?

    @min = other.min if @n.zero? || other.min < @min
    @max = other.max if other.max > @max
    @n += other.n
    @sum += other.sum
    other.counts.each { |bucket, count| @counts[bucket] += count }
  end

  def state
    [@n, @min, @max, @sum, @counts.sort]
  end

  def percentile(share)
    rank = [1, (share * @n).ceil].max
    seen = 0
    @counts.sort.each do |bucket, count|
      seen += count
      return Histogram.high_of(bucket).clamp(@min, @max) if seen >= rank
    end
    @max
  end

  def members(loop)
    { unit: "ns", loop: loop, n: @n, min: @min, p50: percentile(0.5), p90: percentile(0.9),
      p99: percentile(0.99), p999: @n >= 1000 ? percentile(0.999) : nil, max: @max, sub_bits: SUB_BITS,
      counts: @counts.sort, sum: @sum }
  end
end
