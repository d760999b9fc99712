/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Console messages and formatting.  A message is formatted in pieces of a small
 * buffer on the stack, and the console belongs to one CPU until it is
 * complete; a CPU that gives the last report does not wait for others.
 */
#include "base_impl.h"

struct out {
	char *buf;
	size_t size, len; /* len counts what would have been written */
	bool console;
};

static volatile uint32_t console_lock;

static void console_enter(void)
{
	cpu_hold();
	while (base_panic_cpu != (int)cpu_index() &&
	       __atomic_exchange_n(&console_lock, 1, __ATOMIC_ACQUIRE) != 0) {
		if (base_panicking())
			cpu_stop();
		__asm__ volatile("pause");
	}
}

static void console_exit(void)
{
	__atomic_store_n(&console_lock, 0, __ATOMIC_RELEASE);
	cpu_release();
}

static void flush(struct out *o)
{
	rumpuser_console_write(o->buf, o->len);
	o->len = 0;
}

static void put(struct out *o, char c)
{
	if (o->console && o->len == o->size)
		flush(o);
	if (o->len < o->size)
		o->buf[o->len] = c;
	o->len++;
}

static void put_padded(struct out *o, const char *s, size_t n, int width, bool left, char pad)
{
	int fill = width - (int)n;

	while (!left && fill-- > 0)
		put(o, pad);
	for (size_t i = 0; i < n; i++)
		put(o, s[i]);
	while (left && fill-- > 0)
		put(o, ' ');
}

struct spec {
	bool left, zero, alt;
	int width, precision; /* precision < 0: none */
	int size;	      /* 0 int, 1 long */
};

static void put_number(
    struct out *o, const struct spec *sp, uint64_t v, bool negative, unsigned base)
{
	char digits[24], *p = digits + sizeof(digits);
	int n, prefix = negative;

	do {
		*--p = "0123456789abcdef"[v % base];
		v /= base;
	} while (v != 0);
	n = (int)(digits + sizeof(digits) - p);
	while (n < sp->precision && p > digits + 3) {
		*--p = '0';
		n++;
	}
	if (sp->alt)
		prefix = 2;
	if (sp->zero && !sp->left && sp->precision < 0)
		while (n + prefix < sp->width && p > digits + 3) {
			*--p = '0';
			n++;
		}
	if (negative) {
		*--p = '-';
	} else if (sp->alt) {
		*--p = 'x';
		*--p = '0';
	}
	put_padded(o, p, (size_t)(digits + sizeof(digits) - p), sp->width, sp->left, ' ');
}

static const char *parse(const char *f, struct spec *sp, va_list ap)
{
	*sp = (struct spec){.precision = -1};
	for (;; f++) {
		if (*f == '-')
			sp->left = true;
		else if (*f == '0')
			sp->zero = true;
		else if (*f == '#')
			sp->alt = true;
		else
			break;
	}
	if (*f == '*') {
		sp->width = va_arg(ap, int);
		f++;
	}
	while (*f >= '0' && *f <= '9')
		sp->width = sp->width * 10 + *f++ - '0';
	if (*f == '.') {
		sp->precision = 0;
		if (*++f == '*') {
			sp->precision = va_arg(ap, int);
			f++;
		}
		while (*f >= '0' && *f <= '9')
			sp->precision = sp->precision * 10 + *f++ - '0';
	}
	while (*f == 'l' || *f == 'z' || *f == 'j' || *f == 'h' || *f == 't')
		sp->size |= *f++ != 'h';
	return f;
}

static void format(struct out *o, const char *f, va_list ap)
{
	struct spec sp;
	const char *s;
	int64_t d;
	char c;

	while (*f != '\0') {
		if (*f != '%') {
			put(o, *f++);
			continue;
		}
		f = parse(f + 1, &sp, ap);
		switch (*f) {
		case 'd':
		case 'i':
			d = sp.size ? va_arg(ap, long) : va_arg(ap, int);
			sp.alt = false;
			put_number(o, &sp, d < 0 ? -(uint64_t)d : (uint64_t)d, d < 0, 10);
			break;
		case 'u':
			sp.alt = false;
			put_number(o, &sp,
			    sp.size ? va_arg(ap, unsigned long) : va_arg(ap, unsigned), false, 10);
			break;
		case 'x':
			put_number(o, &sp,
			    sp.size ? va_arg(ap, unsigned long) : va_arg(ap, unsigned), false, 16);
			break;
		case 'p':
			sp.alt = true;
			put_number(o, &sp, (uintptr_t)va_arg(ap, void *), false, 16);
			break;
		case 's':
			s = va_arg(ap, const char *);
			if (s == NULL)
				s = "(null)";
			if (o->console && base_panicking())
				flush(o); /* s may be what is broken */
			put_padded(o, s,
			    strnlen(s, sp.precision < 0 ? SIZE_MAX : (size_t)sp.precision),
			    sp.width, sp.left, ' ');
			break;
		case 'c':
			c = (char)va_arg(ap, int);
			put_padded(o, &c, 1, sp.width, sp.left, ' ');
			break;
		case '\0':
			return;
		default:
			put(o, *f);
		}
		f++;
	}
}

void kvprintf(const char *fmt, va_list ap)
{
	char buf[128];
	struct out o = {buf, sizeof(buf), 0, true};
	va_list copy;

	va_copy(copy, ap);
	console_enter();
	format(&o, fmt, copy);
	flush(&o);
	console_exit();
	va_end(copy);
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
	struct out o = {buf, size > 0 ? size - 1 : 0, 0, false};
	va_list copy;

	va_copy(copy, ap);
	format(&o, fmt, copy);
	va_end(copy);
	if (size > 0)
		buf[KMIN(o.len, size - 1)] = '\0';
	return (int)o.len;
}

int ksnprintf(char *buf, size_t size, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = kvsnprintf(buf, size, fmt, ap);
	va_end(ap);
	return n;
}
