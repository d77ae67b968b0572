# frozen_string_literal: true

# Computing that lets go of the lock, as extensions in C do: each call deflates a block. A small grain comes
# back for the lock often. Byte j of the block is 'a' + (mix(j) & 15).
require "zlib"
require_relative "runtime"

PARAMS = [
  Param.new(name: "grain", kind: :number, fallback: "64k", low: 1, high: 10**9, value: "BYTES",
            help: "how much a call deflates"),
  Param.new(name: "between", kind: :number, fallback: "0", low: 0, high: 10**9, value: "N",
            help: "iterations of an empty loop between two calls"),
].freeze
LEVEL = 1

def setup(run)
  Array.new(run.params["grain"]) { |j| "a".ord + (mix(j) & 15) }.pack("C*").freeze
end

def interpret(left)
  left -= 1 while left.positive?
end

def work(worker, _phase)
  block = worker.given
  crc = Zlib.crc32(block)
  start, stop = share_of([worker.size / block.bytesize, 1].max, worker.index, worker.count)
  bytes_out = (start...stop).sum do
    interpret(worker.params["between"])
    Zlib.deflate(block, LEVEL).bytesize
  end
  worker.did((stop - start) * block.bytesize)
  worker.tell("calls", stop - start)
  worker.tell("bytes_out", bytes_out)
  (start...stop).sum { |call| mix(call ^ crc) }
end

Main.main(Workload.new(
  name: "crunch",
  summary: "compresses blocks with the lock let go of, as extensions in C compute",
  size_unit: "bytes", size_default: "16M", size_low: 1, size_high: 10**12,
  params: PARAMS,
  counts: %w[calls bytes_out],
  setup: method(:setup),
  work: method(:work)
))
