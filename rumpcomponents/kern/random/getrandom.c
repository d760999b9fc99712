/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * getrandom(2).  Without enough entropy it waits, unless it was told not to; the
 * clock's jitter is gathered while it does, so the wait ends on any machine.
 */
#include <sys/random.h>
#include <kern/ktime.h>
#include <kern/lwp.h>
#include <kern/random.h>
#include <kern/sysproto.h>
#include <kern/systm.h>

static int wait_ready(unsigned flags)
{
	int error = 0;

	while (!random_ready() && !(flags & GRND_INSECURE) && !error) {
		uint64_t now = nanouptime();
		if (flags & GRND_NONBLOCK)
			return EAGAIN;
		error = lwp_sleep_until(now + NSEC_PER_MSEC, "random");
		if (error == EWOULDBLOCK)
			error = 0;
		now = nanouptime() - now;
		random_add(&now, sizeof(now), 2);
	}
	return error;
}

long do_sys_getrandom(void *ubuf, size_t len, unsigned flags)
{
	uint8_t buf[256];
	size_t done = 0;
	int error;

	if (flags & ~(GRND_NONBLOCK | GRND_RANDOM | GRND_INSECURE))
		return sysret(EINVAL, 0);
	error = wait_ready(flags);
	len = KMIN(len, 0x1ffffffUL); /* as Linux: 32 MiB - 1 */
	while (!error && done < len) {
		size_t n = KMIN(len - done, sizeof(buf));
		random_bytes(buf, n);
		error = copyout(buf, (char *)ubuf + done, n);
		if (!error)
			done += n;
	}
	memset(buf, 0, sizeof(buf));
	__asm__ volatile("" ::"r"(buf) : "memory");
	return sysret(done > 0 && error != EFAULT ? 0 : error, done);
}
