/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The program's start, from _start with what the kernel put on the stack.
 *
 * Unlike musl's own this has no code for set-user-id programs: there is one
 * user here, and the kernel opens descriptors 0 to 2 before the program starts.
 * So a program does not draw in open() and poll() merely by starting.
 */
#include <elf.h>
#include <stdint.h>
#include <unistd.h>
#include "atomic.h"
#include "libc.h"
#include "syscall.h"

static void no_init(void)
{
}
weak_alias(no_init, _init);

static void no_ssp(void *entropy)
{
}
weak_alias(no_ssp, __init_ssp);

extern weak hidden void (*const __init_array_start)(void), (*const __init_array_end)(void);

#define NAUX 38

__attribute__((__noinline__)) void __init_libc(char **envp, char *name)
{
	size_t aux[NAUX] = {0};
	size_t i = 0;

	__environ = envp;
	while (envp[i])
		i++;
	libc.auxv = (void *)(envp + i + 1);
	for (i = 0; libc.auxv[i]; i += 2)
		if (libc.auxv[i] < NAUX)
			aux[libc.auxv[i]] = libc.auxv[i + 1];
	__hwcap = aux[AT_HWCAP];
	libc.page_size = aux[AT_PAGESZ];

	if (!name)
		name = (char *)aux[AT_EXECFN];
	if (!name)
		name = "";
	__progname = __progname_full = name;
	for (i = 0; name[i]; i++)
		if (name[i] == '/')
			__progname = name + i + 1;

	__init_tls(aux);
	__init_ssp((void *)aux[AT_RANDOM]);
}

static void libc_start_init(void)
{
	_init();
	for (uintptr_t a = (uintptr_t)&__init_array_start; a < (uintptr_t)&__init_array_end;
	     a += sizeof(void (*)(void)))
		(*(void (**)(void))a)();
}
weak_alias(libc_start_init, __libc_start_init);

typedef int stage2_fn(int (*)(int, char **, char **), int, char **);

static int start_stage2(int (*main)(int, char **, char **), int argc, char **argv)
{
	__libc_start_init();
	exit(main(argc, argv, argv + argc + 1));
	return 0;
}

int __libc_start_main(int (*main)(int, char **, char **), int argc, char **argv, void (*init)(void),
    void (*fini)(void), void (*ldso)(void))
{
	stage2_fn *stage2 = start_stage2;

	__init_libc(argv + argc + 1, argv[0]);

	/* Nothing that uses the thread pointer or a canary may move above this. */
	__asm__ volatile("" : "+r"(stage2) : : "memory");
	return stage2(main, argc, argv);
}
