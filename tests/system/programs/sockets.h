/* SPDX-License-Identifier: BSD-2-Clause */
/* What the parts of the program sockets share.  Every descriptor of a case is closed by it. */
#ifndef SOCKETS_H
#define SOCKETS_H

#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

/* One line "ok WHAT" or "FAIL WHAT (where)". */
void report(bool good, const char *what, const char *file, int line);
#define CHECK(what, cond) report((cond), (what), __FILE__, __LINE__)
/* The call fails with this error. */
/* Nothing is there, and compilers do not know. */
extern void *volatile bad_pointer;
#define FAILS(call, error) (errno = 0, (call) == -1 && errno == (error))

/* A case must end within so many seconds, or the program ends with a FAIL line. */
void limit(const char *what, unsigned seconds);

/* 127.0.0.1, port in network order. */
struct sockaddr_in loopback(in_port_t port);
/* A socket of this type (SOCK_NONBLOCK ... may be or'ed in), bound to a free port of 127.0.0.1. */
int bound(int type, struct sockaddr_in *sin);
/* Listening on 127.0.0.1. */
int listening(int flags, int backlog, struct sockaddr_in *sin);
int connect_to(const struct sockaddr_in *sin);
/* Two ends of a TCP connection. */
void tcp_pair(int fd[2]);
/* As the names say; read_all() and write_all() until n bytes or the end. */
ssize_t read_all(int fd, void *buf, size_t n);
ssize_t write_all(int fd, const void *buf, size_t n);
void set_int(int fd, int level, int name, int value);
int get_int(int fd, int level, int name);
/* What poll() says of one descriptor after at most so many milliseconds. */
int poll1(int fd, int events, int ms);
double now(void);
void nap(int ms);
pthread_t spawn(void *(*f)(void *), void *arg);

/* Send bytes through both directions of a connection at once, from threads, and look at each. */
bool transfer(int a, int b, size_t bytes);

void test_tcp(void);
void test_options(void);
void test_events(void);
void test_datagrams(void);
void test_unix(void);
void test_unix_room(void);
void test_names(void);
void test_many(bool guest);

#endif
