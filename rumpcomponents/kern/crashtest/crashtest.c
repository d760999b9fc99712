/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kiln_crash(how): the kernel fails in the named way, so that tests can see what a user gets to see
 * then.  No program's image has this component unless the program calls it.
 *
 * Each way is a function of its own that the compiler must not look through: the backtrace is
 * to name it.
 */
#include <rumpuser.h>
#include <kern/callout.h>
#include <kern/cpu.h>
#include <kern/kmem.h>
#include <kern/mutex.h>
#include <kern/softint.h>
#include <kern/sysproto.h>
#include <kern/systm.h>

#define FREE_IRQ 63 /* the last that devices would be given */

#define WAY	 static __attribute__((noinline)) void

/* A pointer that the compiler knows nothing about. */
static volatile uintptr_t bad_pointer = 16;

WAY crash_assert(void)
{
	KASSERT(bad_pointer == 0);
}

WAY crash_panic(void)
{
	panic("asked for by kiln_crash, pointer %lx", bad_pointer);
}

WAY crash_null(void)
{
	(void)*(volatile int *)bad_pointer;
}

/* The report itself fails. */
WAY crash_nested(void)
{
	panic("outer %s", (const char *)bad_pointer);
}

static __attribute__((noinline)) int recurse(int n)
{
	volatile char pad[256];

	pad[n & 255] = (char)n;
	return n < 0 ? 0 : recurse((n + 1) & INT32_MAX) + pad[n & 255];
}

WAY crash_overflow(void)
{
	bad_pointer = (uintptr_t)recurse(0);
}

WAY crash_text(void)
{
	*(volatile uint8_t *)(uintptr_t)recurse = 0xc3;
}

static void call(uintptr_t to)
{
	((void (*)(void))to)();
}

WAY crash_jump(void)
{
	call(bad_pointer);
}

/* Code in the kernel's data. */
WAY crash_data(void)
{
	static uint8_t code[16] = {0xc3};

	call((uintptr_t)code);
}

/* A frame pointer that is no address: the backtrace must not follow it. */
WAY crash_frame(void)
{
	__asm__ volatile("movabs $0xdead000000001000, %%rbp\n\tmovl (%0), %%eax"
			 :
			 : "r"(bad_pointer)
			 : "rax", "memory");
	__builtin_unreachable();
}

/* Writes over the canary, as an unchecked length would. */
WAY crash_buffer(void)
{
	volatile char buf[32];
	volatile char *p = buf;
	volatile size_t len = sizeof(buf) + 16;

	for (size_t i = 0; i < len; i++)
		p[i] = 'A';
}

WAY crash_spin(void)
{
	static kmutex_t lock;

	mutex_init(&lock, MUTEX_SPIN);
	mutex_enter(&lock);
	crash_null();
}

static void fail_later(void *arg)
{
	crash_null();
}

/* In the soft-interrupt lwp. */
WAY crash_callout(void)
{
	static callout_t callout;

	callout_init(&callout, fail_later, NULL);
	callout_schedule(&callout, 0);
	for (;;)
		__asm__ volatile("pause");
}

/* In an interrupt handler, one that had been held off. */
WAY crash_interrupt(void)
{
	if (intr_establish(FREE_IRQ, fail_later, NULL) != 0)
		return;
	cpu_hold();
	__asm__ volatile("lock btsq %0, %%gs:%c1"
			 :
			 : "r"((uint64_t)FREE_IRQ), "i"(RUMPUSER_CPU_IPENDING)
			 : "memory", "cc");
	cpu_release();
}

/* Not a crash: this CPU answers no more. */
WAY crash_hold(void)
{
	cpu_hold();
	for (;;)
		__asm__ volatile("pause");
}

/*
 * Locks used wrongly.  Where nobody looks (only the flavour "lockdebug" does), these do no harm and
 * return, unless the rule is one that every kernel checks.
 */
static kmutex_t one, other, spin;

WAY lock_order(void)
{
	for (int i = 0; i < 2; i++) {
		mutex_enter(i == 0 ? &one : &other);
		mutex_enter(i == 0 ? &other : &one);
		mutex_exit(&other);
		mutex_exit(&one);
	}
}

