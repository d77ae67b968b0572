/* Functions that make system calls in ways that compilers and people write them, and in ways that
   they do not; tests/sites_test.c says what each becomes. They are analysed, and never run. The
   label NAME is at the syscall instruction. */

/* No site is at the end of a page: "nopl 0(%rax)" looks like the address 0x401f0f, which matters in
   a program that cannot be moved. */
	.text
	.p2align 12

	.macro begin
	.p2align 4
	.cfi_startproc
	.endm

	.macro call name
	.globl \name
	.hidden \name
\name:
.L\name:
	syscall
	.endm

	.macro end
	ret
	.cfi_endproc
	.endm

	begin
made_elsewhere:
	end

/* Patched. */

	begin
	mov	$39, %eax
	call	made_number
	end

	begin
	mov	%edi, %eax
	call	made_behind
	cmp	$-4095, %rax
	jae	1f
	ret
1:	neg	%eax
	end

	begin
	mov	%rdi, %rax
	call	made_before
	end

	begin
	mov	$39, %rax
	call	made_wide
	end

/* A jump to the syscall instruction itself would miss a patch of the number alone. */
	begin
	mov	$39, %eax
	call	made_again
	cmp	$-4, %rax
	je	.Lmade_again
	end

/* What stands behind the first belongs to the second. */
	begin
	mov	%rdi, %rax
	call	made_first
	mov	$40, %eax
	call	made_second
	end

/* The way of glibc's clone: unwinders end at the call, and so does the function's entry. */
	begin
	mov	$56, %eax
	.cfi_endproc
	call	made_fallen
	test	%rax, %rax
	je	1f
	ret
	.cfi_startproc
1:	xor	%ebp, %ebp
	end

	begin
	lea	made_places(%rip), %rdx
	movslq	(%rdx, %rdi, 4), %rax
	add	%rdx, %rax
	jmp	*%rax
1:	mov	%rdi, %rax
	call	made_switched
	ret
2:	xor	%eax, %eax
	end
	.section .rodata
	.p2align 2
made_places:
	.long	1b - made_places, 2b - made_places
	.text

/* Where flags are written at last. */
	begin
	mov	$39, %eax
	call	made_flags_later
	mov	%rax, %rdx
	jmp	1f
	int3
1:	test	%rdx, %rdx
	js	made_elsewhere
	end

/* Bytes behind that are no instruction matter to the shape that looks at none of them. */
	begin
	mov	$39, %eax
	call	made_number_undecoded
	ret
	.byte	0x06
	.cfi_endproc

/* Left. */

	begin
	mov	%rdi, %rax
	call	made_undecoded
	ret
	.byte	0x06
	.cfi_endproc

	begin
	test	%rdi, %rdi
	je	.Lmade_jumped_to
	mov	%rdi, %rax
	call	made_jumped_to
	end

	begin
	mov	%rdi, %rax
	call	made_near_target
	end
	begin
	je	.Lmade_near_target
	end

	begin
	mov	%rdi, %rax
	call	made_far_target
	end
	.skip	4096, 0xcc
	begin
	jmp	made_far_target
	.cfi_endproc
	.skip	4096, 0xcc

	begin
	lea	made_entries(%rip), %rdx
	movslq	(%rdx, %rdi, 4), %rax
	add	%rdx, %rax
	jmp	*%rax
1:	mov	%rdi, %rax
	call	made_table
	end
	.section .rodata
	.p2align 2
made_entries:
	.long	1b - made_entries, made_table - made_entries
	.text

	begin
	jmp	*(%rsi, %rdi, 8)
1:	mov	%rdi, %rax
	call	made_pointers
	end
	.section .data.rel.ro, "aw"
	.p2align 3
	.quad	1b, made_pointers
	.text

	begin
	lea	made_address(%rip), %rax
	mov	%rdi, %rax
	call	made_address
	end

	begin
	lea	1f(%rip), %rdx
	lea	(%rdx, %rdi, 4), %rdx
	jmp	*%rdx
1:	nop
	mov	%rdi, %rax
	call	made_computed
	end

	begin
	.cfi_lsda 0x1b, made_pads
1:	mov	%rdi, %rax
	call	made_landing
	end
	.section .gcc_except_table, "a"
made_pads:
	.byte	0xff, 0xff, 0x01, 4
	.uleb128 0
	.uleb128 made_landing - 1b
	.uleb128 made_landing - 1b
	.uleb128 0
	.text

	begin
	cmp	%rsi, %rdi
	mov	$39, %eax
	call	made_flags
	mov	%rax, %rdx
	sete	%al
	end

	begin
	mov	made_entries(%rip), %eax
	call	made_relative
	end

	begin
	pop	%rax
	call	made_stack
	end

	begin
	mov	$39, %eax
	.byte	0x48
	call	made_prefixed
	end

/* No entry in the unwind table. */
	.p2align 4
	mov	$39, %eax
	call	made_unknown
	ret

/* glibc 2.41's __syscall_cancel_arch. */
	begin
	mov	(%rdi), %eax
	testb	$8, (%rdi)
	jne	made_elsewhere
	mov	%rdi, %r11
	mov	%rsi, %rax
	mov	%rdx, %rdi
	mov	%rcx, %rsi
	mov	%r8, %rdx
	mov	%r9, %r10
	mov	8(%rsp), %r8
	mov	16(%rsp), %r9
	mov	%r11, 8(%rsp)
	call	made_cancelled
	end

/* qemu-user's safe_syscall. */
	begin
	mov	%rsi, %rax
	cmpl	$0, (%rbp)
	jne	1f
	call	made_interrupted
	cmp	$-4095, %rax
1:	end

/* The same, but of one call, which nobody looks at. */
	begin
	cmpl	$0, (%rdi)
	jne	1f
	mov	$202, %eax
	call	made_unwatched
1:	end

/* A signal's restorer: its entry begins a byte early, with the end of some padding. */
	begin
	.cfi_signal_frame
	.byte	0
	mov	$15, %rax
	call	made_restorer
	.cfi_endproc

/* No sites. */

	begin
	.globl made_immediate
	.hidden made_immediate
	mov	$0x050f, %eax
made_immediate = . - 4
	lea	0x50f(%rdi), %rax
	.globl made_displacement
	.hidden made_displacement
made_displacement = . - 4
	end

#ifndef __PIC__
/* What cannot be moved can have addresses in its instructions. */
	begin
	mov	$made_absolute, %eax
	end
	begin
	mov	%rdi, %rax
	call	made_absolute
	end

	begin
	jmp	*made_fixed(, %rdi, 8)
1:	mov	%rdi, %rax
	call	made_fixed_switch
	end
	.section .rodata
	.p2align 3
made_fixed:
	.quad	1b, made_fixed_switch
	.text
#endif

	.section .note.GNU-stack, "", @progbits
