/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where struct lwp has what a debugger on the host must find: kiln (app-tools/lwps.h) makes
 * threads of a core dump from it, and follows them while a program is profiled.  The numbers are a
 * section of IMAGE.debug only; nothing of this is in an image.
 */
#include "base_impl.h"

/* Never called: an asm statement with operands must be in a function. */
static void __attribute__((used)) layout(void)
{
	__asm__ volatile(".pushsection .debug_kiln,\"\",@progbits\n\t"
			 ".ascii \"KILNLWP1\"\n\t"
			 ".long %c0, %c1, %c2, %c3, %c4, %c5, %c6, %c7, %c8, %c9, %c10\n\t"
			 ".popsection"
			 :
			 : "i"(offsetof(struct lwp, l_list.tqe_next)),
			 "i"(offsetof(struct lwp, l_lid)), "i"(offsetof(struct lwp, l_stat)),
			 "i"(offsetof(struct lwp, l_rsp)), "i"(offsetof(struct lwp, l_kstack_base)),
			 "i"(offsetof(struct lwp, l_kstack_top)), "i"(offsetof(struct lwp, l_tls)),
			 "i"(offsetof(struct lwp, l_kernel)), "i"(offsetof(struct lwp, l_name)),
			 "i"(offsetof(struct lwp, l_oncpu)), "i"(LSZOMB));
}
