/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A stand-in for QEMU: takes the descriptors of console, status and monitor from
 * the command line and behaves as $FAKE says.  Its pid goes to $FAKE_PID.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int console = -1, status = -1, qmp = -1;

static int fd_of(const char *arg, const char *id)
{
	char prefix[64];

	snprintf(prefix, sizeof(prefix), "socket,id=%s,fd=", id);
	return strncmp(arg, prefix, strlen(prefix)) == 0 ? atoi(arg + strlen(prefix)) : -1;
}

static void put(int fd, const char *s)
{
	if (write(fd, s, strlen(s)) == -1)
		exit(9);
}

/* Wait until the monitor is asked for the power button. */
static void wait_button(void)
{
	char buf[4096];
	size_t len = 0;
	ssize_t n;

	while ((n = read(qmp, buf + len, sizeof(buf) - 1 - len)) > 0) {
		len += (size_t)n;
		buf[len] = '\0';
		if (strstr(buf, "system_powerdown") != NULL)
			return;
	}
	exit(8);
}

int main(int argc, char **argv)
{
	const char *fake = getenv("FAKE") ? getenv("FAKE") : "exit 0";
	char buf[256];
	FILE *f;

	for (int i = 1; i < argc; i++) {
		console = fd_of(argv[i], "console") != -1 ? fd_of(argv[i], "console") : console;
		status =
		    fd_of(argv[i], "kiln-status") != -1 ? fd_of(argv[i], "kiln-status") : status;
		qmp = fd_of(argv[i], "qmp") != -1 ? fd_of(argv[i], "qmp") : qmp;
	}
	if (getenv("FAKE_PID") != NULL && (f = fopen(getenv("FAKE_PID"), "w")) != NULL) {
		fprintf(f, "%d\n", (int)getpid());
		fclose(f);
	}
	if (strcmp(fake, "refuse") == 0) {
		fprintf(stderr, "fakeqemu: cannot do that\n");
		return 1;
	}
	put(console, "booting\n");
	if (strcmp(fake, "lost") == 0)
		return 0;
	if (strcmp(fake, "binary") == 0) {
		if (write(console, "\0\1\377\r\r\n\0\r\n\r", 10) != 10)
			return 9;
		fake = "exit 0";
	}
	if (strcmp(fake, "crash") == 0) {
		put(console, "kiln: fatal signal 11, address 0x0\n");
		if (getenv("FAKE_BUILD") != NULL) {
			snprintf(buf, sizeof(buf),
			    "kiln: lwp 1 (x) on CPU 0, image at 1000, build %.16s\n",
			    getenv("FAKE_BUILD"));
			put(console, buf);
		}
		snprintf(buf, sizeof(buf), "kiln:  #0 image+%s\r\nki", getenv("FAKE_ADDR"));
		put(console, buf);
		usleep(20000);
		snprintf(buf, sizeof(buf), "ln:  #1 image+%s\nend\n", getenv("FAKE_ADDR"));
		put(console, buf);
		fake = "signal 11";
	}
	if (strcmp(fake, "echo") == 0) {
		ssize_t n;

		/* Nothing comes before we say that we listen. */
		usleep(100000);
		if (recv(console, buf, sizeof(buf), MSG_DONTWAIT) != -1)
			return 9;
		put(status, "kiln: input\n");
		n = read(console, buf, sizeof(buf));

		if (n > 0 && write(console, buf, (size_t)n) != n)
			return 9;
		fake = "exit 0";
	}
	if (strcmp(fake, "big") == 0) {
		for (int i = 0; i < 100000; i++)
			put(console, "0123456789\n");
		fake = "exit 0";
	}
	if (strcmp(fake, "button") == 0) {
		wait_button();
		put(console, "stopping\n");
		fake = "exit 5";
	}
	if (strcmp(fake, "stop") == 0) {
		put(qmp, "{\"QMP\": {}}\r\n{\"event\": \"STOP\"}\r\n");
		fake = "deaf";
	}
	if (strcmp(fake, "deaf") == 0 || strcmp(fake, "stubborn") == 0) {
		if (strcmp(fake, "stubborn") == 0)
			signal(SIGTERM, SIG_IGN);
		for (;;)
			pause();
	}
	if (strcmp(fake, "linger") == 0) { /* says its word and does not end */
		put(status, "kiln: exit 6\n");
		for (;;)
			pause();
	}
	snprintf(buf, sizeof(buf), "nonsense\nkiln: exit 999\nkiln: %s\nkiln: exit 77\n", fake);
	put(status, buf);
	return 1;
}
