/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where a signal handler returns to.  A jump, not a call: rt_sigreturn finds the
 * saved context at the stack pointer.
 */
	.section .text.__restore_rt,"ax",@progbits
	.global __restore_rt
	.hidden __restore_rt
	.type __restore_rt,@function
__restore_rt:
	.hidden sys_rt_sigreturn
	jmp sys_rt_sigreturn
	.size __restore_rt,.-__restore_rt
