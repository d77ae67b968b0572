/* See stubs.h. What is slow is in syscalls.c. Nothing here is made when a program runs, but for what is put into stub_moved. */
#include "tracer/preload/stubs.h"

#if defined(__x86_64__)

/* Of enum trace_kind and the kernel; checked in syscalls.c. */
#define KIND_SYSCALL 72
#define KIND_FUTEX 73
#define KIND_SYSCALL_EXIT 74
#define NUMBER_OF_FUTEX 202

/* To unwinders the caller of a slot's code has the same stack, and is at the address in the table
 * to which the slot's last 8 bytes are the distance. DW_CFA_val_expression of the return address:
 * breg16 0, const2s -BYTES, and, plus_uconst BYTES - 8, dup, deref, plus, plus_uconst SITE, deref. */
	.macro rule_slot low, high, last_low, last_high
	.cfi_signal_frame
	.cfi_def_cfa %rsp, 0
	.cfi_escape 0x16, 16, 15, 0x80, 0, 0x0b, \low, \high, 0x1a, 0x23, \last_low, \last_high
	.cfi_escape 0x12, 0x06, 0x22, 0x23, STUB_SITE, 0x06
	.endm
/* The same while the table's entry is in rcx, and while rbx points to a frame that has it: breg2 SITE,
 * deref; breg3 FRAME_STUB, deref, plus_uconst SITE, deref. */
	.macro rule_rcx
	.cfi_escape 0x16, 16, 3, 0x72, STUB_SITE, 0x06
	.endm
	.macro rule_frame
	.cfi_escape 0x16, 16, 7, 0x73, 0x80 + STUB_FRAME_STUB, 0, 0x06, 0x23, STUB_SITE, 0x06
	.endm

	.macro object name
	.hidden \name
	.globl \name
	.type \name, @object
\name:
	.endm

/* A record, in the same order as ring_put: its place in rax, its head in rdx, rcx free; what was in rax
 * is at 8(%rsp). If the ring cannot take it, r11 says what was reserved, and rcx has the ring. */
	.macro begin_record kind, slow, none
	addq $-128, %rsp
	.cfi_adjust_cfa_offset 128
	pushq %rax
	.cfi_adjust_cfa_offset 8
	pushq %rdx
	.cfi_adjust_cfa_offset 8
	movq ring_current@gottpoff(%rip), %rcx
	movq %fs:(%rcx), %rcx
	/* A thread whose storage libc did not make. */
	testq %rcx, %rcx
	jz \none + n * STUB_COLD_BYTES
	/* Or one that must not read the counter. */
	cmpq $0, STUB_RING_LIMIT(%rcx)
	je \none + n * STUB_COLD_BYTES
	rdtsc
	shlq $40, %rdx
	shlq $8, %rax
	leaq \kind(%rax, %rdx), %rdx
	movl $16, %r11d
	xaddq %r11, STUB_RING_NEXT(%rcx)
	movq STUB_RING_MASK(%rcx), %rax
	andq %r11, %rax
	addq STUB_RING_RECORDS(%rcx), %rax
	/* The limit last: if a handler has forked since, the child's pages are empty. */
	cmpq %r11, STUB_RING_LIMIT(%rcx)
	jbe \slow + n * STUB_COLD_BYTES
	.endm
	.macro restore
	popq %rdx
	.cfi_adjust_cfa_offset -8
	popq %rax
	.cfi_adjust_cfa_offset -8
	subq $-128, %rsp
	.cfi_adjust_cfa_offset -128
	.endm
	.macro end_record
	/* [record-commit] */
	movq %rdx, (%rax)
	restore
	.endm

/* The slots. 'n' is the number of the slot in each loop, 'first' labels stand in the first one: the
 * same place in slot n is at first + n times the slot's size. */
	.section .bss.stub_table, "aw", @nobits
	.balign 64
	object stub_table
	.zero STUBS * STUB_ENTRY_BYTES

	.section .text.stub_moved, "ax", @progbits
	.balign 4096
	object stub_moved
	.cfi_startproc
	rule_slot 0xc0, 0xff, 0xb8, 0x00
	.set n, 0
	.rept STUBS
	.rept 2
	.skip STUB_MOVED_BYTES - 8, 0xcc
	.quad stub_table + n * STUB_ENTRY_BYTES - .
	.endr
	.set n, n + 1
	.endr
	.cfi_endproc

	.section .text.stub_code, "ax", @progbits
	.balign 4096
	object stub_code
	.set n, 0
	.rept STUBS
	.cfi_startproc
	rule_slot 0x00, 0xff, 0xf8, 0x01
1:	movl stub_table + n * STUB_ENTRY_BYTES + STUB_NUMBER(%rip), %eax
2:	cmpl $NUMBER_OF_FUTEX, %eax
	je enter_futex + n * STUB_COLD_BYTES
	begin_record KIND_SYSCALL, enter_slow, enter_none
	movl 8(%rsp), %ecx
	movl %ecx, 8(%rax)
	movl %edi, 12(%rax)
	end_record
3:	syscall
4:	begin_record KIND_SYSCALL_EXIT, exit_slow, exit_none
	prefetchw 1024(%rax)
	movq 8(%rsp), %rcx
	movq %rcx, 8(%rax)
	end_record
