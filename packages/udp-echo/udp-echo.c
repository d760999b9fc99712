/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Send every datagram back to where it came from.
 *   udp-echo [PORT]     default: 7 (RFC 862)
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static char buf[65536];

int main(int argc, char **argv)
{
	struct sockaddr_in sin = {.sin_family = AF_INET};
	long port = argc > 1 ? strtol(argv[1], NULL, 10) : 7;
	int s;

	if (port < 1 || port > 65535) {
		fprintf(stderr, "usage: udp-echo [PORT]\n");
		return 2;
	}
	sin.sin_port = htons((in_port_t)port);
	s = socket(AF_INET, SOCK_DGRAM, 0);
	if (s < 0 || bind(s, (struct sockaddr *)&sin, sizeof(sin)) != 0) {
		perror("udp-echo: bind");
		return 1;
	}
	printf("udp-echo: port %ld\n", port);
	fflush(stdout);
	for (;;) {
		struct sockaddr_in from;
		socklen_t len = sizeof(from);
		ssize_t n = recvfrom(s, buf, sizeof(buf), 0, (struct sockaddr *)&from, &len);

		if (n < 0) {
			if (errno == EINTR)
				continue;
			perror("udp-echo: recvfrom");
			return 1;
		}
		/* A reply that cannot be sent is lost, as any datagram may be. */
		sendto(s, buf, (size_t)n, 0, (struct sockaddr *)&from, len);
	}
}