/* One after two and two after three; then three after one. */
WAY lock_chain(void)
{
	static krwlock_t third;

	rw_init(&third);
	mutex_enter(&other);
	mutex_enter(&one);
	mutex_exit(&one);
	mutex_exit(&other);
	rw_enter(&third, RW_READER);
	mutex_enter(&other);
	mutex_exit(&other);
	rw_exit(&third);
	mutex_enter(&one);
	rw_enter(&third, RW_READER);
	rw_exit(&third);
	mutex_exit(&one);
	rw_destroy(&third);
}

WAY lock_class(void)
{
	static kmutex_t pair[2];

	for (int i = 0; i < 2; i++)
		mutex_init(&pair[i], MUTEX_DEFAULT);
	mutex_enter(&pair[0]);
	mutex_enter(&pair[1]);
	mutex_exit(&pair[1]);
	mutex_exit(&pair[0]);
}

/* Nobody holds `one`, so that it is to be had without sleeping. */
WAY lock_sleep(void)
{
	mutex_enter(&spin);
	mutex_enter(&one);
	mutex_exit(&one);
	mutex_exit(&spin);
}

WAY lock_copy(void)
{
	char c;

	mutex_enter(&spin);
	(void)copyin(&c, &c, 1);
	mutex_exit(&spin);
}

static void take_one(void *arg)
{
	mutex_enter(&one);
	mutex_exit(&one);
	*(volatile bool *)arg = true;
}

/* Waits for a callout with the lock that it takes: the callout has run already, and nobody waits.
 */
WAY lock_halt(void)
{
	static volatile bool ran;
	callout_t c;

	callout_init(&c, take_one, (void *)&ran);
	callout_schedule(&c, 0);
	while (!ran)
		__asm__ volatile("pause");
	mutex_enter(&one);
	callout_halt(&c);
	mutex_exit(&one);
}

WAY lock_leave(void)
{
	mutex_enter(&one);
}

WAY lock_free(void)
{
	kmutex_t *m = kmem_alloc(sizeof(*m));

	if (m == NULL)
		return;
	mutex_init(m, MUTEX_DEFAULT);
	mutex_enter(m);
	kmem_free(m, sizeof(*m));
}

WAY lock_destroy(void)
{
	mutex_enter(&one);
	mutex_destroy(&one);
}

WAY lock_unlock(void)
{
	mutex_exit(&one);
}

WAY lock_twice(void)
{
	mutex_enter(&one);
	mutex_enter(&one);
}

static const struct {
	char name[12];
	void (*crash)(void);
} ways[] = {
    {"assert", crash_assert},
    {"panic", crash_panic},
    {"null", crash_null},
    {"nested", crash_nested},
    {"overflow", crash_overflow},
    {"text", crash_text},
    {"jump", crash_jump},
    {"data", crash_data},
    {"frame", crash_frame},
    {"buffer", crash_buffer},
    {"spin", crash_spin},
    {"callout", crash_callout},
    {"interrupt", crash_interrupt},
    {"hold", crash_hold},
    {"lockorder", lock_order},
    {"lockchain", lock_chain},
    {"lockclass", lock_class},
    {"locksleep", lock_sleep},
    {"lockcopy", lock_copy},
    {"lockhalt", lock_halt},
    {"lockleave", lock_leave},
    {"lockfree", lock_free},
    {"lockdestroy", lock_destroy},
    {"lockunlock", lock_unlock},
    {"locktwice", lock_twice},
};

long do_sys_kiln_crash(const char *how)
{
	char name[12];
	int error = copyinstr(how, name, sizeof(name), NULL);

	mutex_init(&one, MUTEX_DEFAULT);
	mutex_init(&other, MUTEX_DEFAULT);
	mutex_init(&spin, MUTEX_SPIN);
	for (size_t i = 0; !error && i < NELEM(ways); i++)
		if (strcmp(name, ways[i].name) == 0)
			ways[i].crash();
	return sysret(error ? error : EINVAL, 0);
}
