/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tries what must not be possible; argv[1] says what.  Getting away with it
 * prints FAIL and exits 0, so only death by SIGSEGV is a pass.  "where"
 * prints what must differ from boot to boot.
 */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

static const unsigned char ret_code[] = {0xc3};
static unsigned char data_code[16] = {0xc3};
static const char rodata[] = "read-only";
extern int main(int, char **);

static void call(const void *p)
{
	void (*f)(void);
	memcpy(&f, &p, sizeof(f));
	f();
}

static void poke(const void *p)
{
	__asm__("" : "+r"(p)); /* where it points is nobody's business at compile time */
	*(volatile unsigned char *)(uintptr_t)p = 0xc3;
}

static volatile int depth;
static int recurse(int n)
{
	volatile char pad[512];
	pad[0] = (char)n;
	depth = n;
	if (n < 0)
		return 0;
	return recurse(n + 1 > 0 ? n + 1 : 0) + pad[0];
}

static void *thread_overflow(void *arg)
{
	return (void *)(intptr_t)recurse(0);
}

static uintptr_t canary(void)
{
	uintptr_t c;
	__asm__("movq %%fs:0x28, %0" : "=r"(c));
	return c;
}

static void attempt(const char *what)
{
	unsigned char stack_code[16] = {0xc3};
	void *page;

	if (strcmp(what, "write-text") == 0) {
		poke((const void *)(uintptr_t)main);
	} else if (strcmp(what, "write-rodata") == 0) {
		poke(rodata);
	} else if (strcmp(what, "exec-data") == 0) {
		call(data_code);
	} else if (strcmp(what, "exec-rodata") == 0) {
		call(ret_code);
	} else if (strcmp(what, "exec-stack") == 0) {
		__asm__ volatile("" ::"r"(stack_code) : "memory");
		call(stack_code);
	} else if (strcmp(what, "exec-mmap") == 0) {
		page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		poke(page);
		call(page);
	} else if (strcmp(what, "read-null") == 0) {
		{
			int *near_null = (int *)8;
			__asm__("" : "+r"(near_null));
			printf("%d\n", *near_null);
		}
	} else if (strcmp(what, "write-null") == 0) {
		poke((const void *)(uintptr_t)4000);
	} else if (strcmp(what, "write-protected") == 0) {
		page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		poke(page);
		mprotect(page, 4096, PROT_READ);
		poke(page);
	} else if (strcmp(what, "overflow-main") == 0) {
		recurse(0);
	} else if (strcmp(what, "overflow-thread") == 0) {
		pthread_t t;
		pthread_create(&t, NULL, thread_overflow, NULL);
		pthread_join(t, NULL);
	}
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "where";

	if (strcmp(what, "where") == 0) {
		printf("canary %lx\n", (unsigned long)canary());
		printf("main %lx\n", (unsigned long)(uintptr_t)main);
		printf("stack %lx\n", (unsigned long)(uintptr_t)&what);
		printf("mmap %lx\n", (unsigned long)(uintptr_t)mmap(NULL, 4096, PROT_READ,
					 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
		return 0;
	}
	printf("trying %s\n", what);
	fflush(stdout);
	attempt(what);
	printf("FAIL %s was possible\n", what);
	return 0;
}
