/* SPDX-License-Identifier: BSD-2-Clause */
/* framecfi.h - struct rumpuser_trapframe for assembly, and for debuggers. */
#ifndef FRAMECFI_H
#define FRAMECFI_H

/* struct rumpuser_trapframe */
#define TF_SIZE 184
#define TF_ADDR 120
#define TF_TRAPNO 128
#define TF_ERR 136
#define TF_RIP 144
#define TF_CS 152
#define TF_RFLAGS 160
#define TF_RSP 168
#define TF_SS 176

/*
 * For debuggers: here the frame is at \at(%rsp), and what it describes is the caller.
 * The information goes into .debug_frame, of which an image has no bytes.
 */
	.cfi_sections .debug_frame
	.macro FRAME_CFI at=0
	.cfi_startproc simple
	.cfi_signal_frame
	.cfi_def_cfa rsp, TF_SIZE + \at
	.cfi_offset r15, 0 - TF_SIZE
	.cfi_offset r14, 8 - TF_SIZE
	.cfi_offset r13, 16 - TF_SIZE
	.cfi_offset r12, 24 - TF_SIZE
	.cfi_offset r11, 32 - TF_SIZE
	.cfi_offset r10, 40 - TF_SIZE
	.cfi_offset r9, 48 - TF_SIZE
	.cfi_offset r8, 56 - TF_SIZE
	.cfi_offset rbp, 64 - TF_SIZE
	.cfi_offset rdi, 72 - TF_SIZE
	.cfi_offset rsi, 80 - TF_SIZE
	.cfi_offset rdx, 88 - TF_SIZE
	.cfi_offset rcx, 96 - TF_SIZE
	.cfi_offset rbx, 104 - TF_SIZE
	.cfi_offset rax, 112 - TF_SIZE
	.cfi_offset rip, TF_RIP - TF_SIZE
	.cfi_offset rsp, TF_RSP - TF_SIZE
	.endm

#endif
