/* SPDX-License-Identifier: BSD-2-Clause */
/* Known system calls, for t_strace.sh: the output is compared with strace.expected. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static void files(void)
{
	char buf[64], *bad = (char *)16;
	struct iovec iov[2] = {{"one\n", 4}, {"two", 3}};
	struct stat st;
	int fd = open("/tmp/strace.file", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);

	write(fd, "tab\there \"and\" \\ \001\0012 there and beyond", 36);
	writev(fd, iov, 2);
	lseek(fd, 0, SEEK_SET);
	read(fd, buf, 9);
	pread(fd, buf, 4, 36);
	fstat(fd, &st);
	fcntl(fd, F_GETFL);
	fcntl(fd, F_SETFD, FD_CLOEXEC);
	read(fd, bad, 1);
	close(fd);
	open("/nonexistent/file", O_RDONLY);
	open(bad, O_RDONLY | O_DIRECTORY);
	access("/tmp/strace.file", R_OK | W_OK);
	unlink("/tmp/strace.file");
	close(99);
}

static void memory(void)
{
	char *p = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	mprotect(p, 4096, PROT_NONE);
	madvise(p + 4096, 4096, MADV_DONTNEED);
	munmap(p, 8192);
	p = mmap(NULL, 4096, PROT_READ, MAP_SHARED | MAP_NORESERVE, 5, 4096);
	if (p != MAP_FAILED)
		puts("what?");
}

static void waiting(void)
{
	struct epoll_event ev = {.events = EPOLLIN | EPOLLET, .data.u64 = 7};
	struct timespec ts = {0, 1000};
	struct timeval tv = {0, 0};
	uint64_t one = 1;
	struct pollfd p;
	fd_set set;
	int fd = eventfd(0, EFD_NONBLOCK), ep = epoll_create1(EPOLL_CLOEXEC);

	epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev);
	epoll_wait(ep, &ev, 1, 0);
	write(fd, &one, 8);
	epoll_wait(ep, &ev, 1, -1);
	p = (struct pollfd){fd, POLLIN | POLLPRI, 0};
	poll(&p, 1, 1000);
	FD_ZERO(&set);
	FD_SET(fd, &set);
	select(fd + 1, &set, NULL, NULL, &tv);
	nanosleep(&ts, NULL);
	clock_gettime(CLOCK_MONOTONIC, &ts);
	close(ep);
	close(fd);
}

static void handler(int signo)
{
	(void)signo;
}

static void signals(void)
{
	struct sigaction sa = {.sa_handler = handler, .sa_flags = SA_RESTART};
	sigset_t set;

	sigemptyset(&sa.sa_mask);
	sigaddset(&sa.sa_mask, SIGTERM);
	sigaction(SIGUSR1, &sa, NULL);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGALRM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	kill(getpid(), SIGUSR1);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
}

static void sockets(void)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(8080)};
	socklen_t len = sizeof(in);
	char buf[16];
	int one = 1, pair[2], fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	inet_pton(AF_INET, "127.0.0.1", &in.sin_addr);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	bind(fd, (struct sockaddr *)&in, sizeof(in));
	listen(fd, 5);
	getsockname(fd, (struct sockaddr *)&in, &len);
	close(fd);
	socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
	send(pair[0], "hi", 2, MSG_NOSIGNAL);
	recv(pair[1], buf, sizeof(buf), MSG_DONTWAIT);
	recv(pair[1], buf, sizeof(buf), MSG_DONTWAIT);
	close(pair[0]);
	close(pair[1]);
}

static int fds[2];

static void *reader(void *arg)
{
	char c;

	(void)arg;
	read(fds[0], &c, 1);
	return NULL;
}

static void threads(void)
{
	struct timespec ts = {0, 300000000};
	pthread_t t;

	pipe(fds);
	pthread_create(&t, NULL, reader, NULL);
	nanosleep(&ts, NULL);
	write(fds[1], "x", 1);
	pthread_join(t, NULL);
}

/* Addresses that lead nowhere, sizes that are none: what is shown is read from there. */
static void garbage(void)
{
	static const long bad[] = {0, 1, 0x7fff, 0xdeadbeef000, -1, -4096, 0x7ffffffff000};
	static const long calls[] = {SYS_poll, SYS_select, SYS_readv, SYS_writev, SYS_sendmsg,
	    SYS_recvmsg, SYS_connect, SYS_bind, SYS_setsockopt, SYS_getsockopt, SYS_accept,
	    SYS_epoll_ctl, SYS_nanosleep, SYS_rt_sigaction, SYS_rt_sigprocmask, SYS_sendto,
	    SYS_recvfrom, SYS_getcwd, SYS_uname, SYS_stat, SYS_statx, SYS_prlimit64,
	    SYS_sigaltstack, SYS_fcntl, SYS_setitimer, SYS_timer_settime, SYS_utimensat, SYS_pipe2,
	    SYS_epoll_pwait, SYS_getrusage, SYS_openat, SYS_rename};

	for (unsigned c = 0; c < sizeof(calls) / sizeof(calls[0]); c++)
		for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
			syscall(calls[c], i % 2 ? 1L : bad[i], bad[i], bad[(i + 1) % 7], bad[i],
			    bad[(i + 3) % 7], bad[i]);
	puts("survived");
}

static void *busy(void *arg)
{
	char text[40];

	for (int i = 0; i < 200; i++) {
		getpid();
		snprintf(text, sizeof(text), "thread %d says %d\n", (int)(long)arg, i);
		write(1, text, strlen(text));
		close(-1);
		access("/nonexistent/with/a/path/that/is/not/so/short", F_OK);
	}
	return NULL;
}

static void torn(void)
{
	pthread_t t[4];

	for (long i = 0; i < 4; i++)
		pthread_create(&t[i], NULL, busy, (void *)i);
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
}

static void killed(void)
{
	raise(SIGTERM);
}

static void missing(void)
{
	syscall(SYS_userfaultfd, 0);
	execve("/nonexistent", NULL, NULL);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*func)(void);
	} parts[] = {{"files", files}, {"memory", memory}, {"waiting", waiting},
	    {"signals", signals}, {"sockets", sockets}, {"threads", threads}, {"missing", missing},
	    {"garbage", garbage}, {"torn", torn}, {"killed", killed}};

	for (unsigned i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		for (int k = 1; k < argc; k++)
			if (strcmp(argv[k], parts[i].name) == 0) {
				printf("== %s\n", parts[i].name);
				fflush(stdout);
				parts[i].func();
			}
	return 3;
}
