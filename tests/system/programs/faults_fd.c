/* SPDX-License-Identifier: BSD-2-Clause */
/* Workloads of faults.c: files, mappings, pipes, sockets. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>
#include "faults.h"

#define PAGE 4096UL

static char block[3 * PAGE];

void work_files(void)
{
	struct iovec iov[40];
	int fd, dup_fd = -1, out[2];

	for (int i = 0; i < 40; i++)
		iov[i] = (struct iovec){block, 100};
	TRY((fd = open("/tmp/faults", O_RDWR | O_CREAT | O_TRUNC, 0600)) >= 0);
	if (fd >= 0) {
		TRY(write(fd, block, sizeof(block)) == sizeof(block));
		TRY(writev(fd, iov, 40) == 4000);
		TRY(pread(fd, block, 100, 5000) == 100);
		TRY(pwrite(fd, block, 100, 1 << 20) == 100);
		TRY(ftruncate(fd, 100) == 0);
		TRY(fallocate(fd, 0, 0, 20000) == 0);
		if (pipe2(out, O_NONBLOCK) == 0) {
			off_t at = 0;

			TRY(sendfile(out[1], fd, &at, 5000) == 5000);
			close(out[0]);
			close(out[1]);
		} else {
			note(false, "pipe2", __LINE__);
		}
		TRY((dup_fd = fcntl(fd, F_DUPFD, 900)) >= 0);
		close_if(dup_fd);
		close(fd);
	}
	unlink("/tmp/faults");
	TRY((fd = open("/tmp", O_RDWR | O_TMPFILE, 0600)) >= 0);
	if (fd >= 0) {
		TRY(write(fd, block, 10) == 10);
		close(fd);
	}
	/* Of the image, where there is one. */
	if ((fd = open("/etc/hosts", O_RDONLY)) >= 0) {
		TRY(read(fd, block, 100) > 0);
		close(fd);
	} else {
		note(errno == ENOENT, "open of /etc/hosts", __LINE__);
	}
	TRY((fd = memfd_create("faults", 0)) >= 0);
	close_if(fd);
}

void work_tree(void)
{
	char name[64], path[300];
	struct dirent *de;
	struct stat st;
	DIR *d;
	int fd;

	TRY(mkdir("/tmp/d", 0700) == 0);
	for (int i = 0; i < 8; i++) {
		snprintf(name, sizeof(name), "/tmp/d/a-rather-long-name-of-a-file-%d", i);
		TRY((fd = open(name, O_WRONLY | O_CREAT, 0600)) >= 0);
		close_if(fd);
	}
	TRY(symlink("a-rather-long-name-of-a-file-1-and-more", "/tmp/d/s") == 0);
	TRY(readlink("/tmp/d/s", path, sizeof(path)) > 0);
	TRY(mkdir("/tmp/d/sub", 0700) == 0);
	TRY(link(name, "/tmp/d/sub/link") == 0);
	TRY(rename("/tmp/d/sub/link", "/tmp/d/sub/another-name-that-is-longer-than-it-was") == 0);
	TRY(stat(name, &st) == 0);
	TRY(chdir("/tmp/d/sub") == 0);
	TRY(getcwd(path, sizeof(path)) != NULL);
	chdir("/");
	TRY((d = opendir("/tmp/d")) != NULL);
	if (d != NULL) {
		while ((de = readdir(d)) != NULL)
			stat(de->d_name, &st);
		closedir(d);
	}
	for (int i = 0; i < 8; i++) {
		snprintf(name, sizeof(name), "/tmp/d/a-rather-long-name-of-a-file-%d", i);
		unlink(name);
	}
	unlink("/tmp/d/s");
	unlink("/tmp/d/sub/link");
	unlink("/tmp/d/sub/another-name-that-is-longer-than-it-was");
	rmdir("/tmp/d/sub");
	rmdir("/tmp/d");
}

