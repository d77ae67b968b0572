What the command itself says: its help, and one sentence for each mistake.

# Words

$ gilscope
usage: gilscope COMMAND [OPTION]...
...
[2]

$ gilscope --version
gilscope 0.1.0

$ gilscope bnech
gilscope: unknown command 'bnech'; did you mean 'bench'?
[2]

$ gilscope bench --help
usage: gilscope bench [--quick|--full] [OPTION]...
...
  --seed N  ...
...

$ gilscope bench --workload mergsort
gilscope: unknown workload 'mergsort'; did you mean 'mergesort'?
[2]

$ gilscope bench --mode thread
gilscope: countdown: unknown mode 'thread'; did you mean 'threads'?
[2]

$ gilscope bench --mode gil --gil cpython33
gilscope: countdown: unknown lock model 'cpython33'; did you mean 'cpython3'?
[2]

$ gilscope bench --workers 0
gilscope: --workers '0' is out of range; give 1 to 1024
[2]

$ gilscope bench --workers two
gilscope: --workers 'two' is not a number; give 1 to 1024
[2]

$ gilscope bench --runs 0
gilscope: --runs '0' is out of range; give 1 to 100000
[2]

$ gilscope bench --limit soon
gilscope: --limit 'soon' is not a time; give 1ms to 86400s
[2]

$ gilscope bench --pin 0,x
gilscope: countdown: --pin '0,x' is not a list of CPUs; give 0,1 or 0-3
[2]

$ gilscope bench --set sleepiness=3
gilscope: --set 'sleepiness': no cell takes it; WORKLOAD --help lists what it takes
[2]

$ gilscope bench --counters cycels
gilscope: unknown counter 'cycels'; did you mean 'cycles'?
[2]

$ gilscope bench --workload convoy --workers 1 --set cpu=1
gilscope: convoy: --cpu 1 leaves no I/O worker of 1; give more --workers or less --cpu
[2]

$ gilscope bench everything
gilscope: unexpected word 'everything'; bench takes only options
[2]

$ gilscope list workload
gilscope: unknown topic 'workload'; did you mean 'workloads'?
[2]

# What cannot be done here

$ gilscope bench --workload mergesort --size 2G --workers 64 --set return=pipe
gilscope: mergesort: --size 2000000000 needs 968.6 GiB of memory; ... GiB are available
[3]

$ gilscope bench -o /dev/null/results
gilscope: cannot make the folder '/dev/null/results': Not a directory
[3]

$ gilscope list workloads >/dev/full
gilscope: cannot write the output: No space left on device
[3]

# Results that cannot be drawn

$ gilscope plot
gilscope: ...
[2]

$ gilscope plot nowhere
gilscope: cannot read 'nowhere': No such file or directory; give a folder that 'gilscope bench -o' wrote
[2]

$ echo '{"schema":"other/9"}' >result.json; gilscope plot .
gilscope: ...'other/9'...
[2]

$ echo '{' >result.json; gilscope plot .
gilscope: cannot read './result.json'...
[2]

# Tracing

$ gilscope trace
gilscope: no command to trace; give it behind the options
[2]

$ gilscope trace --counter sundial -- true
gilscope: unknown --counter 'sundial'; give auto, raw or monotonic
[2]

$ gilscope trace -o t -- no-such-program
gilscope: cannot find 'no-such-program' in $PATH
[127]

$ gilscope trace -- ./not-here
gilscope: cannot run './not-here': No such file or directory
[127]

$ gilscope trace -- ./
gilscope: cannot run './': it is a folder
[126]

$ touch inert; gilscope trace -- ./inert
gilscope: cannot run './inert': Permission denied
[126]

$ ls -d trace-* 2>/dev/null
[2]

$ gilscope trace -o t --quiet -- false
[1]

$ gilscope trace -o t -- true
gilscope: 't' exists and is not an empty folder; give a new name
[2]

$ gilscope trace -o u --quiet -- sh -c 'kill -9 $$'
[137]

$ gilscope trace -o v --quiet sh -c 'echo --help'
--help

$ gilscope recover v
gilscope: 'v' is finished: there is nothing to recover
[2]

$ gilscope report nowhere
gilscope: cannot ...
[...]

$ gilscope report v --syscalls --gil
gilscope: --gil is a report of its own; give no --locks, --threads and --syscalls
[2]

$ gilscope report v --threads --syscalls
gilscope: --syscalls is a report of its own; give no --locks and --threads
[2]

$ gilscope report --help
usage: gilscope report TRACE [OPTION]...
...
  --syscalls  ...only system calls
...
