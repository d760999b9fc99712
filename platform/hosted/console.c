/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The console is descriptors 0 and 1, whose open file descriptions belong to
 * others as well (the shell): no mode of theirs may be changed, so there is no
 * SIGIO and no O_NONBLOCK.  A thread of its own sleeps in ppoll() on input,
 * interrupts CPU 0 and waits until all has been read.
 */
#include <asm/poll.h>
#include <linux/errno.h>
#include <linux/time.h>
#include <linux/uio.h>

#include "hosted.h"
#include "syscall.h"

#define CHUNK 256

static volatile bool input_ready, input_ended;

static long poll_console(int fd, int events, const struct timespec *timeout)
{
	struct pollfd pfd = {.fd = fd, .events = (short)events};
	long n = host_syscall6(__NR_ppoll, (long)&pfd, 1, (long)timeout, 0, 8, 0);

	return n > 0 && (pfd.revents & POLLNVAL) != 0 ? -EBADF : n;
}

void hosted_console_wait(void)
{
	static volatile uint64_t never;

	while (!input_ended) {
		long n = poll_console(0, POLLIN, NULL);

		if (n == -EINTR)
			continue;
		if (n < 0)
			break;
		input_ready = true;
		hosted_raise(&hosted_cpus[0], HOSTED_SIG_CONSOLE);
		while (input_ready) {
			hosted_wait(&hosted_waiter.noted);
			hosted_waiter.noted = 0;
		}
	}
	for (;;)
		hosted_wait(&never);
}

size_t rumpuser_console_read(char *buf, size_t len)
{
	static const struct timespec now;
	char chunk[CHUNK];
	struct iovec iov = {chunk, len < CHUNK ? len : CHUNK};
	long n = 0;

	if (!input_ready || len == 0)
		return 0;
	if (poll_console(0, POLLIN, &now) > 0) {
		n = host_syscall3(__NR_readv, 0, (long)&iov, 1);
		input_ended = n == 0 || (n < 0 && n != -EINTR && n != -EAGAIN);
	}
	if (n > 0) {
		memcpy(buf, chunk, (size_t)n);
		return (size_t)n;
	}
	input_ready = false;
	hosted_raise(&hosted_waiter, HOSTED_SIG_IPI);
	return 0;
}

void rumpuser_console_write(const char *buf, size_t len)
{
	char chunk[CHUNK];

	while (len > 0) {
		struct iovec iov = {(char *)buf, len};
		long n = host_syscall3(__NR_writev, 1, (long)&iov, 1);

		if (n == -EFAULT) {
			/* A page of the program's that is not there yet: touch it as the program
			 * would. */
			iov.iov_base = chunk;
			iov.iov_len = len < CHUNK ? len : CHUNK;
			memcpy(chunk, buf, iov.iov_len);
			n = host_syscall3(__NR_writev, 1, (long)&iov, 1);
		}
		if (n == -EAGAIN) {
			poll_console(1, POLLOUT, NULL);
			continue;
		}
		if (n == -EINTR)
			continue;
		if (n <= 0)
			return;
		buf += n;
		len -= (size_t)n;
	}
}

void rumpuser_entropy(void *buf, size_t len, unsigned *bits)
{
	uint8_t *p = buf;

	*bits = 0;
	for (size_t done = 0; done < len;) {
		long n = host_syscall3(__NR_getrandom, (long)(p + done), (long)(len - done), 0);

		if (n == -EINTR)
			continue;
		if (n <= 0)
			return;
		done += (size_t)n;
		*bits = (unsigned)done * 8;
	}
}
