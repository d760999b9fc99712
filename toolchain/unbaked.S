/* SPDX-License-Identifier: BSD-2-Clause */
/* The mark of an unbaked program: version of the format, the libc's calls. */
	.section .kiln.unbaked, "", @progbits
	.long 1
	.asciz "unbaked Kiln program: make an image of it with `kiln bake`"
	.section .note.GNU-stack, "", @progbits
