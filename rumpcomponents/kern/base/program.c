/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The program's first stack, as the System V ABI for x86-64 (3.4.1) and Linux
 * have it: argc, argv, NULL, envp, NULL, auxiliary vector; above them the strings.
 * The stack is an address range filled on touch, with a hole below it.
 *
 * Configuration: "name" is argv[0], "args" what follows it, "env" the environment.
 */
#include "base_impl.h"
#include <elf.h>
#include <sys/mman.h>
#include <kern/config.h>
#include <kern/vm_map.h>

#define STACK_SIZE  (8UL << 20)
#define STACK_GUARD (64UL << 10)
#define ARGS_MAX    (128UL << 10)
#define CLOCK_TICKS 100
#define AUX_WORDS   36

uintptr_t (*proc_boot)(void);

extern const Elf64_Ehdr __ehdr_start __attribute__((visibility("hidden")));
void _start(void);

int base_args_add(struct base_args *a, const char *str)
{
	size_t len = strlen(str) + 1;

	if (len > (size_t)(a->end - a->at))
		return E2BIG;
	memcpy(a->at, str, len);
	a->at += len;
	return 0;
}

static uint32_t cpu_features(void)
{
	uint32_t a = 1, b, c = 0, d;

	__asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
	return d;
}

static uint64_t *aux(uint64_t *w, uint64_t type, uint64_t value)
{
	w[0] = type;
	w[1] = value;
	return w + 2;
}

static void put_aux(uint64_t *w, uintptr_t name, uintptr_t random, uintptr_t entry)
{
	static const uint16_t fixed[][2] = {{AT_PAGESZ, PAGE_SIZE}, {AT_CLKTCK, CLOCK_TICKS},
	    {AT_PHENT, sizeof(Elf64_Phdr)}, {AT_BASE, 0}, {AT_FLAGS, 0}, {AT_UID, 0}, {AT_EUID, 0},
	    {AT_GID, 0}, {AT_EGID, 0}, {AT_SECURE, 0}, {AT_NULL, 0}};

	_Static_assert(2 * NELEM(fixed) + 14 == AUX_WORDS, "what is set aside");
	w = aux(w, AT_HWCAP, cpu_features());
	w = aux(w, AT_PHDR, (uintptr_t)&__ehdr_start + __ehdr_start.e_phoff);
	w = aux(w, AT_PHNUM, __ehdr_start.e_phnum);
	w = aux(w, AT_ENTRY, entry);
	w = aux(w, AT_RANDOM, random);
	w = aux(w, AT_EXECFN, name);
	w = aux(w, AT_PLATFORM, (uintptr_t) "x86_64");
	for (unsigned i = 0; i < NELEM(fixed); i++)
		w = aux(w, fixed[i][0], fixed[i][1]);
}

CONFIG_KEY(name, "name", CONFIG_STRING);
CONFIG_KEY(args, "args", CONFIG_ARRAY);
CONFIG_KEY(env, "env", CONFIG_OBJECT);

/* The strings lie from top - ARGS_MAX on, the vectors below them. */
uintptr_t base_args_end(const struct base_args *a, unsigned argc, unsigned envc, uintptr_t entry)
{
	uintptr_t top = a->base + a->size, str = top - ARGS_MAX;
	uint64_t *random = (uint64_t *)(top - 16), *w, *sp;
	const unsigned count[] = {argc, envc};
	unsigned bits;

	rumpuser_entropy(random, 16, &bits);
	random[0] ^= curcpu()->ci_cpu.canary * 0xd6e8feb86659fd93ULL;
	random[1] ^= rumpuser_clock_monotonic() * 0x9e3779b97f4a7c15ULL;

	/* argc, argv, NULL, envp, NULL, auxv */
	sp = w = (uint64_t *)ROUNDDOWN(str - (3 + argc + envc + AUX_WORDS) * 8UL, 16);
	*w++ = argc;
	for (unsigned i = 0; i < 2; i++) {
		for (unsigned n = count[i]; n > 0; n--) {
			*w++ = str;
			str += strlen((char *)str) + 1;
		}
		*w++ = 0;
	}
	put_aux(w, top - ARGS_MAX, (uintptr_t)random, entry);
	return (uintptr_t)sp;
}

int base_args_begin(struct base_args *a)
{
	int error;

	a->base = 0;
	a->size = STACK_SIZE + STACK_GUARD;
	error = vm_map_enter(&a->base, a->size, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, NULL, 0);
	a->end = (char *)a->base + a->size - 16;
	a->at = a->end + 16 - ARGS_MAX;
	return error ? error : vm_map_protect(a->base, STACK_GUARD, PROT_NONE);
}

void base_enter_program(const char *name, uintptr_t entry, uintptr_t sp)
{
	const char *slash;

	for (slash = name; *slash != '\0'; slash++)
		if (*slash == '/')
			name = slash + 1;
	strlcpy(curlwp->l_name, name, sizeof(curlwp->l_name));
	cpu_enter_program(entry, sp, 0);
}

void base_start_program(void)
{
	uintptr_t entry = (uintptr_t)_start;
	const char *name = config_string("name"), *key, *value;
	unsigned nargs = config_count("args"), nenv = config_count("env"), n;
	struct base_args a;
	char path[24];
	int error = 0;

	if (sig_lwp_create != NULL)
		error = sig_lwp_create(curlwp);
	if (proc_boot != NULL)
		entry = proc_boot();
	if (error == 0)
		error = base_args_begin(&a);
	if (error != 0)
		panic("no memory for the program's stack: error %d", error);
	if (name == NULL)
		name = "program";
	error |= base_args_add(&a, name);
	for (n = 0; n < nargs; n++) {
		ksnprintf(path, sizeof(path), "args.%u", n);
		value = config_string(path);
		error |= base_args_add(&a, value != NULL ? value : "");
	}
	for (n = 0; config_pair("env", n, &key, &value) && n < nenv; n++) {
		error |= base_args_add(&a, key);
		a.at[-1] = '=';
		error |= base_args_add(&a, value != NULL ? value : "");
	}
	if (error != 0)
		panic("the arguments and the environment are longer than %lu bytes", ARGS_MAX);
	base_enter_program(name, entry, base_args_end(&a, 1 + nargs, nenv, entry));
}
