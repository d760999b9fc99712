/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The network interface: a descriptor on which each read and write is one
 * Ethernet frame, a TAP device (IFF_TAP | IFF_NO_PI) or one end of a datagram or
 * seqpacket socket pair.  SIGIO is its interrupt: it comes for every frame
 * that arrives and, from sockets, when there is room again.
 */
#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/uio.h>

#include "hosted.h"
#include "syscall.h"

_Static_assert(sizeof(struct rumpuser_iovec) == sizeof(struct iovec), "same layout");
_Static_assert(
    offsetof(struct rumpuser_iovec, len) == offsetof(struct iovec, iov_len), "same layout");

void hosted_net_init(void)
{
	int fd = hosted_config.netfd;
	struct f_owner_ex owner = {F_OWNER_TID, hosted_pid};
	long result;

	if (fd < 0)
		return;
	if ((result = host_syscall3(__NR_fcntl, fd, F_SETOWN_EX, (long)&owner)) < 0 ||
	    (result = host_syscall3(__NR_fcntl, fd, F_GETFL, 0)) < 0 ||
	    (result = host_syscall3(__NR_fcntl, fd, F_SETFL, result | O_NONBLOCK | FASYNC)) < 0)
		hosted_die("hosted.netfd is not an open network descriptor", result);
}

int rumpuser_net_open(uint8_t mac[6], unsigned *mtu, unsigned *irqp)
{
	unsigned bits;

	if (hosted_config.netfd < 0)
		return ENXIO;
	if (!hosted_config.have_mac) {
		rumpuser_entropy(hosted_config.mac, sizeof(hosted_config.mac), &bits);
		hosted_config.mac[0] = 0x02; /* locally administered, unicast */
		hosted_config.have_mac = true;
	}
	memcpy(mac, hosted_config.mac, 6);
	*mtu = (unsigned)hosted_config.mtu;
	*irqp = HOSTED_IRQ_NET;
	/* For what came before anybody listened. */
	hosted_raise(&hosted_cpus[0], HOSTED_SIG_NET);
	return 0;
}

int rumpuser_net_send(const struct rumpuser_iovec *iov, unsigned niov)
{
	long n;

	do {
		n = host_syscall3(__NR_writev, hosted_config.netfd, (long)iov, niov);
	} while (n == -EINTR);
	if (n == -ENOBUFS || n == -ENOMEM)
		return EAGAIN;
	return n < 0 ? (int)-n : 0;
}

int rumpuser_net_recv(void *buf, size_t len, size_t *got)
{
	uint8_t excess; /* a frame that reaches it was too long */
	struct iovec iov[2] = {{buf, len}, {&excess, 1}};
	long n;

	do {
		n = host_syscall3(__NR_readv, hosted_config.netfd, (long)iov, 2);
	} while (n == -EINTR);
	if (n < 0)
		return (int)-n;
	if (n == 0)
		return EAGAIN; /* the other end of the socket pair is gone */
	if ((size_t)n > len)
		return EMSGSIZE;
	*got = (size_t)n;
	return 0;
}
