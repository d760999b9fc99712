/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SYSCALL_IMPL_H
#define SYSCALL_IMPL_H

#include <stdint.h>

/* An entry of .kiln.sysent: as the stubs write it. */
struct syscall_entry {
	int32_t offset; /* of the stub, from this word */
	int32_t number;
};

/* The linker script collects the entries; without it there are none. */
extern const struct syscall_entry __kiln_sysent_start[] __attribute__((weak));
extern const struct syscall_entry __kiln_sysent_end[] __attribute__((weak));

extern const char syscall_exit[], syscall_exit_end[];

/* From entry.S and the stubs. */
uintptr_t syscall_lookup(long number);
long syscall_unimplemented(const char *name);
long syscall_unknown(long number);

#endif
