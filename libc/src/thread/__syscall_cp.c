/* SPDX-License-Identifier: BSD-2-Clause */
/* Cancellable calls are inline here: arch/x86_64/syscall_arch.h. */
