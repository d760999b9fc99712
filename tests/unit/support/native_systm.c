/* SPDX-License-Identifier: BSD-2-Clause */
/* Messages, panics, the end of the program. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <kern/cpu.h>
#include <kern/lwp.h>
#include <kern/systm.h>

#include "native.h"

unsigned cpu_count = 1;

bool native_quiet;
static char console[4096];

const char *native_console(void)
{
	return console;
}

void native_console_clear(void)
{
	console[0] = '\0';
}

void kvprintf(const char *fmt, va_list ap)
{
	size_t len = strlen(console);
	va_list copy;

	va_copy(copy, ap);
	vsnprintf(console + len, sizeof(console) - len, fmt, copy);
	va_end(copy);
	if (!native_quiet)
		vfprintf(stderr, fmt, ap);
}

void kprintf(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	kvprintf(fmt, ap);
	va_end(ap);
}

int kvsnprintf(char *buf, size_t size, const char *fmt, va_list ap)
{
	return vsnprintf(buf, size, fmt, ap);
}

int ksnprintf(char *buf, size_t size, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(buf, size, fmt, ap);
	va_end(ap);
	return n;
}

void panic(const char *fmt, ...)
{
	va_list ap;

	native_quiet = false;
	fprintf(stderr, "panic: ");
	va_start(ap, fmt);
	kvprintf(fmt, ap);
	va_end(ap);
	fprintf(stderr, "\n");
	abort();
}

void kassert_failed(const char *expr, const char *file, int line)
{
	panic("%s:%d: assertion failed: %s", file, line, expr);
}

size_t strlcpy(char *dst, const char *src, size_t size)
{
	size_t n = strlen(src);

	if (size > 0) {
		size_t m = KMIN(n, size - 1);

		memcpy(dst, src, m);
		dst[m] = '\0';
	}
	return n;
}

void proc_exit(int status)
{
	exit(status);
}

void proc_killed(int signo)
{
	panic("the program was killed by signal %d", signo);
}
