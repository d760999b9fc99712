/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * xenpv.c - what a PV guest of Xen could get wrong: what interrupts do to the program's stack,
 * hypercalls that are not ours, page tables that come and go.
 */
#define _GNU_SOURCE
#include "check.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define PAGE  4096UL
#define LARGE (2UL << 20)

static uint64_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

/* ------------------------------------------------------------------ the red zone */

static volatile bool stop;

static void *compete(void *arg)
{
	while (!stop)
		;
	return arg;
}

/* Fill the 128 bytes below a stack pointer, wait, look.  Returns how many words changed. */
static unsigned long red_zone(unsigned long turns)
{
	unsigned long changed = 0;

	__asm__ volatile("subq $256, %%rsp\n"
			 "movq $-128, %%rax\n"
			 "1: movq %%rax, (%%rsp,%%rax)\n"
			 "addq $8, %%rax\n"
			 "jnz 1b\n"
			 "2: decq %1\n"
			 "jnz 2b\n"
			 "movq $-128, %%rax\n"
			 "3: cmpq %%rax, (%%rsp,%%rax)\n"
			 "je 4f\n"
			 "incq %0\n"
			 "4: addq $8, %%rax\n"
			 "jnz 3b\n"
			 "addq $256, %%rsp\n"
			 : "+r"(changed), "+r"(turns)
			 :
			 : "rax", "memory", "cc");
	return changed;
}

/* Wait with a stack pointer where there is no stack. */
static void no_stack(unsigned long turns)
{
	__asm__ volatile("movq %%rsp, %%rax\n"
			 "movl $24, %%esp\n"
			 "1: decq %0\n"
			 "jnz 1b\n"
			 "movq %%rax, %%rsp\n"
			 : "+r"(turns)
			 :
			 : "rax", "memory", "cc");
}

static void test_stack(void)
{
	unsigned long changed = 0, turns = 0;
	uint64_t end = now() + 700000000;
	pthread_t t;

	pthread_create(&t, NULL, compete, NULL);
	for (; now() < end; turns++) {
		changed += red_zone(200000);
		no_stack(200000);
	}
	stop = true;
	pthread_join(t, NULL);
	check(changed == 0, "interrupts leave the red zone alone");
	check(turns > 3, "interrupts need no stack of the program's");
}

/* ------------------------------------------------------------------------- traps */

static sigjmp_buf back;

static void jump(int signo)
{
	siglongjmp(back, signo);
}

static int signal_of(void (*what)(volatile char *), volatile char *p)
{
	int signo = sigsetjmp(back, 1);

	if (signo == 0)
		what(p);
	return signo;
}

static void raw_syscall(volatile char *p)
{
	long result = 39; /* getpid, or a hypercall that does not exist */

	(void)p;
	__asm__ volatile("syscall" : "+a"(result) : : "rcx", "r11", "memory");
}

static void read_it(volatile char *p)
{
	(void)*p;
}

static void write_it(volatile char *p)
{
	*p = 1;
}

/* ------------------------------------------------------------------- page tables */

/* A mapping whose middle has page tables of its own, changed across their ends. */
static bool map_round(unsigned n)
{
	size_t len = 3 * LARGE + n % 64 * PAGE;
	char *p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
	     *edge;
	bool good;

	if (p == MAP_FAILED)
		return false;
	edge = (char *)(((uintptr_t)p + 2 * PAGE + LARGE - 1) & ~(LARGE - 1));
	for (size_t i = 0; i < len; i += PAGE)
		if (p[i] != 0)
			return false;
	memset(p, 0x5a, len);
	good = mprotect(edge - 2 * PAGE, 4 * PAGE, PROT_READ) == 0 && edge[PAGE] == 0x5a &&
	       signal_of(write_it, edge - PAGE) == SIGSEGV &&
	       signal_of(write_it, edge + PAGE) == SIGSEGV;
	good = good && mprotect(edge, LARGE, PROT_NONE) == 0 &&
	       signal_of(read_it, edge + LARGE - 1) == SIGSEGV;
	good = good && mprotect(edge - 2 * PAGE, LARGE + 2 * PAGE, PROT_READ | PROT_WRITE) == 0;
	good = good && edge[LARGE - 1] == 0x5a && signal_of(write_it, edge) == 0;
	return good && munmap(edge, LARGE) == 0 && signal_of(read_it, edge) == SIGSEGV &&
	       munmap(p, len) == 0 && signal_of(read_it, p) == SIGSEGV;
}

int main(void)
{
	unsigned n = 0;

	signal(SIGSEGV, jump);
	signal(SIGILL, jump);
	test_stack();
	check(signal_of(raw_syscall, NULL) == SIGILL, "the instruction syscall is illegal");
	check(signal_of(raw_syscall, NULL) == SIGILL, "twice");
	while (n < 20 && map_round(n))
		n++;
	check(n == 20, "page tables come and go");
	return failures != 0;
}
