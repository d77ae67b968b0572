/* What the recorder (tracer/preload) and the readers share, and nothing else: the kinds of records,
 * the file of one thread, and the memory through which records travel from the traced process to
 * the launcher. docs/trace-format.md describes the files for readers in other languages.
 *
 * A record is 16 bytes, written by one thread into its ring:
 * 1. A slot is zero until it is written: the launcher zeroes it before it grants it.
 * 2. The second word is stored first, then the first word with release; a first word that is not
 *    zero is the commit. A reader in another process loads it with acquire. [record-commit]
 * 3. A thread writes only below what it was granted; the launcher grants only space that is
 *    allocated in the file system, read and zeroed. [ring-grant]
 * 4. So a thread that is killed at any instruction leaves all its records but the one in flight,
 *    and a full file system can never become SIGBUS. */
#ifndef TRACER_FORMAT_H
#define TRACER_FORMAT_H

#include <stdatomic.h>
#include <stdint.h>

/* What is written; files from FIRST on are read. Version 1 has no kinds behind ABANDONED, version 2
 * none behind LOCK_STATE; up to 3 an ACQUIRE does not tell that it was a try. */
#define TRACE_VERSION 4
#define TRACE_VERSION_FIRST 1

/* The first word: raw counter << 8 | kind: 56 bits of the counter last 278 days at 3 GHz from the
 * machine's start; the file's header has all 64. The second: detail << 56 | value. */
struct record {
	uint64_t head;
	uint64_t operand;
};

static inline unsigned record_kind(const struct record *record)
{
	return (unsigned)(record->head & 0xff);
}

static inline uint64_t record_raw(const struct record *record)
{
	return record->head >> 8;
}

static inline unsigned record_detail(const struct record *record)
{
	return (unsigned)(record->operand >> 56);
}

static inline uint64_t record_value(const struct record *record)
{
	return record->operand & ((UINT64_C(1) << 56) - 1);
}

/* X(NAME, "name", value, detail, args): the enum's constant without its prefix, the name in dumps
 * and in docs/trace-format.md, what value and detail are, and how many ARG records always follow.
 * More may follow: text, 8 bytes a record, padded with zeros ("+text").
 *
 * An acquisition that succeeds at once is one ACQUIRE. One that finds the object held is a
 * CONFLICT, then an ACQUIRE or a FAIL. A try that finds it held is a BUSY. An ACQUIRE's detail is
 * 0, EOWNERDEAD or TRACE_TRIED. RELEASE is stamped before the object is let go; a refused one is
 * followed by RELEASE_FAIL. A CONFLICT's detail is an enum trace_timeout; with a time limit one ARG
 * follows, the absolute deadline in nanoseconds of that clock. INIT's first ARG is the return
 * address of the call. Details not named are 0. */
