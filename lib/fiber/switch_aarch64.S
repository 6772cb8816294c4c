/* SPDX-License-Identifier: MIT */

/*
 * The callee-saved registers of AAPCS64.  The end is a jump, not ret: the
 * processor's return stack knows nothing of another stack's calls.
 *
 * No note about branch targets stands here, so the linker does not switch their
 * enforcement on for the program.
 */

#define FRAME 160

    .text

    .globl ws__switch
    .hidden ws__switch
    .type ws__switch, %function
    .p2align 4
ws__switch:
    .cfi_startproc
    sub sp, sp, #FRAME
    .cfi_adjust_cfa_offset FRAME
    stp x19, x20, [sp, #0]
    stp x21, x22, [sp, #16]
    stp x23, x24, [sp, #32]
    stp x25, x26, [sp, #48]
    stp x27, x28, [sp, #64]
    stp x29, x30, [sp, #80]
    stp d8, d9, [sp, #96]
    stp d10, d11, [sp, #112]
    stp d12, d13, [sp, #128]
    stp d14, d15, [sp, #144]
    mov x9, sp
    str x9, [x0]
    mov sp, x1
    ldp x19, x20, [sp, #0]
    ldp x21, x22, [sp, #16]
    ldp x23, x24, [sp, #32]
    ldp x25, x26, [sp, #48]
    ldp x27, x28, [sp, #64]
    ldp x29, x30, [sp, #80]
    ldp d8, d9, [sp, #96]
    ldp d10, d11, [sp, #112]
    ldp d12, d13, [sp, #128]
    ldp d14, d15, [sp, #144]
    add sp, sp, #FRAME
    .cfi_adjust_cfa_offset -FRAME
    mov x16, x30
    br x16
    .cfi_endproc
    .size ws__switch, . - ws__switch

/* Where a new stack begins: entry in x19, arg in x20.  Nothing called this,
 * which is how a debugger finds the end of a backtrace. */
    .type begin, %function
    .p2align 4
begin:
    .cfi_startproc
    .cfi_undefined x30
    mov x29, xzr
    mov x30, xzr
    mov x0, x20
    blr x19
    brk #1
    .cfi_endproc
    .size begin, . - begin

/* void *ws__switch_make(void *low, size_t size, entry, arg) */
    .globl ws__switch_make
    .hidden ws__switch_make
    .type ws__switch_make, %function
    .p2align 4
ws__switch_make:
    .cfi_startproc
    add x0, x0, x1
    and x0, x0, #-16
    sub x0, x0, #FRAME
    stp x2, x3, [x0, #0]
    adr x9, begin
    stp xzr, x9, [x0, #80]
    stp xzr, xzr, [x0, #96]
    stp xzr, xzr, [x0, #112]
    stp xzr, xzr, [x0, #128]
    stp xzr, xzr, [x0, #144]
    ret
    .cfi_endproc
    .size ws__switch_make, . - ws__switch_make

/* void ws__switch_call(void *left, fn, arg) */
    .globl ws__switch_call
    .hidden ws__switch_call
    .type ws__switch_call, %function
    .p2align 4
ws__switch_call:
    .cfi_startproc
    stp x29, x30, [sp, #-16]!
    .cfi_def_cfa_offset 16
    .cfi_offset x29, -16
    .cfi_offset x30, -8
    mov x29, sp
    .cfi_def_cfa_register x29
    and x9, x0, #-16
    mov sp, x9
    mov x0, x2
    blr x1
    mov sp, x29
    ldp x29, x30, [sp], #16
    .cfi_def_cfa sp, 0
    .cfi_restore x29
    .cfi_restore x30
    ret
    .cfi_endproc
    .size ws__switch_call, . - ws__switch_call

    .section .note.GNU-stack, "", %progbits
