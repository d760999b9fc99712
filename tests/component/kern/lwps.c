/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Threads that sleep, yield, change CPU and priority, compute and contend, many of
 * them, again and again: nothing is lost, nothing leaks, registers survive.
 */
#include "inside.h"

#define NTHREADS    24
#define NSTEPS	    40
#define STACK	    8192
#define CLONE_FLAGS 0x1390100 /* VM THREAD SETTLS CHILD_CLEARTID CHILD_SETTID */
#define FUTEX_WAIT  0
#define FUTEX_WAKE  1

static char stacks[NTHREADS][STACK] __attribute__((aligned(16)));
static volatile uint32_t tids[NTHREADS], mutex;
static uint64_t tls[NTHREADS];
static volatile uint64_t counted, expected;
static unsigned ncpu;

/* The mutex of Drepper's "Futexes are tricky": 0 free, 1 held, 2 held and waited for. */
static void lock(void)
{
	uint32_t c = 0;

	if (__atomic_compare_exchange_n(&mutex, &c, 1, 0, __ATOMIC_ACQUIRE, __ATOMIC_ACQUIRE))
		return;
	if (c != 2)
		c = __atomic_exchange_n(&mutex, 2, __ATOMIC_ACQUIRE);
	while (c != 0) {
		sys_futex(&mutex, FUTEX_WAIT, 2, NULL, NULL, 0);
		c = __atomic_exchange_n(&mutex, 2, __ATOMIC_ACQUIRE);
	}
}

static void unlock(void)
{
	if (__atomic_exchange_n(&mutex, 0, __ATOMIC_RELEASE) == 2)
		sys_futex(&mutex, FUTEX_WAKE, 1, NULL, NULL, 0);
}

static void sleep_briefly(uint64_t ns)
{
	struct timespec ts = {0, (long)ns};
	uint32_t word = 0;

	CHECK(sys_futex(&word, FUTEX_WAIT, 0, &ts, NULL, 0) == -110);
}

static void change_cpu(unsigned cpu)
{
	unsigned long one = 1UL << cpu, all = ~0UL;
	unsigned now = ~0U;

	CHECK(sys_sched_setaffinity(0, sizeof(one), &one) == 0);
	sys_getcpu(&now, NULL, NULL);
	CHECK(now == cpu);
	CHECK(sys_sched_setaffinity(0, sizeof(all), &all) == 0);
}

/* Long enough to be preempted with a value in a vector register. */
static void compute(void)
{
	uint64_t end = rumpuser_clock_monotonic() + 200000;
	double x = 1;
	long n = 0;

	while (rumpuser_clock_monotonic() < end)
		for (int i = 0; i < 100; i++, n++)
			x += 2;
	CHECK(x == 1 + 2 * (double)n);
}

static void step(uint64_t r)
{
	int rt = 50, normal = 0;
	char name[512];

	switch ((r >> 33) % 10) {
	case 0:
		sleep_briefly((r >> 40) % 300000 + 1);
		break;
	case 1:
		sys_sched_yield();
		break;
	case 2:
		change_cpu((r >> 20) % ncpu);
		break;
	case 3:
		sys_uname(name);
		break;
	case 4:
		CHECK(sys_membarrier(8, 0, 0) == 0);
		break;
	case 5:
		compute();
		break;
	case 6:
		CHECK(sys_sched_setscheduler(0, 2, &rt) == 0);
		CHECK(sys_sched_setscheduler(0, 0, &normal) == 0);
		break;
	default:
		__atomic_fetch_add(&expected, 1, __ATOMIC_RELAXED);
		lock();
		counted++;
		unlock();
	}
}

static void thread(void *p)
{
	uint64_t n = ((uint64_t *)p)[0], r = ((uint64_t *)p)[1], fs;

	for (int i = 0; i < NSTEPS; i++) {
		r = r * 6364136223846793005UL + 1442695040888963407UL;
		step(r);
		__asm__ volatile("mov %%fs:0, %0" : "=r"(fs));
		CHECK(fs == n + 100);
	}
	sys_exit(0);
}

static void round_of_threads(uint64_t seed)
{
	uint32_t tid;

	for (uint64_t n = 0; n < NTHREADS; n++) {
		uint64_t *top = (uint64_t *)(stacks[n] + STACK - 24);

		top[0] = n;
		top[1] = seed + n;
		tls[n] = n + 100;
		CHECK(sys_kiln_thread(
			  CLONE_FLAGS, top, NULL, &tids[n], (uintptr_t)&tls[n], thread) > 0);
	}
	for (int n = 0; n < NTHREADS; n++)
		while ((tid = tids[n]) != 0)
			sys_futex(&tids[n], FUTEX_WAIT, tid, NULL, NULL, 0);
}

void test_main(void)
{
	static uint64_t own_tls = 1;
	unsigned long mask, before[14], after[14];

	sys_arch_prctl(0x1002, (uintptr_t)&own_tls);
	CHECK(sys_sched_getaffinity(0, sizeof(mask), &mask) == sizeof(mask));
	while (mask >> ncpu & 1)
		ncpu++;
	for (int i = 0; i < 12; i++) {
		round_of_threads(rumpuser_clock_monotonic());
		if (i == 3)
			sys_sysinfo(before);
	}
	sleep_briefly(5000000); /* the last stacks are freed in the background */
	sys_sysinfo(after);
	CHECK(counted == expected && expected > 0);
	CHECK(before[5] <= after[5] + 256 * 1024); /* free memory */
	kprintf("%u CPUs, %lu locked steps\n", ncpu, expected);
	sys_exit_group(failed != 0);
}
