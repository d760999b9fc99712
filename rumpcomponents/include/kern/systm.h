/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel's everyday functions: memory and strings, messages, assertions,
 * copying from and to the program, results of system calls.
 */
#ifndef KERN_SYSTM_H
#define KERN_SYSTM_H

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#ifdef KILN_NATIVE
#include <string.h>
#else
void *memcpy(void *restrict dst, const void *restrict src, size_t n);
void *memmove(void *dst, const void *src, size_t n);
void *memset(void *dst, int c, size_t n);
int memcmp(const void *a, const void *b, size_t n);
void *memchr(const void *s, int c, size_t n);
size_t strlen(const char *s);
size_t strnlen(const char *s, size_t max);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t n);
char *strchr(const char *s, int c);
#endif
size_t strlcpy(char *dst, const char *src, size_t size);

/*
 * Console messages, any context.  Formats: d i u x p s c with l ll z h j, width,
 * zero padding and precision; no floats.  Every line the kernel prints of its
 * own accord starts with "kiln: ".
 */
void kprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void kvprintf(const char *fmt, va_list ap) __attribute__((format(printf, 1, 0)));
int ksnprintf(char *buf, size_t size, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
int kvsnprintf(char *buf, size_t size, const char *fmt, va_list ap)
    __attribute__((format(printf, 3, 0)));
/* The command line as the launcher gave it, e.g. with virtio_mmio.device= words; "" if none. */
const char *kern_cmdline(void);

/* Print message, registers and backtrace; power off with RUMPUSER_END_PANIC. */
void panic(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn, cold));

#ifndef __FILE_NAME__
#define __FILE_NAME__ __FILE__
#endif

/* Always on and cheap; expressions have no side effects. */
#define KASSERT(e)                                                                                 \
	do {                                                                                       \
		if (__builtin_expect(!(e), 0))                                                     \
			kassert_failed(#e, __FILE_NAME__, __LINE__);                               \
	} while (0)
void kassert_failed(const char *expr, const char *file, int line) __attribute__((noreturn, cold));

/*
 * Copy between kernel and program.  EFAULT when the program's address is not
 * mapped that way; then nothing is promised about the destination.  May sleep
 * (page faults): no spin lock held, ilevel 0.
 */
int copyin(const void *uaddr, void *kaddr, size_t len);
int copyout(const void *kaddr, void *uaddr, size_t len);
/* A string with its NUL; *done (may be NULL) counts the NUL. ENAMETOOLONG. */
int copyinstr(const void *uaddr, char *kaddr, size_t len, size_t *done);
/* One aligned 32-bit word; EFAULT.  ufetch also for futexes: it is a plain load. */
int ufetch_32(const volatile uint32_t *uaddr, uint32_t *value);
int ustore_32(volatile uint32_t *uaddr, uint32_t value);
/* Compare and swap; *actual is what was found.  0 also when it did not match. */
int ucas_32(volatile uint32_t *uaddr, uint32_t old, uint32_t new, uint32_t *actual);
#if defined(LOCKDEBUG) && !defined(LOCKDEBUG_IMPL)
#include <kern/lockdebug.h>
#define copyin(u, k, len)	 (LOCKDEBUG_MIGHT_FAULT(), copyin(u, k, len))
#define copyout(k, u, len)	 (LOCKDEBUG_MIGHT_FAULT(), copyout(k, u, len))
#define copyinstr(u, k, len, dp) (LOCKDEBUG_MIGHT_FAULT(), copyinstr(u, k, len, dp))
#define ufetch_32(u, vp)	 (LOCKDEBUG_MIGHT_FAULT(), ufetch_32(u, vp))
#define ustore_32(u, v)		 (LOCKDEBUG_MIGHT_FAULT(), ustore_32(u, v))
#define ucas_32(u, old, new, ap) (LOCKDEBUG_MIGHT_FAULT(), ucas_32(u, old, new, ap))
#endif

/* The one place where a positive errno becomes a system call's negative result. */
static inline long sysret(int error, long value)
{
	return error ? -(long)error : value;
}
/* The wait was broken by a signal: the call is run again if the handler allows (SA_RESTART). */
#undef ERESTART
#define ERESTART 512

/* Where a system call is unimplemented in part: say it once per site, return ENOSYS/EINVAL. */
#define KMIN(a, b)		      ((a) < (b) ? (a) : (b))
#define KMAX(a, b)		      ((a) > (b) ? (a) : (b))
#define ROUNDUP(x, n)		      ((((x) + (n)-1) / (n)) * (n))
#define ROUNDDOWN(x, n)		      (((x) / (n)) * (n))
#define NELEM(a)		      (sizeof(a) / sizeof((a)[0]))
#define container_of(p, type, member) ((type *)((char *)(p)-offsetof(type, member)))
#define PAGE_SHIFT		      12
#undef PAGE_SIZE
#define PAGE_SIZE     4096UL
#define PAGE_MASK     (PAGE_SIZE - 1)
#define trunc_page(x) ((uintptr_t)(x) & ~PAGE_MASK)
#define round_page(x) (((uintptr_t)(x) + PAGE_MASK) & ~PAGE_MASK)

#endif
