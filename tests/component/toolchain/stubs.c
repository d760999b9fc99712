/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The entry stubs and the way out, in a process of the build machine: GS points at a
 * made-up CPU whose current lwp and kernel stack are this program's.
 */
#include <rumpuser.h> /* before <kern/cpu.h>, which defines curlwp */
#include <asm/prctl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <kern/lwp.h>
#include <kern/signalvar.h>
#include <kern/syscallframe.h>
#include <kern/systm.h>

#define CHECK(e)                                                                                   \
	do {                                                                                       \
		if (!(e)) {                                                                        \
			printf("line %d: %s\n", __LINE__, #e);                                     \
			exit(1);                                                                   \
		}                                                                                  \
	} while (0)

long sys_read(int, void *, size_t);
long sys_mmap(void *, size_t, int, int, int, long);
long sys_getpid(void);
long sys_close(int);
long sys_uselib(const char *);
long sys_rt_sigreturn(void);
long sys_indirect(long, ...);

static char kstack[65536] __attribute__((aligned(4096)));
static struct lwp lwp;
static struct rumpuser_cpu cpu;

static bool on_kstack(const void *p)
{
	return (const char *)p >= kstack && (const char *)p < kstack + sizeof(kstack);
}

/* ----------------------------------------------------- what the kernel has */

static int said, depth, close_calls;
static bool restart_flag;
static struct rumpuser_trapframe saved;

void kprintf(const char *fmt, ...)
{
	va_list ap;

	said++;
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
}

void lwp_exit(void)
{
	puts("lwp_exit");
	exit(0);
}

static void handler(int signo)
{
	CHECK(!on_kstack(__builtin_frame_address(0)) && signo == 10);
	/* A system call in the handler reuses the kernel stack. */
	CHECK(sys_mmap((void *)1, 2, 3, 4, 5, 6) == 123456);
	depth++;
}

static void __attribute__((naked)) restorer(void)
{
	__asm__("jmp sys_rt_sigreturn");
}

/* Deliver signal 10 as kern/signal does, but for the frame on the program's stack. */
void sig_userret_trap(struct rumpuser_trapframe *tf)
{
	uint64_t *sp;

	CHECK(on_kstack(tf));
	lwp.l_userret = 0;
	if (tf->err == ERESTART && !restart_flag)
		syscall_eintr(tf);
	tf->err = 0;
	saved = *tf;
	sp = (uint64_t *)((tf->rsp - 256) & -16UL) - 1;
	*sp = (uintptr_t)restorer;
	tf->rsp = (uintptr_t)sp;
	tf->rip = (uintptr_t)handler;
	tf->rdi = 10;
}

long do_sys_rt_sigreturn(void);
long do_sys_rt_sigreturn(void)
{
	struct rumpuser_trapframe tf = saved;

	CHECK(syscallframe_number(syscallframe_current()) == SYS_rt_sigreturn);
	syscall_resume(&tf);
}

long do_sys_mmap(void *, size_t, int, int, int, long);
long do_sys_mmap(void *a, size_t b, int c, int d, int e, long f)
{
	CHECK(on_kstack(__builtin_frame_address(0)));
	CHECK(syscallframe_number(syscallframe_current()) == SYS_mmap);
	CHECK(syscallframe_current()->sf_args[5] == (unsigned long)f);
	return ((((((long)a * 10) + (long)b) * 10 + c) * 10 + d) * 10 + e) * 10 + f;
}

/* Walks the frame pointers: do_sys_read, then its caller in the program. */
static void *caller_of_call;
long do_sys_read(int, void *, size_t);
long do_sys_read(int fd, void *buf, size_t n)
{
	void **frame = __builtin_frame_address(0);

	caller_of_call = ((void **)frame[0])[1];
	CHECK(fd == -3 && buf == &lwp);
	return (long)n;
}

/* Broken by a signal the first time. */
long do_sys_close(int);
long do_sys_close(int fd)
{
	CHECK(fd == 77);
	return close_calls++ == 0 ? -ERESTART : 5;
}

long do_sys_getpid(void);
long do_sys_getpid(void)
{
	CHECK(!on_kstack(__builtin_frame_address(0)));
	return 1;
}

/* ------------------------------------------------------------------- tests */

/* A call with callee-saved registers full: they must come back. */
static long call_with_registers(void)
{
	long r, bad;

	__asm__ volatile(
	    "push %%rbx\n\tpush %%rbp\n\tmov $11, %%ebx\n\tmov $12, %%r12d\n\tmov $13, %%r13d\n\t"
	    "mov $14, %%r14d\n\tmov $15, %%r15d\n\tmov $77, %%edi\n\t"
	    "mov %%rsp, %%rax\n\tsub $264, %%rsp\n\tand $-16, %%rsp\n\tpush %%rax\n\tpush %%rax\n\t"
	    "call sys_close\n\tpop %%rsp\n\t"
	    "xor %%ecx, %%ecx\n\tcmp $11, %%rbx\n\tsetne %%cl\n\tsub $12, %%r12\n\tor %%r12, "
	    "%%rcx\n\t"
	    "sub $13, %%r13\n\tor %%r13, %%rcx\n\tsub $14, %%r14\n\tor %%r14, %%rcx\n\t"
	    "sub $15, %%r15\n\tor %%r15, %%rcx\n\tpop %%rbp\n\tpop %%rbx"
	    : "=&a"(r), "=&c"(bad)
	    :
	    : "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "memory",
	    "cc");
	CHECK(bad == 0);
	return r;
}

static void __attribute__((noinline)) test_backtrace(void)
{
	CHECK(sys_read(-3, &lwp, 99) == 99);
	CHECK((char *)caller_of_call > (char *)test_backtrace &&
	      (char *)caller_of_call < (char *)test_backtrace + 200);
}

int main(void)
{
	extern const char syscall_exit[];
	struct rumpuser_trapframe tf = {0};

	setvbuf(stdout, NULL, _IONBF, 0);
	cpu.self = &cpu;
	cpu.curlwp = &lwp;
	cpu.kstack_base = (uintptr_t)kstack;
	cpu.kstack_top = (uintptr_t)kstack + sizeof(kstack);
	CHECK(syscall(SYS_arch_prctl, ARCH_SET_GS, &cpu) == 0);

	CHECK(sys_mmap((void *)1, 2, 3, 4, 5, 6) == 123456);
	test_backtrace();
	CHECK(sys_getpid() == 1);

	/* A signal: the call's result survives the handler. */
	lwp.l_userret = LW_PENDSIG;
	CHECK(sys_mmap((void *)6, 5, 4, 3, 2, 1) == 654321 && depth == 1);

	/* Broken by nothing that is delivered: run again. */
	CHECK(call_with_registers() == 5 && close_calls == 2);
	/* With a handler: again after it, or EINTR. */
	close_calls = 0;
	restart_flag = true;
	lwp.l_userret = LW_PENDSIG;
	CHECK(call_with_registers() == 5 && close_calls == 2 && depth == 2);
	close_calls = 0;
	restart_flag = false;
	lwp.l_userret = LW_PENDSIG;
	CHECK(call_with_registers() == -EINTR && close_calls == 1 && depth == 3);

	CHECK(sys_uselib("") == -ENOSYS && sys_uselib("") == -ENOSYS && said == 1);
	CHECK(sys_indirect(SYS_mmap, 1L, 2L, 3L, 4L, 5L, 6L) == 123456);
	CHECK(sys_indirect(SYS_getpid) == 1 && said == 1);
	CHECK(sys_indirect(SYS_write, 1, "x", 1L) == -ENOSYS && said == 2);
	CHECK(sys_indirect(99999L) == -ENOSYS && said == 3);

	tf.rip = (uintptr_t)syscall_exit + 9;
	syscall_preempted(&tf);
	CHECK(tf.rip == (uintptr_t)syscall_exit);
	tf.rip = (uintptr_t)main;
	syscall_preempted(&tf);
	CHECK(tf.rip == (uintptr_t)main);

	lwp.l_userret = LW_EXIT;
	sys_getpid(); /* a leaf does not look */
	sys_mmap(0, 0, 0, 0, 0, 0);
	puts("came back");
	return 1;
}
