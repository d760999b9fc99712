/* SPDX-License-Identifier: BSD-2-Clause */
#include "syscall_stubs.inc"
	.section .note.GNU-stack, "", @progbits
