/* SPDX-License-Identifier: MIT */

/*
 * The System V ABI's callee-saved registers.  The end is pop and jmp, not ret:
 * the processor's return stack knows nothing of another stack's calls, and a
 * ret that it foretells wrongly costs more than all of the rest.
 *
 * No note about shadow stacks stands here, so the linker does not switch them
 * on for the program.
 */

    .text

    .globl ws__switch
    .hidden ws__switch
    .type ws__switch, @function
    .p2align 4
ws__switch:
    .cfi_startproc
    endbr64
    pushq %rbp
    .cfi_adjust_cfa_offset 8
    pushq %rbx
    .cfi_adjust_cfa_offset 8
    pushq %r12
    .cfi_adjust_cfa_offset 8
    pushq %r13
    .cfi_adjust_cfa_offset 8
    pushq %r14
    .cfi_adjust_cfa_offset 8
    pushq %r15
    .cfi_adjust_cfa_offset 8
    movq %rsp, (%rdi)
    movq %rsi, %rsp
    popq %r15
    .cfi_adjust_cfa_offset -8
    popq %r14
    .cfi_adjust_cfa_offset -8
    popq %r13
    .cfi_adjust_cfa_offset -8
    popq %r12
    .cfi_adjust_cfa_offset -8
    popq %rbx
    .cfi_adjust_cfa_offset -8
    popq %rbp
    .cfi_adjust_cfa_offset -8
    popq %rcx
    .cfi_adjust_cfa_offset -8
    .cfi_register %rip, %rcx
    notrack jmp *%rcx
    .cfi_endproc
    .size ws__switch, . - ws__switch

/* Where a new stack begins: entry in %r12, arg in %r13.  Nothing called this,
 * which is how a debugger finds the end of a backtrace. */
    .type begin, @function
    .p2align 4
begin:
    .cfi_startproc
    .cfi_undefined %rip
    xorl %ebp, %ebp
    movq %r13, %rdi
    callq *%r12
    ud2
    .cfi_endproc
    .size begin, . - begin

/* void *ws__switch_make(void *low, size_t size, entry, arg) */
    .globl ws__switch_make
    .hidden ws__switch_make
    .type ws__switch_make, @function
    .p2align 4
ws__switch_make:
    .cfi_startproc
    endbr64
    leaq (%rdi, %rsi), %rax
    andq $-16, %rax
    leaq begin(%rip), %r8
    movq %r8, -24(%rax)     /* from here on the stack is aligned */
    movq $0, -32(%rax)      /* %rbp */
    movq $0, -40(%rax)      /* %rbx */
    movq %rdx, -48(%rax)    /* %r12 */
    movq %rcx, -56(%rax)    /* %r13 */
    movq $0, -64(%rax)      /* %r14 */
    movq $0, -72(%rax)      /* %r15 */
    subq $72, %rax
    ret
    .cfi_endproc
    .size ws__switch_make, . - ws__switch_make

/* void ws__switch_call(void *left, fn, arg) */
    .globl ws__switch_call
    .hidden ws__switch_call
    .type ws__switch_call, @function
    .p2align 4
ws__switch_call:
    .cfi_startproc
    endbr64
    pushq %rbp
    .cfi_def_cfa_offset 16
    .cfi_offset %rbp, -16
    movq %rsp, %rbp
    .cfi_def_cfa_register %rbp
    movq %rdi, %rsp
    andq $-16, %rsp
    movq %rdx, %rdi
    callq *%rsi
    movq %rbp, %rsp
    popq %rbp
    .cfi_def_cfa %rsp, 8
    ret
    .cfi_endproc
    .size ws__switch_call, . - ws__switch_call

    .section .note.GNU-stack, "", @progbits
