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

extern const Elf64_Ehdr __ehdr_start __attribute__((visibility("hidden")));
void _start(void);

/* Strings grow down from str, the vectors are counted first. */
struct stack {
	uintptr_t base, str;
	uint64_t *word;
};

static uintptr_t push(struct stack *s, const void *data, size_t len)
{
	if (len > s->str - s->base)
		panic("the arguments and the environment are longer than %lu bytes", ARGS_MAX);
	s->str -= len;
	memcpy((void *)s->str, data, len);
	return s->str;
}

static uintptr_t push_string(struct stack *s, const char *str)
{
	return push(s, str, strlen(str) + 1);
}

static uintptr_t push_env(struct stack *s, const char *key, const char *value)
{
	push_string(s, value);
	push(s, "=", 1);
	return push(s, key, strlen(key));
}

static void aux(struct stack *s, uint64_t type, uint64_t value)
{
	*s->word++ = type;
	*s->word++ = value;
}

static uint32_t cpu_features(void)
{
	uint32_t a = 1, b, c = 0, d;

	__asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
	return d;
}

static void push_aux(struct stack *s, uintptr_t name, uintptr_t random, uintptr_t platform)
{
	aux(s, AT_HWCAP, cpu_features());
	aux(s, AT_PAGESZ, PAGE_SIZE);
	aux(s, AT_CLKTCK, CLOCK_TICKS);
	aux(s, AT_PHDR, (uintptr_t)&__ehdr_start + __ehdr_start.e_phoff);
	aux(s, AT_PHENT, __ehdr_start.e_phentsize);
	aux(s, AT_PHNUM, __ehdr_start.e_phnum);
	aux(s, AT_BASE, 0);
	aux(s, AT_FLAGS, 0);
	aux(s, AT_ENTRY, (uintptr_t)_start);
	aux(s, AT_UID, 0);
	aux(s, AT_EUID, 0);
	aux(s, AT_GID, 0);
	aux(s, AT_EGID, 0);
	aux(s, AT_SECURE, 0);
	aux(s, AT_RANDOM, random);
	aux(s, AT_EXECFN, name);
	aux(s, AT_PLATFORM, platform);
	aux(s, AT_NULL, 0);
}

CONFIG_KEY(name, "name", CONFIG_STRING);
CONFIG_KEY(args, "args", CONFIG_ARRAY);
CONFIG_KEY(env, "env", CONFIG_OBJECT);

static uintptr_t build(uintptr_t base, uintptr_t top)
{
	const char *name = config_string("name"), *key, *value;
	struct stack s = {.base = top - ARGS_MAX, .str = top - 16};
	unsigned nargs = config_count("args"), nenv = config_count("env"), n, bits;
	uint64_t random[2], *argc;
	uintptr_t a_name, a_random, a_platform;
	char path[24];

	(void)base;
	/* argc, argv, NULL, envp, NULL, auxv */
	n = 1 + 1 + nargs + 1 + nenv + 1 + 2 * 18;
	if (n * 8UL > ARGS_MAX / 2)
		panic("too many arguments");
	argc = (uint64_t *)ROUNDDOWN(s.base - n * 8UL, 16);
	s.word = argc;

	rumpuser_entropy(random, sizeof(random), &bits);
	random[0] ^= curcpu()->ci_cpu.canary * 0xd6e8feb86659fd93ULL;
	random[1] ^= rumpuser_clock_monotonic() * 0x9e3779b97f4a7c15ULL;
	a_random = push(&s, random, sizeof(random));
	a_platform = push_string(&s, "x86_64");
	a_name = push_string(&s, name != NULL ? name : "program");

	*s.word++ = 1 + nargs;
	*s.word++ = a_name;
	for (n = 0; n < nargs; n++) {
		ksnprintf(path, sizeof(path), "args.%u", n);
		value = config_string(path);
		*s.word++ = push_string(&s, value != NULL ? value : "");
	}
	*s.word++ = 0;
	for (n = 0; config_pair("env", n, &key, &value) && n < nenv; n++)
		*s.word++ = push_env(&s, key, value != NULL ? value : "");
	*s.word++ = 0;
	push_aux(&s, a_name, a_random, a_platform);
	return (uintptr_t)argc;
}

void base_start_program(void)
{
	struct lwp *l = curlwp;
	uintptr_t base = 0, top, sp;
	const char *name = config_string("name"), *slash;
	int error;

	error = vm_map_enter(&base, STACK_SIZE + STACK_GUARD, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, NULL, 0);
	if (error == 0)
		error = vm_map_protect(base, STACK_GUARD, PROT_NONE);
	if (error == 0 && sig_lwp_create != NULL)
		error = sig_lwp_create(l);
	if (error != 0)
		panic("no memory for the program's stack: error %d", error);
	top = base + STACK_SIZE + STACK_GUARD;
	sp = build(base, top);
	if (name != NULL) {
		for (slash = name; *slash != '\0'; slash++)
			if (*slash == '/')
				name = slash + 1;
		strlcpy(l->l_name, name, sizeof(l->l_name));
	}
	cpu_enter_program((uintptr_t)_start, sp, 0);
}
