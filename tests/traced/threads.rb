# Threads, queues, a forked child with a thread, programs that are run, a wait that times out.
require 'timeout'

mutex = Mutex.new
count = 0
threads = Array.new(4) { Thread.new { 1000.times { mutex.synchronize { count += 1 } } } }
threads.each(&:join)
puts count
queue = Queue.new
producer = Thread.new { 10.times { |i| queue << i } }
puts Array.new(10) { queue.pop }.sum
producer.join
$stdout.flush
pid = fork do
  Thread.new { puts 'child' }.join
  $stdout.flush
  exit! 4
end
Process.wait pid
puts $?.exitstatus
puts IO.popen('echo popen', &:read), `echo hello`
begin
  Timeout.timeout(0.1) { sleep 60 }
rescue Timeout::Error
  puts 'timeout'
end
Thread.new { sleep }.kill.join
exit 6
