/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * teststub.h - a stand-in for kern that tries what platform/hw promises in
 * rumpuser.h.  teststub.c is the stand-in, the tests are in hwtest_*.c; the
 * command line says which to run.
 */
#ifndef TESTSTUB_H
#define TESTSTUB_H

#include <rumpuser.h>

#define KSTACK_SIZE 8192

extern const struct rumpuser_bootinfo *info;
extern struct rumpuser_cpu cpus[2];
extern struct rumpuser_memregion free_mem[32]; /* what is left of info->mem */

/* Counters and hooks that the upcalls use. */
extern volatile unsigned intr_count[RUMPUSER_IRQ_MAX];
extern volatile unsigned preempt_count, trap_count;
extern volatile bool want_preempt;
extern void (*volatile trap_hook)(struct rumpuser_trapframe *tf);
extern void (*volatile preempt_hook)(struct rumpuser_trapframe *tf);
extern void (*volatile intr_hook)(unsigned irq);
extern void (*volatile cpu1_job)(void);

void say(const char *s);
void say_hex(uint64_t v);
void check(bool ok, const char *name);
#define CHECK(x) check(x, #x)
void finish(void) __attribute__((noreturn));
uint64_t page_alloc(void);
extern bool refuse_pages; /* as if no page were left */
unsigned pages_out(void);
void wait_ns(uint64_t ns);

/* Sleep once, unless irq has arrived `count` times by now. */
void idle(unsigned irq, unsigned count);

/* Call fn on another stack; the program's, in these tests. */
void on_stack(void (*fn)(void), void *top);

/*
 * Access p and say which fault it met: 0 none, else the page-fault error code
 * with bit 31, or -1 for another trap.
 */
#define FAULTED 0x80000000U
uint32_t try_read(const void *p);
uint32_t try_write(void *p);
uint32_t try_exec(void *p);

void test_boot(void);
void test_protection(void);
void test_pmap(void);
void test_traps(void);
void test_preempt(void);
void test_clock(void);
void test_timer(void);
void test_irqs(void);
void test_smp(void);
void late_cpu(void);

#endif
