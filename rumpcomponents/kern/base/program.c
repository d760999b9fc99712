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

extern const Elf64_Ehdr __ehdr_start __attribute__((visibility("hidden")));
void _start(void);

/* The strings of argv and envp, one behind the other. */
struct strings {
	char *at, *end;
};

static void add(struct strings *s, const char *str)
{
	size_t len = strlen(str) + 1;

	if (len > (size_t)(s->end - s->at))
		panic("the arguments and the environment are longer than %lu bytes", ARGS_MAX);
	memcpy(s->at, str, len);
	s->at += len;
}

static uint32_t cpu_features(void)
{
	uint32_t a = 1, b, c = 0, d;

	__asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
	return d;
}

static uint64_t *put_aux(uint64_t *w, uintptr_t name, uintptr_t random)
{
	static const uint8_t zero[] = {
	    AT_BASE, AT_FLAGS, AT_UID, AT_EUID, AT_GID, AT_EGID, AT_SECURE, AT_NULL};
	const uint64_t aux[] = {AT_HWCAP, cpu_features(), AT_PAGESZ, PAGE_SIZE, AT_CLKTCK,
	    CLOCK_TICKS, AT_PHDR, (uintptr_t)&__ehdr_start + __ehdr_start.e_phoff, AT_PHENT,
	    __ehdr_start.e_phentsize, AT_PHNUM, __ehdr_start.e_phnum, AT_ENTRY, (uintptr_t)_start,
	    AT_RANDOM, random, AT_EXECFN, name, AT_PLATFORM, (uintptr_t) "x86_64"};

	_Static_assert(sizeof(aux) / 8 + 2 * sizeof(zero) == AUX_WORDS, "what is set aside");
	memcpy(w, aux, sizeof(aux));
	w += sizeof(aux) / 8;
	for (unsigned i = 0; i < sizeof(zero); i++) {
		*w++ = zero[i];
		*w++ = 0;
	}
	return w;
}

CONFIG_KEY(name, "name", CONFIG_STRING);
CONFIG_KEY(args, "args", CONFIG_ARRAY);
CONFIG_KEY(env, "env", CONFIG_OBJECT);

/*
 * The vectors for the strings that lie at top - ARGS_MAX, below them.  The new stack pointer.
 */
static uintptr_t build(uintptr_t top, unsigned argc, unsigned envc)
{
	uintptr_t str = top - ARGS_MAX;
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
	put_aux(w, top - ARGS_MAX, (uintptr_t)random);
	return (uintptr_t)sp;
}

static int map_stack(uintptr_t *top)
{
	uintptr_t base = 0;
	int error = vm_map_enter(&base, STACK_SIZE + STACK_GUARD, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, NULL, 0);

	*top = base + STACK_SIZE + STACK_GUARD;
	return error ? error : vm_map_protect(base, STACK_GUARD, PROT_NONE);
}

void base_start_program(void)
{
	struct lwp *l = curlwp;
	uintptr_t top, sp;
	const char *name = config_string("name"), *slash, *key, *value;
	unsigned nargs = config_count("args"), nenv = config_count("env"), n;
	struct strings s;
	char path[24];
	int error = map_stack(&top);

	if (error == 0 && sig_lwp_create != NULL)
		error = sig_lwp_create(l);
	if (error != 0)
		panic("no memory for the program's stack: error %d", error);
	if (name == NULL)
		name = "program";
	s = (struct strings){(char *)top - ARGS_MAX, (char *)top - 16};
	add(&s, name);
	for (n = 0; n < nargs; n++) {
		ksnprintf(path, sizeof(path), "args.%u", n);
		value = config_string(path);
		add(&s, value != NULL ? value : "");
	}
	for (n = 0; config_pair("env", n, &key, &value) && n < nenv; n++) {
		add(&s, key);
		s.at[-1] = '=';
		add(&s, value != NULL ? value : "");
	}
	sp = build(top, 1 + nargs, nenv);
	for (slash = name; *slash != '\0'; slash++)
		if (*slash == '/')
			name = slash + 1;
	strlcpy(l->l_name, name, sizeof(l->l_name));
	cpu_enter_program((uintptr_t)_start, sp, 0);
}
