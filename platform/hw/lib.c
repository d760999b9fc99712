/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib.c - what needs no machine: calls that have nothing to do on one, memory functions.
 */
#include <rumpuser.h>

#include <errno.h>

int rumpuser_net_open(uint8_t mac[6], unsigned *mtu, unsigned *irqp)
{
	return ENXIO;
}

int rumpuser_net_send(const struct rumpuser_iovec *iov, unsigned niov)
{
	return ENXIO;
}

int rumpuser_net_recv(void *buf, size_t len, size_t *got)
{
	return ENXIO;
}

/* The compiler calls these by name; ours stay inside platform.o. */
void *memcpy(void *restrict dst, const void *restrict src, size_t n);
void *memset(void *dst, int c, size_t n);

void *memcpy(void *restrict dst, const void *restrict src, size_t n)
{
	void *d = dst;

	__asm__ volatile("rep movsb" : "+D"(d), "+S"(src), "+c"(n) : : "memory");
	return dst;
}

void *memset(void *dst, int c, size_t n)
{
	void *d = dst;

	__asm__ volatile("rep stosb" : "+D"(d), "+c"(n) : "a"(c) : "memory");
	return dst;
}