void work_mappings(void)
{
	char *p, *q;
	int fd;

	TRY((p = mmap(NULL, 16 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		 0)) != MAP_FAILED);
	if (p != MAP_FAILED) {
		memset(p, 1, 16 * PAGE);
		TRY(mprotect(p + PAGE, PAGE, PROT_READ) == 0);
		TRY(mprotect(p + 3 * PAGE, 2 * PAGE, PROT_NONE) == 0);
		TRY(mlock(p + 6 * PAGE, PAGE) == 0);
		TRY(madvise(p + 8 * PAGE, PAGE, MADV_DONTNEED) == 0);
		TRY(munmap(p + 10 * PAGE, PAGE) == 0);
		TRY((q = mremap(p + 12 * PAGE, 2 * PAGE, 8 * PAGE, MREMAP_MAYMOVE)) != MAP_FAILED);
		if (q != MAP_FAILED)
			munmap(q, 8 * PAGE);
		munlock(p + 6 * PAGE, PAGE);
		munmap(p, 16 * PAGE);
	}
	TRY((p = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0)) != MAP_FAILED);
	if (p != MAP_FAILED)
		munmap(p, 4 * PAGE);
	TRY((fd = open("/tmp/faults", O_RDWR | O_CREAT, 0600)) >= 0);
	if (fd < 0)
		return;
	TRY(write(fd, block, sizeof(block)) == sizeof(block));
	for (int flags = MAP_SHARED; flags <= MAP_PRIVATE; flags++) {
		TRY((p = mmap(NULL, sizeof(block), PROT_READ | PROT_WRITE, flags, fd, 0)) !=
		    MAP_FAILED);
		if (p == MAP_FAILED)
			continue;
		if (pread(fd, block, 1, 2 * PAGE) == 1)
			p[2 * PAGE] = 1;
		TRY(msync(p, sizeof(block), MS_SYNC) == 0);
		munmap(p, sizeof(block));
	}
	close(fd);
	unlink("/tmp/faults");
}

void work_pipes(void)
{
	int fd[2];

	if (pipe2(fd, O_NONBLOCK) != 0) {
		note(false, "pipe2", __LINE__);
		return;
	}
	TRY(write(fd[1], block, 10) == 10);
	TRY(write(fd[1], block, sizeof(block)) > 0);
	TRY(read(fd[0], block, 20) > 0);
	close(fd[0]);
	close(fd[1]);
}

static void two_ways(int a, int b)
{
	struct iovec iov[40];
	struct msghdr m = {.msg_iov = iov, .msg_iovlen = 40};

	if (a < 0 || b < 0)
		return;
	for (int i = 0; i < 40; i++)
		iov[i] = (struct iovec){block, 10};
	TRY(sendmsg(a, &m, 0) == 400);
	TRY(comes(b, POLLIN) && recvmsg(b, &m, 0) == 400);
	TRY(write(a, block, 5000) > 0);
	TRY(comes(b, POLLIN) && read(b, block, 5000) > 0);
	TRY(write(b, block, 1) == 1);
	TRY(comes(a, POLLIN) && read(a, block, 1) == 1);
}

void work_unix(void)
{
	struct sockaddr_un sun = {AF_UNIX, "/tmp/faults.sock"};
	socklen_t len = sizeof(sun);
	int l, c, s = -1, pair[2];

	if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, pair) == 0) {
		two_ways(pair[0], pair[1]);
		close(pair[0]);
		close(pair[1]);
	} else {
		note(false, "socketpair", __LINE__);
	}
	TRY((l = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0)) >= 0);
	TRY((c = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0)) >= 0);
	if (l >= 0 && c >= 0) {
		TRY(bind(l, (struct sockaddr *)&sun, sizeof(sun)) == 0);
		TRY(listen(l, 5) == 0);
		TRY(connect(c, (struct sockaddr *)&sun, sizeof(sun)) == 0);
		TRY((s = accept4(l, (struct sockaddr *)&sun, &len, SOCK_NONBLOCK)) >= 0);
		two_ways(c, s);
		close_if(s);
	}
	close_if(c);
	close_if(l);
	unlink("/tmp/faults.sock");
}

