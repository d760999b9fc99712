/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * For programs that look at kern/base from inside an image: they have a _start
 * of their own and call the kernel's functions by their real names.
 */
#ifndef INSIDE_H
#define INSIDE_H

#include <stddef.h>
#include <stdint.h>
#include <time.h>

#define KERN(name) __asm__("rumpns_" #name)

void kprintf(const char *fmt, ...) KERN(kprintf) __attribute__((format(printf, 1, 2)));
int ksnprintf(char *buf, size_t size, const char *fmt, ...) KERN(ksnprintf);
void *kern_memcpy(void *dst, const void *src, size_t n) KERN(memcpy);
void *kern_memmove(void *dst, const void *src, size_t n) KERN(memmove);
void *kern_memset(void *dst, int c, size_t n) KERN(memset);
int kern_memcmp(const void *a, const void *b, size_t n) KERN(memcmp);
int copyin(const void *uaddr, void *kaddr, size_t len) KERN(copyin);
int copyout(const void *kaddr, void *uaddr, size_t len) KERN(copyout);
int copyinstr(const void *uaddr, char *kaddr, size_t len, size_t *done) KERN(copyinstr);
int ufetch_32(const volatile uint32_t *uaddr, uint32_t *value) KERN(ufetch_32);
int ucas_32(volatile uint32_t *uaddr, uint32_t old, uint32_t new, uint32_t *actual) KERN(ucas_32);
extern uint64_t mem_rep_min KERN(mem_rep_min);
uint64_t rumpuser_clock_monotonic(void);

long sys_exit(int status);
long sys_exit_group(int status);
long sys_gettid(void);
long sys_getcpu(unsigned *cpu, unsigned *node, void *cache);
long sys_sched_yield(void);
long sys_sched_setaffinity(int tid, size_t len, const unsigned long *mask);
long sys_sched_getaffinity(int tid, size_t len, unsigned long *mask);
long sys_sched_setscheduler(int tid, int policy, const int *priority);
long sys_membarrier(int cmd, unsigned flags, int cpu);
long sys_uname(void *name);
long sys_sysinfo(void *info);
long sys_arch_prctl(int code, unsigned long addr);
long sys_futex(volatile uint32_t *uaddr, int op, uint32_t value, const struct timespec *timeout,
    uint32_t *uaddr2, uint32_t value3);
long sys_kiln_thread(unsigned long flags, void *stack, int *ptid, volatile uint32_t *ctid,
    unsigned long tls, void (*entry)(void *));

static int failed;

#define CHECK(e)                                                                                   \
	do {                                                                                       \
		if (!(e)) {                                                                        \
			failed++;                                                                  \
			kprintf("FAIL line %d: %s\n", __LINE__, #e);                               \
		}                                                                                  \
	} while (0)

void test_main(void);
__asm__(".globl _start\n_start:\n\txor %ebp, %ebp\n\tand $-16, %rsp\n\tcall test_main\n");

#endif
