/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The last report: what happened, registers, a backtrace, power off.
 *
 * The first CPU to get here keeps the console; the others are stopped by an
 * interrupt, or stop when they come here or want to print.  It waits a little for them, so that
 * nothing of theirs comes in between, and says which of them is deaf.  A fault during the
 * report ends it: first with a line, then without.  Frames are followed only through
 * memory that is mapped, so that a broken frame pointer does no harm.
 * Addresses in the image are printed as offsets, which `kiln symbolize` turns into names.
 */
#include "base_impl.h"
#include <signal.h>
#include <kern/hook.h>

#define MAXFRAMES 32
#define LEAF_MAX  4096	    /* bytes of a function without a frame */
#define DEPTH_MAX (1 << 20) /* a ring of frames ends somewhere */
#define FRAME_MAX (1 << 20) /* bytes below a stack that its overflow may hit */

int base_panic_cpu = -1;
/* What is reported, for who looks at the memory from outside (kiln run --core). */
const struct rumpuser_trapframe *base_crash_frame;
static int depth;

bool base_panicking(void)
{
	return __atomic_load_n(&base_panic_cpu, __ATOMIC_RELAXED) >= 0;
}

/* An ELF note, from the linker script of the platform. */
extern const char __kiln_build_id_start[] __attribute__((weak));
#define BUILD_ID_OFFSET 16 /* in it: three words and the name "GNU" */

static bool in_image(uintptr_t va)
{
	return va >= kern_bootinfo->image_base && va < kern_bootinfo->image_end;
}

static void print_address(const char *before, uintptr_t va)
{
	if (in_image(va))
		kprintf("kiln: %s image+0x%lx\n", before, va - kern_bootinfo->image_base);
	else
		kprintf("kiln: %s 0x%lx\n", before, va);
}

/* Become the one who reports what happened at tf.  Returns only to him. */
static void begin(const struct rumpuser_trapframe *tf)
{
	int none = -1;

	cpu_hold();
	lockdebug_off();
	if (!__atomic_compare_exchange_n(&base_panic_cpu, &none, (int)cpu_index(), false,
		__ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE) &&
	    none != (int)cpu_index())
		cpu_stop();
	if (depth++ == 0) {
		base_crash_frame = tf;
		cpu_stop_others();
		return;
	}
	if (depth == 2) {
		kprintf("\n");
		print_address("and failed again while reporting that, at", tf->rip);
	}
	rumpuser_exit(RUMPUSER_END_PANIC, 0);
}

static bool readable(uintptr_t va)
{
	uint64_t pa;
	unsigned prot;

	return va >= PAGE_SIZE && va % 8 == 0 && rumpuser_pmap_extract(va, &pa, &prot) &&
	       (prot & RUMPUSER_PROT_READ) && !(prot & RUMPUSER_PROT_DEVICE);
}

static void print_frame(unsigned n, uintptr_t pc)
{
	char number[16];

	ksnprintf(number, sizeof(number), " #%u", n);
	print_address(number, pc);
}

/* Code of ours.  The image may be unknown to the page tables (hosted). */
static bool is_code(uintptr_t va)
{
	return in_image(va) && (readable(va & ~7UL) || !readable(kern_bootinfo->image_base));
}

/*
 * The caller of a function that has made no frame (a leaf, even with
 * -fno-omit-frame-pointer), or that was called through a bad pointer: its
 * return address is where the stack pointer points.  To be sure, the call before it
 * must lead to where we are; 0 if it does not.
 */
static uintptr_t frameless_caller(uintptr_t pc, uintptr_t sp)
{
	uintptr_t ret, callee;
	int32_t rel;

	if (!readable(sp))
		return 0;
	ret = *(const uintptr_t *)sp;
	if (!is_code(ret) || !is_code(ret - 5))
		return 0;
	if (!in_image(pc))
		return ret;
	if (((const uint8_t *)ret)[-5] != 0xe8) /* call rel32 */
		return 0;
	memcpy(&rel, (const void *)(ret - 4), sizeof(rel));
	callee = ret + (uintptr_t)(intptr_t)rel;
	return callee <= pc && pc - callee < LEAF_MAX ? ret : 0;
}

/* Recursion is said once, with the number of the frames like the one before. */
static void print_repeated(unsigned times, uintptr_t pc)
{
	char text[32];

	if (times == 0)
		return;
	ksnprintf(text, sizeof(text), " ... %u more of", times);
	print_address(text, pc);
}

static void backtrace(uintptr_t pc, uintptr_t sp, uintptr_t fp)
{
	uintptr_t caller = frameless_caller(pc, sp);
	unsigned n = 0, printed = 0, same = 0;
	uintptr_t last = 0;

	if (pc != 0)
		print_frame(n++, pc);
	if (caller != 0 && !(readable(fp + 8) && ((const uintptr_t *)fp)[1] == caller))
		print_frame(n++, caller);
	for (; n < DEPTH_MAX && readable(fp) && readable(fp + 8); n++) {
		const uintptr_t *frame = (const uintptr_t *)fp;

		if (frame[1] == 0)
			break;
		if (frame[1] == last) {
			same++;
		} else {
			print_repeated(same, last);
			same = 0;
			last = frame[1];
			if (printed++ == MAXFRAMES)
				return;
			print_frame(n, last);
		}
		if (frame[0] == fp)
			break;
		fp = frame[0];
	}
	print_repeated(same, last);
}

static bool writable(uintptr_t va)
{
	uint64_t pa;
	unsigned prot;

	return rumpuser_pmap_extract(va, &pa, &prot) && (prot & RUMPUSER_PROT_WRITE);
}

