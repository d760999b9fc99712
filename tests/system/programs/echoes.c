/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Runs beside a guest: echoes ADDRESS PORT COUNT: sends datagrams of all sizes up to what an
 * Ethernet frame holds, and some of several fragments, to udp-echo and compares what comes back.
 * One that is lost is sent again, a few times.
 */
#include <arpa/inet.h>
#include <err.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

int main(int argc, char **argv)
{
	struct sockaddr_in sin = {.sin_family = AF_INET};
	static char out[9000], in[sizeof(out)];
	int s = socket(AF_INET, SOCK_DGRAM, 0), lost = 0;

	if (argc != 4)
		errx(2, "usage: echoes ADDRESS PORT COUNT");
	sin.sin_addr.s_addr = inet_addr(argv[1]);
	sin.sin_port = htons((in_port_t)atoi(argv[2]));
	if (s < 0 || connect(s, (struct sockaddr *)&sin, sizeof(sin)) != 0)
		err(1, "socket");
	for (int n = 0; n < atoi(argv[3]); n++) {
		size_t len = 1 + (size_t)n * 131 % (n % 16 ? 1472 : sizeof(out));
		struct pollfd p = {.fd = s, .events = POLLIN};

		for (size_t i = 0; i < len; i++)
			out[i] = (char)(n + (int)i * 7);
		if (send(s, out, len, 0) != (ssize_t)len)
			err(1, "send");
		while (poll(&p, 1, 2000) == 1) {
			if (recv(s, in, sizeof(in), 0) == (ssize_t)len && memcmp(in, out, len) == 0)
				goto next;
			warnx("datagram %d came back wrong, or late", n);
		}
		if (++lost > 3)
			errx(1, "datagram %d is lost again", n);
		n--;
	next:;
	}
	printf("%s there and back, %d lost\n", argv[3], lost);
	return 0;
}