#define TRACE_KINDS(X) \
	X(ARG, "arg", "64 bits of the record before", "", 0) \
	X(MUTEX_INIT, "mutex-init", "mutex", "mutex bits", 1) \
	X(MUTEX_DESTROY, "mutex-destroy", "mutex", "errno", 0) \
	X(MUTEX_ACQUIRE, "mutex-acquire", "mutex", "errno or try", 0) \
	X(MUTEX_CONFLICT, "mutex-conflict", "mutex", "timeout", 0) \
	X(MUTEX_FAIL, "mutex-fail", "mutex", "errno", 0) \
	X(MUTEX_BUSY, "mutex-busy", "mutex", "errno", 0) \
	X(MUTEX_RELEASE, "mutex-release", "mutex", "", 0) \
	X(MUTEX_RELEASE_FAIL, "mutex-release-fail", "mutex", "errno", 0) \
	X(RWLOCK_INIT, "rwlock-init", "rwlock", "rwlock bits", 1) \
	X(RWLOCK_DESTROY, "rwlock-destroy", "rwlock", "errno", 0) \
	X(READ_ACQUIRE, "read-acquire", "rwlock", "errno or try", 0) \
	X(READ_CONFLICT, "read-conflict", "rwlock", "timeout", 0) \
	X(READ_FAIL, "read-fail", "rwlock", "errno", 0) \
	X(READ_BUSY, "read-busy", "rwlock", "errno", 0) \
	X(WRITE_ACQUIRE, "write-acquire", "rwlock", "errno or try", 0) \
	X(WRITE_CONFLICT, "write-conflict", "rwlock", "timeout", 0) \
	X(WRITE_FAIL, "write-fail", "rwlock", "errno", 0) \
	X(WRITE_BUSY, "write-busy", "rwlock", "errno", 0) \
	X(RWLOCK_RELEASE, "rwlock-release", "rwlock", "", 0) \
	X(RWLOCK_RELEASE_FAIL, "rwlock-release-fail", "rwlock", "errno", 0) \
	X(SPIN_INIT, "spin-init", "spinlock", "1: process-shared", 1) \
	X(SPIN_DESTROY, "spin-destroy", "spinlock", "errno", 0) \
	X(SPIN_ACQUIRE, "spin-acquire", "spinlock", "errno or try", 0) \
	X(SPIN_CONFLICT, "spin-conflict", "spinlock", "timeout", 0) \
	X(SPIN_FAIL, "spin-fail", "spinlock", "errno", 0) \
	X(SPIN_BUSY, "spin-busy", "spinlock", "errno", 0) \
	X(SPIN_RELEASE, "spin-release", "spinlock", "", 0) \
	X(SPIN_RELEASE_FAIL, "spin-release-fail", "spinlock", "errno", 0) \
	X(SEM_INIT, "sem-init", "semaphore", "1: process-shared", 2) \
	X(SEM_OPEN, "sem-open", "semaphore, 0: failed", "errno", 1) \
	X(SEM_CLOSE, "sem-close", "semaphore", "errno", 0) \
	X(SEM_DESTROY, "sem-destroy", "semaphore", "errno", 0) \
	X(SEM_ACQUIRE, "sem-acquire", "semaphore", "errno or try", 0) \
	X(SEM_CONFLICT, "sem-conflict", "semaphore", "timeout", 0) \
	X(SEM_FAIL, "sem-fail", "semaphore", "errno", 0) \
	X(SEM_BUSY, "sem-busy", "semaphore", "errno", 0) \
	X(SEM_RELEASE, "sem-release", "semaphore", "", 0) \
	X(SEM_RELEASE_FAIL, "sem-release-fail", "semaphore", "errno", 0) \
	X(COND_INIT, "cond-init", "condition", "condition bits", 1) \
	X(COND_DESTROY, "cond-destroy", "condition", "errno", 0) \
	X(COND_WAIT, "cond-wait", "condition", "timeout", 1) \
	X(COND_RETURN, "cond-return", "condition", "errno", 0) \
	X(COND_SIGNAL, "cond-signal", "condition", "", 0) \
	X(COND_BROADCAST, "cond-broadcast", "condition", "", 0) \
	X(BARRIER_INIT, "barrier-init", "barrier", "1: process-shared", 2) \
	X(BARRIER_DESTROY, "barrier-destroy", "barrier", "errno", 0) \
	X(BARRIER_WAIT, "barrier-wait", "barrier", "", 0) \
	X(BARRIER_RETURN, "barrier-return", "barrier", "1: the serial thread", 0) \
	X(ONCE_BEGIN, "once-begin", "once control", "", 0) \
	X(ONCE_END, "once-end", "once control", "", 0) \
	X(THREAD_CREATE, "thread-create", "thread", "errno", 1) \
	X(THREAD_START, "thread-start", "thread", "", 1) \
	X(THREAD_NAME, "thread-name", "thread", "errno", 0) \
	X(THREAD_EXIT, "thread-exit", "thread", "", 0) \
	X(THREAD_JOIN, "thread-join", "thread", "timeout", 0) \
	X(THREAD_JOINED, "thread-joined", "thread", "errno", 0) \
	X(THREAD_DETACH, "thread-detach", "thread", "errno", 0) \
	X(PROCESS_START, "process-start", "pid", "trace_origin", 2) \
	X(MODULE, "module", "load address", "length of the build-id", 1) \
	X(FORK, "fork", "", "", 0) \
	X(FORKED, "forked", "child's pid, 0: failed", "errno", 0) \
	X(VFORK, "vfork", "", "", 0) \
	X(SPAWN, "spawn", "", "", 0) \
	X(SPAWNED, "spawned", "child's pid, 0: failed", "errno", 0) \
	X(EXEC, "exec", "pid", "", 0) \
	X(EXEC_FAIL, "exec-fail", "pid", "errno", 0) \
	X(EXIT, "exit", "status", "trace_exit", 0) \
	X(ABANDONED, "abandoned", "", "", 0) \
	X(CALL, "call", "call", "", 0) \
	X(LOCK_STATE, "lock-state", "condition", "", 4) \
	X(SYSCALL, "syscall", "number", "high byte", 0) \
	X(FUTEX, "futex", "futex word", "operation", 0) \
	X(SYSCALL_EXIT, "syscall-exit", "result", "high byte", 0) \
	X(SYSCALL_MISSED, "syscall-missed", "instruction", "", 0) \
	X(SYSCALLS, "syscalls", "trace_syscalls_reason", "trace_syscalls", 0) \
	X(SITES, "sites", "load address", "", 2)

enum trace_kind {
	TRACE_NONE, /* a slot that is not written */
#define X(name, text, value, detail, args) TRACE_##name,
	TRACE_KINDS(X)
#undef X
		TRACE_KIND_COUNT,
};

