What is said when words are wrong, or when it cannot be done here: one sentence, what was wrong first, then
what would be right. Exit status 1: the measured thing failed; 2: misuse; 3: cannot be done here.

# Words

$ countdown --mode thread
countdown: unknown mode 'thread'; did you mean 'threads'?
[2]

$ countdown --mode=fibers
countdown: unknown mode 'fibers'; give sequential, threads, gil...
[2]

$ countdown --mode gil --gil cpython33
countdown: unknown lock model 'cpython33'; did you mean 'cpython3'?
[2]

$ countdown --gil cpython3
countdown: --gil 'cpython3' needs --mode gil; --mode sequential has no lock
[2]

$ countdown --worker 2
countdown: unknown option '--worker'; did you mean '--workers'?
[2]

$ countdown -x
countdown: unknown option '-x'; --help lists them
[2]

$ countdown extra
countdown: unexpected word 'extra'; options start with --
[2]

An option of a model that was not chosen is not simply unknown.

$ countdown --interval 1ms
countdown: option '--interval' belongs to --mode gil --gil cpython3
[2]

$ countdown --mode gil --gil cpython3 --check-interval 5
countdown: option '--check-interval' belongs to --mode gil --gil cpython2
[2]

$ iosleep --io pip
iosleep: unknown --io 'pip'; did you mean 'pipe'?
[2]

$ mergesort --merge parallel
mergesort: unknown --merge 'parallel'; give serial or tree
[2]

# Values

$ countdown --mode
countdown: --mode needs a value: --mode MODE
[2]

$ countdown --json=yes
countdown: --json takes no value
[2]

$ countdown --workers two
countdown: --workers 'two' is not a number; give 1 to 1024
[2]

$ countdown --workers 0
countdown: --workers '0' is out of range; give 1 to 1024
[2]

$ countdown --size 0
countdown: --size '0' is out of range; give 1 to 1000000000000
[2]

$ countdown --size -1
countdown: --size '-1' is not a number; give 1 to 1000000000000
[2]

$ countdown --size 99999999999999999999999
countdown: --size '99999999999999999999999' is not a number; give 1 to 1000000000000
[2]

$ mergesort --size 3
mergesort: --size '3' is out of range; give 4 to 2147483648
[2]

$ countdown --mode gil --gil cpython3 --interval 5
countdown: --interval '5' is out of range; give 1us to 100s
[2]

$ convoy --cpu 2 --workers 2
convoy: --cpu 2 leaves no I/O worker of 2; give more --workers or less --cpu
[2]

# What this machine does not have

$ countdown --pin 4000
countdown: --pin '4000': CPU 4000 is not one this process may use
[2]

$ countdown --pin 0,x
countdown: --pin '0,x' is not a list of CPUs; give 0,1 or 0-3
[2]

#? test "$(nproc)" -lt 1024
$ countdown --cpus 1024
countdown: --cpus 1024: only ... CPUs are allowed here
[2]

$ mergesort --size 2G --return pipe --mode processes --workers 1024
mergesort: --size 2000000000 needs 15273.7 GiB of memory; ... GiB are available
[3]

# ASan and TSan need more addresses than this.
#? ulimit -v 300000 && countdown --size 10
$ ulimit -v 300000; countdown --mode threads --workers 500 --size 1000
countdown: cannot start thread ... of 500: Resource temporarily unavailable
[3]

$ ulimit -n 100; iosleep --io socketpair --workers 200 --mode threads
iosleep: cannot open pipe ... of 200: Too many open files
[3]

# Results that do not reach their reader

#? test -c /dev/full
$ countdown --size 10 >/dev/full
countdown: cannot write the result: No space left on device
[3]

#? test -c /dev/full
$ countdown --size 10 --json >/dev/full
countdown: cannot write the result: No space left on device
[3]

$ countdown --size 10 >&-
countdown: cannot write the result: Bad file descriptor
[3]

$ python3 -c "import os, subprocess as s; r, w = os.pipe(); os.close(r); exit(s.call(['countdown', '--size', '10'], stdout=w))"
countdown: cannot write the result: Broken pipe
[3]

# And when all is well

$ countdown --size 10
countdown, sequential, 2 workers, 10 decrements: ... s, checksum 0000000000000037

$ mergesort --mode gil --workers 3 --size 1000
mergesort, gil cpython3, 3 workers, 1000 elements: ... s, checksum ...
lock: ... takes (... contended), ... switches, ... timed out; drops ... voluntary, ... forced

Of two the last one counts, for all options alike.

$ countdown --mode threads --size 7 --mode=gil --gil cpython3 --size 10 --gil cpython2
countdown, gil cpython2, 2 workers, 10 decrements: ...
lock: ...

# The published experiment

$ gilscope experiment --gil cpython33 -o experiment
gilscope: unknown lock model 'cpython33'; did you mean 'cpython3'?
[2]

$ gilscope experiment --runs none
gilscope: --runs 'none' is not a number; give 1 to 1000
[2]

# Fidelity

$ gilscope fidelity --runtime nosuch -o fidelity
gilscope: unknown runtime 'nosuch'; ...
[2]

$ gilscope fidelity extra
gilscope: unexpected word 'extra'; fidelity takes only options
[2]
