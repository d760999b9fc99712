/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kern/strace: any call, any parameters, any memory of the program behind them.  What comes out is
 * one line of printable characters that fits its buffer.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <kern/systm.h>

#include "native.h"
#include "strace_impl.h"

#define BASE 0x100000UL /* where the input lies in the program's memory */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t *memory;
static size_t memory_size;

int test_copyin(const void *uaddr, void *kaddr, size_t len)
{
	uintptr_t at = (uintptr_t)uaddr - BASE;

	if ((uintptr_t)uaddr < BASE || at >= memory_size || len > memory_size - at)
		return EFAULT;
	memcpy(kaddr, memory + at, len);
	return 0;
}

int test_copyinstr(const void *uaddr, char *kaddr, size_t len, size_t *done)
{
	for (size_t i = 0; i < len; i++) {
		if (test_copyin((const void *)((uintptr_t)uaddr + i), kaddr + i, 1) != 0)
			return EFAULT;
		if (kaddr[i] == '\0') {
			if (done)
				*done = i + 1;
			return 0;
		}
	}
	return ENAMETOOLONG;
}

void strace_put(struct strace_line *o, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(o->text + o->len, o->size - o->len, fmt, ap);
	va_end(ap);
	o->len = KMIN(o->len + (unsigned)n, o->size - 1);
}

static uint64_t take(const uint8_t **data, size_t *size, size_t n)
{
	uint64_t v = 0;

	n = KMIN(n, *size);
	memcpy(&v, *data, n);
	*data += n;
	*size -= n;
	return v;
}

/* A small number, an address in memory, or eight bytes. */
static unsigned long take_arg(const uint8_t **data, size_t *size)
{
	unsigned how = (unsigned)take(data, size, 1);

	if (how < 80)
		return how;
	if (how < 100)
		return (unsigned long)-(long)how;
	if (how < 220)
		return BASE + take(data, size, 1);
	return take(data, size, 8);
}

static void check(const struct strace_line *o)
{
	if (o->len >= o->size || o->text[o->len] != '\0')
		abort();
	for (unsigned i = 0; i < o->len; i++)
		if ((unsigned char)o->text[i] < ' ' || (unsigned char)o->text[i] > '~')
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct strace_sysent *e = &strace_sysents[take(&data, &size, 2) % strace_nsysents];
	struct strace_line o = {NULL, (unsigned)take(&data, &size, 1) * 4 + 8, 0};
	long result = (long)take_arg(&data, &size);
	unsigned long args[6];
	unsigned next;

	for (unsigned i = 0; i < 6; i++)
		args[i] = take_arg(&data, &size);
	memory = data;
	memory_size = size;
	o.text = malloc(o.size);
	if (o.text == NULL)
		return 0;
	*o.text = '\0';
	next = strace_args(&o, e, args, 0, false, -1);
	check(&o);
	(void)strace_args(&o, e, args, next, true, result);
	strace_result(&o, e, args, result);
	check(&o);
	free(o.text);
	return 0;
}