/* How long a blocking call may wait. COND's own clock: the one its COND_INIT tells, else REALTIME.
 */
enum trace_timeout {
	TRACE_UNTIMED,
	TRACE_REALTIME,
	TRACE_MONOTONIC,
	TRACE_COND_CLOCK,
	TRACE_TIMEOUT_COUNT,
};

/* Detail of an ACQUIRE: by a call that would not have waited. */
#define TRACE_TRIED 0xff

/* Detail of MUTEX_INIT: bits 0-1 PTHREAD_MUTEX_NORMAL, RECURSIVE, ERRORCHECK, ADAPTIVE_NP; bit 2
 * robust; bits 3-4 PTHREAD_PRIO_NONE, INHERIT, PROTECT; bit 5 process-shared. Of RWLOCK_INIT: bits
 * 0-1 the kind, bit 5 process-shared. Of COND_INIT: bit 0 CLOCK_MONOTONIC, bit 5 process-shared. */
#define TRACE_INIT_ROBUST 0x04
#define TRACE_INIT_PROTOCOL_SHIFT 3
#define TRACE_INIT_SHARED 0x20
#define TRACE_INIT_MONOTONIC 0x01

/* How a process came to be. PROCESS_START's ARGs: its parent's pid and the load address of its
 * executable; then text, the executable's path. MODULE's ARG is its size in bytes; then its
 * build-id, filled with zeros to a multiple of 8 bytes, then text, its path. SEM_INIT's and
 * BARRIER_INIT's second ARG is the count. SEM_OPEN has its name, EXEC its path, THREAD_NAME its
 * name as text. COND_WAIT's first ARG is the mutex, which is released there and acquired again at
 * COND_RETURN. THREAD_CREATE's and THREAD_START's ARG is the start routine. */
enum trace_origin { TRACE_BY_EXEC, TRACE_BY_FORK, TRACE_ORIGIN_COUNT };

/* exit, _exit and _Exit; quick_exit; return from main, or exit as libraries call it. */
enum trace_exit { TRACE_EXIT_CALL, TRACE_EXIT_AT_ONCE, TRACE_EXIT_RETURN, TRACE_EXIT_COUNT };

/* Value of CALL: the thread is about to make a call that may block, which is over by the
 * thread's next record, unless a signal handler made that. Variants of a function have one number:
 * pread64 is a pread, __read_chk a read. New ones are added at the end. */
#define TRACE_CALLS(X) \
	X(NANOSLEEP, "nanosleep") \
	X(CLOCK_NANOSLEEP, "clock_nanosleep") \
	X(USLEEP, "usleep") \
	X(SLEEP, "sleep") \
	X(THRD_SLEEP, "thrd_sleep") \
	X(PAUSE, "pause") \
	X(SIGSUSPEND, "sigsuspend") \
	X(SIGWAIT, "sigwait") \
	X(SIGWAITINFO, "sigwaitinfo") \
	X(SIGTIMEDWAIT, "sigtimedwait") \
	X(SELECT, "select") \
	X(PSELECT, "pselect") \
	X(POLL, "poll") \
	X(PPOLL, "ppoll") \
	X(EPOLL_WAIT, "epoll_wait") \
	X(EPOLL_PWAIT, "epoll_pwait") \
	X(EPOLL_PWAIT2, "epoll_pwait2") \
	X(READ, "read") \
	X(READV, "readv") \
	X(PREAD, "pread") \
	X(PREADV, "preadv") \
	X(WRITE, "write") \
	X(WRITEV, "writev") \
	X(PWRITE, "pwrite") \
	X(PWRITEV, "pwritev") \
	X(SENDFILE, "sendfile") \
	X(SPLICE, "splice") \
	X(RECV, "recv") \
	X(RECVFROM, "recvfrom") \
	X(RECVMSG, "recvmsg") \
	X(SEND, "send") \
	X(SENDTO, "sendto") \
	X(SENDMSG, "sendmsg") \
	X(ACCEPT, "accept") \
	X(ACCEPT4, "accept4") \
	X(CONNECT, "connect") \
	X(WAIT, "wait") \
	X(WAIT3, "wait3") \
	X(WAIT4, "wait4") \
	X(WAITPID, "waitpid") \
	X(WAITID, "waitid") \
	X(FLOCK, "flock") \
	X(LOCKF, "lockf") \
	X(FSYNC, "fsync") \
	X(FDATASYNC, "fdatasync")

enum trace_call {
	TRACE_CALL_NONE,
#define X(name, text) TRACE_CALL_##name,
	TRACE_CALLS(X)
#undef X
		TRACE_CALL_COUNT,
};

/* LOCK_STATE: what CPython from 3.7 on keeps in the 32 bytes before its GIL's condition, as it was:
 * the switch interval in microseconds, the last holder (a pointer), whether it is locked (signed),
 * and the number of switches. Behind a COND_RETURN of the same thread its mutex is held, and all
 * belongs together; before the condition is destroyed, and at the end of the process, nothing is
 * promised. */