/* Has an access near the stack pointer hit what is not there, with a stack above it? */
static bool stack_overflow(const struct rumpuser_trapframe *tf, int signo, uintptr_t addr)
{
	if (signo != SIGSEGV || addr < PAGE_SIZE || addr + PAGE_SIZE < tf->rsp ||
	    addr > tf->rsp + FRAME_MAX || writable(addr & -PAGE_SIZE))
		return false;
	for (uintptr_t va = addr & -PAGE_SIZE; va <= addr + FRAME_MAX; va += PAGE_SIZE)
		if (writable(va))
			return true;
	return false;
}

static void registers(const struct rumpuser_trapframe *tf)
{
	kprintf("kiln: rip %016lx rsp %016lx rbp %016lx rflags %lx\n", tf->rip, tf->rsp, tf->rbp,
	    tf->rflags);
	kprintf("kiln: rax %016lx rbx %016lx rcx %016lx rdx %016lx\n", tf->rax, tf->rbx, tf->rcx,
	    tf->rdx);
	kprintf("kiln: rsi %016lx rdi %016lx r8  %016lx r9  %016lx\n", tf->rsi, tf->rdi, tf->r8,
	    tf->r9);
	kprintf("kiln: r10 %016lx r11 %016lx r12 %016lx r13 %016lx\n", tf->r10, tf->r11, tf->r12,
	    tf->r13);
	kprintf("kiln: r14 %016lx r15 %016lx trap %lu error %lx address %lx\n", tf->r14, tf->r15,
	    tf->trapno, tf->err, tf->addr);
}

static void who(void)
{
	const struct lwp *l = curlwp;

	kprintf("kiln: lwp %d (%s) on CPU %u, image at %lx", l->l_lid, l->l_name, cpu_index(),
	    kern_bootinfo->image_base);
	/* Whose names these addresses have: the start of the GNU build-id. */
	if (__kiln_build_id_start != NULL) {
		uint64_t id;

		memcpy(&id, __kiln_build_id_start + BUILD_ID_OFFSET, sizeof(id));
		kprintf(", build %016lx", __builtin_bswap64(id));
	}
	kprintf("\n");
}

/* A frame that describes the caller of the caller, at the call: what it called does not return. */
static __attribute__((always_inline)) inline void here(struct rumpuser_trapframe *tf)
{
	memset(tf, 0, sizeof(*tf));
	tf->rip = (uintptr_t)__builtin_return_address(0) - 1;
	tf->rsp = (uintptr_t)__builtin_frame_address(0) + 16;
	tf->rbp = *(uintptr_t *)__builtin_frame_address(0);
	__asm__ volatile(
	    "movq %%rbx, %0\n\tmovq %%r12, %1\n\tmovq %%r13, %2\n\tmovq %%r14, %3\n\tmovq %%r15, %4"
	    : "=m"(tf->rbx), "=m"(tf->r12), "=m"(tf->r13), "=m"(tf->r14), "=m"(tf->r15));
}

static const char *signal_name(int signo)
{
	static const char names[][8] = {"SIG?", "SIGHUP", "SIGINT", "SIGQUIT", "SIGILL", "SIGTRAP",
	    "SIGABRT", "SIGBUS", "SIGFPE", "SIGKILL", "SIGUSR1", "SIGSEGV"};

	return signo == SIGSYS ? "SIGSYS" : names[signo > 0 && signo <= SIGSEGV ? signo : 0];
}

HOOK_POINT(base_crash_end);
void base_crash_end(int signo)
{
	rumpuser_exit(RUMPUSER_END_SIGNAL, signo);
}

void base_crash_program(const struct rumpuser_trapframe *tf, int signo, int code, uintptr_t addr)
{
	struct rumpuser_trapframe now;

	if (proc_leave != NULL)
		proc_leave(tf, signo, 0);
	if (tf == NULL) {
		here(&now);
		tf = &now;
	}
	begin(tf);
	kprintf(
	    "kiln: fatal signal %d (%s) at 0x%lx code %d\n", signo, signal_name(signo), addr, code);
	if (stack_overflow(tf, signo, addr))
		kprintf("kiln: stack overflow of thread %d\n", curlwp->l_lid);
	who();
	registers(tf);
	backtrace(tf->rip, tf->rsp, tf->rbp);
	base_crash_end(signo);
}

void base_crash_kernel(const struct rumpuser_trapframe *tf, const char *why)
{
	begin(tf);
	kprintf("kiln: panic: %s\n", why);
	who();
	registers(tf);
	backtrace(tf->rip, tf->rsp, tf->rbp);
	rumpuser_exit(RUMPUSER_END_PANIC, 0);
}

void panic(const char *fmt, ...)
{
	struct rumpuser_trapframe tf;
	va_list ap;

	here(&tf);
	begin(&tf);
	kprintf("kiln: panic: ");
	va_start(ap, fmt);
	kvprintf(fmt, ap);
	va_end(ap);
	kprintf("\n");
	who();
	registers(&tf);
	backtrace(tf.rip, tf.rsp, tf.rbp);
	rumpuser_exit(RUMPUSER_END_PANIC, 0);
}

void kassert_failed(const char *expr, const char *file, int line)
{
	panic("assertion \"%s\" failed: %s:%d", expr, file, line);
}

void __stack_chk_fail(void) __attribute__((noreturn));
void __stack_chk_fail(void)
{
	panic("a stack buffer of the kernel has overflowed");
}