5:	jmp *stub_table + n * STUB_ENTRY_BYTES + STUB_BACK(%rip)
	.org 1b + STUB_BYTES - 8, 0xcc
	.quad stub_table + n * STUB_ENTRY_BYTES - .
	.cfi_endproc
	.if n == 0
	.set first_plain, 2b
	.set first_call, 3b
	.set first_returned, 4b
	.set first_done, 5b
	.endif
	.set n, n + 1
	.endr

/* Leaves the stub for C from within a record: r11 says where it was reserved and in which ring, 0: in
 * none. */
	.macro leave to
	.cfi_def_cfa_offset 144
	shlq $16, %r11
	movw STUB_RING_PLACE(%rcx), %r11w
0:	restore
	leaq stub_table + n * STUB_ENTRY_BYTES(%rip), %rcx
	jmp \to
	.endm
	.macro leave_none
	.cfi_def_cfa_offset 144
	xorl %r11d, %r11d
	jmp 0b
	.endm

	.section .text.stub_cold, "ax", @progbits
	.balign 4096
	object stub_cold
	.set n, 0
	.rept STUBS
	.cfi_startproc
	rule_slot 0x00, 0xff, 0xf8, 0x01
1:	leave stub_slow_enter
2:	leave_none
3:	leave stub_slow_exit
4:	leave_none
	.cfi_def_cfa_offset 0
/* Is it a call that C looks at? */
5:	cmpl $STUB_NUMBERS, %eax
	jae first_plain + n * STUB_BYTES
	movl %eax, %ecx
	leaq stub_specials(%rip), %r11
	cmpb $0, (%r11, %rcx)
	je first_plain + n * STUB_BYTES
6:	leaq stub_table + n * STUB_ENTRY_BYTES(%rip), %rcx
	jmp stub_slow_look
/* A call that returns in two threads. */
7:	syscall
	testq %rax, %rax
	jnz first_returned + n * STUB_BYTES
	leaq stub_table + n * STUB_ENTRY_BYTES(%rip), %rcx
	jmp stub_slow_child
8:	begin_record KIND_FUTEX, enter_slow, enter_none
	movq %rdi, 8(%rax)
	movb %sil, 15(%rax)
	end_record
	jmp first_call + n * STUB_BYTES
	.org 1b + STUB_COLD_BYTES - 8, 0xcc
	.quad stub_table + n * STUB_ENTRY_BYTES - .
	.cfi_endproc
	.if n == 0
	.set enter_slow, 1b
	.set enter_none, 2b
	.set exit_slow, 3b
	.set exit_none, 4b
	.set first_any, 5b
	.set first_looked_at, 6b
	.set first_spawn, 7b
	.set enter_futex, 8b
	.endif
	.set n, n + 1
	.endr

/* Where those places are in a slot. */
	.section .rodata
	.balign 4
	object stub_ways
	.long first_plain - stub_code, first_call - stub_code, first_done - stub_code
	.long first_any - stub_cold, first_looked_at - stub_cold, first_spawn - stub_cold

/* C for a stub: rcx has its entry in the table. Everything is kept, vector registers too. */
	.macro slow name, to
	.type \name, @function
\name:
	.cfi_startproc
	.cfi_signal_frame
	.cfi_def_cfa %rsp, 0
	rule_rcx
	leaq -128(%rsp), %rsp
	.cfi_adjust_cfa_offset 128
	.irp register, rcx, r11, rax, rdi, rsi, rdx, r8, r9, r10, rbx
	pushq %\register
	.cfi_adjust_cfa_offset 8
	.endr
	.cfi_rel_offset %rbx, 0
	movq %rsp, %rbx
	.cfi_def_cfa_register %rbx
	rule_frame
	movl stub_state_bytes(%rip), %eax
	subq %rax, %rsp
	andq $-64, %rsp
	movl stub_state_mask(%rip), %eax
	xorl %edx, %edx
	testl %eax, %eax
	jz 1f
	/* The header, which xsave does not write all of. */
	.irp at, 512, 520, 528, 536, 544, 552, 560, 568
	movq %rdx, \at(%rsp)
	.endr
	xsave64 (%rsp)
	jmp 2f
1:	fxsave64 (%rsp)
2:	movq %rbx, %rdi
	call \to
	movl stub_state_mask(%rip), %eax
	xorl %edx, %edx
	testl %eax, %eax
	jz 1f
	xrstor64 (%rsp)
	jmp 2f
1:	fxrstor64 (%rsp)
2:	movq STUB_FRAME_STUB(%rbx), %rcx
	rule_rcx
	movq %rbx, %rsp
	.cfi_def_cfa_register %rsp
	.irp register, rbx, r10, r9, r8, rdx, rsi, rdi, rax, r11
	popq %\register
	.cfi_adjust_cfa_offset -8
	.endr
	.cfi_restore %rbx
	leaq 136(%rsp), %rsp
	.cfi_adjust_cfa_offset -136
	jmp *%r11
	.cfi_endproc
	.size \name, . - \name
	.endm

	.text
	slow stub_slow_enter, stub_enter_slow
	slow stub_slow_exit, stub_exit_slow
	slow stub_slow_look, stub_look
	slow stub_slow_child, stub_child

/* As libc has it, byte for byte: unwinders that find no rule for a return address look for these, or
 * look up the byte before it, which so is nobody's. */
	.globl stub_restorer
	.hidden stub_restorer
	.type stub_restorer, @function
	.balign 16
	nop
stub_restorer:
	movq $15, %rax
	syscall
	.size stub_restorer, . - stub_restorer

	.section .note.GNU-stack, "", @progbits
#endif