void work_rights(void)
{
	union {
		struct cmsghdr h;
		char room[CMSG_SPACE(3 * sizeof(int))];
	} u = {.h = {.cmsg_level = SOL_SOCKET,
		   .cmsg_type = SCM_RIGHTS,
		   .cmsg_len = CMSG_LEN(3 * sizeof(int))}};
	struct iovec iov = {block, 8};
	struct msghdr m = {
	    .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &u, .msg_controllen = sizeof(u.room)};
	int pair[2], fds[3], null = open("/dev/null", O_RDWR);

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair) != 0) {
		note(false, "socketpair", __LINE__);
		close_if(null);
		return;
	}
	if (null < 0)
		null = 0;
	fds[0] = fds[1] = fds[2] = null;
	memcpy(CMSG_DATA(&u.h), fds, sizeof(fds));
	TRY(sendmsg(pair[0], &m, 0) == 8);
	TRY(sendmsg(pair[0], &m, 0) == 8); /* stays in the queue */
	m.msg_controllen = sizeof(u.room);
	if (recvmsg(pair[1], &m, 0) == 8 && m.msg_controllen >= CMSG_LEN(sizeof(int))) {
		size_t n = (u.h.cmsg_len - CMSG_LEN(0)) / sizeof(int);

		memcpy(fds, CMSG_DATA(&u.h), n * sizeof(int));
		for (size_t i = 0; i < n; i++)
			close(fds[i]);
		/* Descriptors that there is no memory for are left out; see MSG_CTRUNC. */
		if (n < 3)
			errno = ENOMEM;
		TRY(n == 3);
	}
	if (null > 0)
		close(null);
	close(pair[0]);
	close(pair[1]);
}

static int bound(int type, struct sockaddr_in *sin)
{
	socklen_t len = sizeof(*sin);
	int fd = socket(AF_INET, type | SOCK_NONBLOCK, 0);

	*sin = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	TRY(fd >= 0);
	if (fd >= 0) {
		TRY(bind(fd, (struct sockaddr *)sin, sizeof(*sin)) == 0);
		TRY(getsockname(fd, (struct sockaddr *)sin, &len) == 0);
	}
	return fd;
}

/* A datagram may be lost for lack of memory, without a word. */
void work_udp(void)
{
	struct sockaddr_in sin;
	struct pollfd p;
	int a = bound(SOCK_DGRAM, &sin), b;

	TRY((b = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0)) >= 0);
	if (a >= 0 && b >= 0) {
		TRY(connect(b, (struct sockaddr *)&sin, sizeof(sin)) == 0);
		TRY(send(b, block, 100, 0) == 100);
		TRY(send(b, block, 3000, 0) == 3000);
		p = (struct pollfd){a, POLLIN, 0};
		if (poll(&p, 1, 20) == 1)
			TRY(recv(a, block, 3000, 0) > 0);
	}
	close_if(a);
	close_if(b);
}

void work_tcp(void)
{
	struct linger abort = {1, 0};
	struct sockaddr_in sin;
	socklen_t len = sizeof(sin);
	int l = bound(SOCK_STREAM, &sin), c, s = -1;

	TRY((c = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0)) >= 0);
	if (l >= 0 && c >= 0) {
		TRY(listen(l, 5) == 0);
		TRY(connect(c, (struct sockaddr *)&sin, sizeof(sin)) == 0 || errno == EINPROGRESS);
		if (comes(l, POLLIN))
			TRY((s = accept4(l, (struct sockaddr *)&sin, &len, SOCK_NONBLOCK)) >= 0);
		if (s >= 0 && comes(c, POLLOUT)) {
			if (write(c, block, 5000) > 0 && comes(s, POLLIN))
				TRY(read(s, block, 5000) > 0);
			setsockopt(s, SOL_SOCKET, SO_LINGER, &abort, sizeof(abort));
		}
		setsockopt(c, SOL_SOCKET, SO_LINGER, &abort, sizeof(abort));
	}
	close_if(c);
	close_if(s);
	close_if(l);
}

void work_proc(void)
{
	static const char *const names[] = {"/proc/self/maps", "/proc/self/status",
	    "/proc/self/stat", "/proc/meminfo", "/proc/cpuinfo", "/proc/self/fd"};
	char buf[2000];
	int fd;

	TRY((fd = open("/tmp", O_RDONLY)) >= 0);
	if (fd >= 0) {
		snprintf(buf, sizeof(buf), "/proc/self/fd/%d", fd);
		TRY(readlink(buf, buf + 100, 100) > 0);
		close(fd);
	}

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		TRY((fd = open(names[i], O_RDONLY)) >= 0);
		if (fd < 0)
			continue;
		if (i < 5)
			TRY(read(fd, buf, sizeof(buf)) > 0);
		close(fd);
	}
}
