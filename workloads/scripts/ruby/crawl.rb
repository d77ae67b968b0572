# frozen_string_literal: true

# Fetches pages from a server of ours on 127.0.0.1, a process outside the lock, that answers late: page i
# after latency * spread ** u, u = (mix(i) >> 11) / 2 ** 53. Byte j of its body is 'a' + (i + j) % 26.
require "socket"
require_relative "runtime"

PARAMS = [
  Param.new(name: "latency", kind: :time, fallback: "2ms", low: 0, high: 10**10, value: "TIME",
            help: "how long the server takes for the fastest page"),
  Param.new(name: "spread", kind: :number, fallback: "4", low: 1, high: 1000, value: "N",
            help: "how many times as long it takes for the slowest one"),
  Param.new(name: "bytes", kind: :number, fallback: "16k", low: 1, high: 10**8, value: "N",
            help: "how long a page is"),
  Param.new(name: "parse", kind: :number, fallback: "1", low: 0, high: 10**6, value: "N",
            help: "how often every 64th byte of a page is looked at"),
].freeze
LOOK_EVERY = 64

# A thread for each connection. It ends when the descriptor does by which it is told to.
class Server
  attr_reader :port

  def initialize(run)
    @params = run.params
    @alphabet = (0...26).map { |i| (0...26).map { |j| ("a".ord + (i + j) % 26).chr }.join }
    listening = TCPServer.new("127.0.0.1", 0)
    @port = listening.addr[1]
    until_closed, @life = System.pipe("the server")
    start(listening, until_closed)
    until_closed.close
    listening.close
  rescue SystemCallError => e
    raise Refusal.new(IMPOSSIBLE, "cannot serve on 127.0.0.1: #{words_of(e)}")
  end

  # Waited for, so that its time is counted.
  def stop
    @life.close
    Process.wait(@pid)
  end

  private

  def start(listening, until_closed)
    parent = Process.pid
    @pid = fork_one("the server") do
      System.die_with(parent)
      @life.close
      Thread.new { loop { Thread.new(listening.accept) { |client| answer(client) } } }
      until_closed.read
    end
  end

  def answer(client)
    page = client.gets("\r\n\r\n")[%r{\AGET /(\d+) }, 1].to_i
    u = (mix(page) >> 11) / (2.0**53)
    sleep(@params["latency"] / 1e9 * @params["spread"]**u)
    bytes = @params["bytes"]
    body = (@alphabet[page % 26] * (bytes / 26 + 1)).byteslice(0, bytes)
    client.write("HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\nContent-Length: #{bytes}\r\n\r\n", body)
  rescue SystemCallError
    nil # the client is gone
  ensure
    client.close
  end
end

def fetch(port, page)
  socket = TCPSocket.new("127.0.0.1", port)
  socket.write("GET /#{page} HTTP/1.0\r\n\r\n")
  socket.read.split("\r\n\r\n", 2)[1]
ensure
  socket&.close
end

def parse(body, times)
  times.times do
    at = 0
    while at < body.bytesize
      body.getbyte(at)
      at += LOOK_EVERY
    end
  end
end

def work(worker, _phase)
  start, stop = worker.share
  worker.role = "io"
  worker.did(stop - start)
  (start...stop).sum do |page|
    began_ns = System.now_ns
    body = fetch(worker.given.port, page)
    worker.latency(System.now_ns - began_ns)
    worker.tell("bytes", body.bytesize)
    parse(body, worker.params["parse"])
    mix(page ^ body.bytesize << 32 ^ body.getbyte(0) + body.getbyte(-1))
  end
end

def plan(_run)
  raise Refusal.new(IMPOSSIBLE, "the server needs fork, which this Ruby does not have") unless Process.respond_to?(:fork)

  Plan.new
end

Main.main(Workload.new(
  name: "crawl",
  summary: "fetches pages from a server of its own that takes its time, and reads them",
  size_unit: "pages", size_default: "100", size_low: 1, size_high: 10**9,
  params: PARAMS,
  counts: %w[bytes],
  plan: method(:plan),
  setup: ->(run) { Server.new(run) },
  work: method(:work),
  finish: ->(server) { server.stop }
))