/* System calls, as the kernel gets them. SYSCALL's operand: the low half is the number, the high
 * half the low 32 bits of the first argument. FUTEX is the call of that name: its operand is the
 * address, and the low 8 bits of the operation (FUTEX_PRIVATE_FLAG is one of them) as detail.
 * SYSCALL_EXIT's operand is the result, all 64 bits, -4095 to -1 being errors; it belongs to the
 * last call of the same thread that has none yet. exit, exit_group, rt_sigreturn and an exec that
 * succeeds have none, nor has a call whose signal handler never came back. A call that the kernel
 * restarts is one. After a vfork, or a clone with its parent's memory and thread-local storage, the
 * child writes where its parent does, which sleeps meanwhile: first a SYSCALL_EXIT of 0, the
 * child's return; what follows is the child's, up to a SYSCALL_EXIT that answers the same call once
 * more, the parent's return. SYSCALL_MISSED stands before a SYSCALL or FUTEX that dispatch caught
 * behind patches. */

/* Written once by each process image when it knows how its system calls are recorded, unless they
 * were not asked for, and again if that changes; a forked child's are recorded as its parent's. */
enum trace_syscalls {
	TRACE_SYSCALLS_OFF,
	TRACE_SYSCALLS_PATCH,
	TRACE_SYSCALLS_AUDIT, /* patched, with dispatch behind */
	TRACE_SYSCALLS_DISPATCH,
	TRACE_SYSCALLS_COUNT,
};

/* X(NAME, "why system calls are not recorded, or not as asked") */
#define TRACE_SYSCALLS_REASONS(X) \
	X(AS_ASKED, "as asked") \
	X(ARCHITECTURE, "on this architecture they cannot be") \
	X(NO_DISPATCH, "this kernel has no syscall user dispatch") \
	X(POLICY, "a policy of the system forbids to change code") \
	X(UNREAD, "libc's code could not be read by the launcher") \
	X(OWN_DISPATCH, "the program uses syscall user dispatch itself")

enum trace_syscalls_reason {
#define X(name, text) TRACE_SYSCALLS_##name,
	TRACE_SYSCALLS_REASONS(X)
#undef X
		TRACE_SYSCALLS_REASON_COUNT,
};

/* SITES: an object's syscall instructions; ARGs: how many it has, 0: it could not be looked at, and
 * how many of them are patched; an object that has none is not told. The object is the MODULE of
 * that load address, recorded before or after; none is the vDSO. */

/* Longest event: a text of 4,096 bytes and its fixed ARGs. */
#define TRACE_ARGS_MAX 520

/* A moment on the raw counter and on the kernel's clocks; nanoseconds. */
struct trace_clock {
	uint64_t raw, monotonic_ns, realtime_ns;
};

/* The file of one thread, "threads/NUMBER.gst": this header, then records. Little-endian. Laid out
 * as one packet of the Common Trace Format 1.8: magic, uuid and stream id are its packet header,
 * what follows its packet context. While 'finished' is 0 (the launcher was killed) the fields
 * marked * are 0 and the end of the file is the end of the records. */
#define TRACE_MAGIC 0xC1FC1FC1u
#define TRACE_FLAG_FINISHED 1u
#define TRACE_FLAG_COUNTER_IS_NS 2u /* raw values are nanoseconds of CLOCK_MONOTONIC */

struct trace_file {
	uint32_t magic;
	uint8_t uuid[16];      /* of the trace */
	uint32_t stream;       /* 0 */
	uint64_t begin_raw;    /* of the first record, all 64 bits */
	uint64_t end_raw;      /* * of the last record */
	uint64_t content_bits; /* * of header and records */
	uint64_t packet_bits;  /* * the same */
	uint64_t lost;         /* * events that could not be recorded, all after the last record */
	uint32_t version;
	uint32_t flags;
	uint32_t number;  /* of this thread within the trace, from 1 */
	uint32_t process; /* of its process (an image: exec makes a new one), from 1 */
	uint32_t parent;  /* the process it was forked or spawned from, or whose exec it is; 0: none
			   */
	uint32_t pid, tid; /* as the thread sees them */
	uint32_t reserved;
	uint64_t handle;               /* its pthread_t */
	struct trace_clock start, end; /* end: * */
	uint64_t records;              /* * */
	uint64_t
		abandoned; /* * ABANDONED records: slots that a signal handler never came back to */
	uint64_t stalls;   /* * how often the thread had to wait for space */
	uint64_t stall_raw; /* * and for how long */
	char comm[16];      /* the thread's name when it began */
	uint64_t unused[7];
};
_Static_assert(sizeof(struct trace_file) == 256, "the header of a thread's file");

#endif
