/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Signals: handlers, masks, queues, frames, waiting, timers that send them.  Every case prints
 * "ok WHAT" or "FAIL WHAT"; on Linux all of them are ok.
 */
#define _GNU_SOURCE
#include "check.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/signalfd.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

static volatile sig_atomic_t hits, last, order[16], norder;
static volatile void *fault_address;

static void count(int signo)
{
	hits++;
	last = signo;
	if (norder < 16)
		order[norder++] = signo;
}

static void handle(int signo, void (*handler)(int), int flags)
{
	struct sigaction sa = {.sa_handler = handler, .sa_flags = flags};

	sigemptyset(&sa.sa_mask);
	if (sigaction(signo, &sa, NULL) != 0)
		check(0, "sigaction");
	hits = last = norder = 0;
}

static sigset_t set_of(int signo)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, signo);
	return set;
}

static long long now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

static void test_handlers(void)
{
	struct sigaction old;
	sigset_t usr1 = set_of(SIGUSR1), pending;

	handle(SIGUSR1, count, 0);
	raise(SIGUSR1);
	check(hits == 1 && last == SIGUSR1, "a handler runs before raise returns");
	kill(getpid(), SIGUSR1);
	check(hits == 2, "kill to oneself likewise");
	sigprocmask(SIG_BLOCK, &usr1, NULL);
	raise(SIGUSR1);
	raise(SIGUSR1);
	sigpending(&pending);
	check(hits == 2 && sigismember(&pending, SIGUSR1), "a blocked signal is pending");
	sigprocmask(SIG_UNBLOCK, &usr1, NULL);
	check(hits == 3, "it is delivered once when it is unblocked");
	handle(SIGUSR1, count, SA_RESETHAND);
	raise(SIGUSR1);
	sigaction(SIGUSR1, NULL, &old);
	check(hits == 1 && old.sa_handler == SIG_DFL, "SA_RESETHAND");
	sigprocmask(SIG_BLOCK, &usr1, NULL);
	raise(SIGUSR1);
	handle(SIGUSR1, SIG_IGN, 0);
	handle(SIGUSR1, count, 0);
	sigprocmask(SIG_UNBLOCK, &usr1, NULL);
	check(hits == 0, "ignoring a signal forgets the pending one");
	check(kill(getpid(), 0) == 0 && kill(getpid(), 99) == -1 && errno == EINVAL,
	    "kill checks its number");
	check(signal(SIGKILL, count) == SIG_ERR && errno == EINVAL, "SIGKILL cannot be caught");
}

static void nested(int signo)
{
	order[norder++] = signo;
	if (signo == SIGUSR1)
		raise(SIGUSR2);
	order[norder++] = -signo;
}

static void test_nesting(void)
{
	struct sigaction sa = {.sa_handler = nested};

	handle(SIGUSR1, nested, 0);
	handle(SIGUSR2, nested, 0);
	raise(SIGUSR1);
	check(norder == 4 && order[0] == SIGUSR1 && order[1] == SIGUSR2 && order[2] == -SIGUSR2,
	    "handlers nest");
	sigaddset(&sa.sa_mask, SIGUSR2);
	sigaction(SIGUSR1, &sa, NULL);
	norder = 0;
	raise(SIGUSR1);
	check(norder == 4 && order[0] == SIGUSR1 && order[1] == -SIGUSR1 && order[2] == SIGUSR2,
	    "sa_mask holds them off");
}

static volatile int values[8], nvalues;

static void queued(int signo, siginfo_t *si, void *uc)
{
	if (si->si_code == SI_QUEUE && nvalues < 8)
		values[nvalues++] = si->si_value.sival_int;
}

static void test_queue(void)
{
	struct sigaction sa = {.sa_sigaction = queued, .sa_flags = SA_SIGINFO};
	sigset_t set = set_of(SIGRTMIN + 1);

	sigaction(SIGRTMIN + 1, &sa, NULL);
	sigprocmask(SIG_BLOCK, &set, NULL);
	for (int i = 0; i < 4; i++)
		sigqueue(getpid(), SIGRTMIN + 1, (union sigval){.sival_int = i + 10});
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	check(nvalues == 4 && values[0] == 10 && values[3] == 13,
	    "real-time signals queue, with their values");
}

/* A handler that repairs what faulted: it moves the instruction pointer or the register. */
static void *good_page;

static void repair(int signo, siginfo_t *si, void *context)
{
	ucontext_t *uc = context;

	hits++;
	fault_address = si->si_addr;
	uc->uc_mcontext.gregs[REG_RBX] = (greg_t)good_page;
}

static void test_fault(void)
{
	struct sigaction sa = {.sa_sigaction = repair, .sa_flags = SA_SIGINFO};
	long value = 0;
	double x = 1.25, y;

	good_page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	*(long *)good_page = 4711;
	hits = 0;
	sigaction(SIGSEGV, &sa, NULL);
	__asm__ volatile(
	    "movsd %2, %%xmm7\n\tmovq $0x1230, %%rbx\n\tmovq (%%rbx), %0\n\tmovsd %%xmm7, %1"
	    : "=r"(value), "=m"(y)
	    : "m"(x)
	    : "rbx", "xmm7", "memory");
	check(hits == 1 && value == 4711,
	    "a SIGSEGV handler changes a register, the access is repeated");
	check(fault_address == (void *)0x1230, "si_addr is the address");
	check(y == 1.25, "vector registers survive the handler");
	signal(SIGSEGV, SIG_DFL);
}

static sigjmp_buf jump;

static void leave(int signo)
{
	siglongjmp(jump, signo);
}

static char *volatile page_zero = (char *)8;

static void test_jump(void)
{
	volatile int times = 0;
	volatile double sum = 0;

	handle(SIGSEGV, leave, 0);
	handle(SIGFPE, leave, 0);
	while (times < 3) {
		if (sigsetjmp(jump, 1) == 0)
			*(volatile int *)page_zero = 1;
		times++;
	}
	check(times == 3, "siglongjmp out of a SIGSEGV handler, three times");
	if (sigsetjmp(jump, 1) == 0) {
		volatile int zero = 0;
		/* cppcheck-suppress zerodiv ; on purpose */
		times = 5 / zero;
	}
	check(times == 3, "siglongjmp out of a SIGFPE handler");
	for (int i = 0; i < 10; i++)
		sum += 0.5;
	check(sum == 5.0, "floating point afterwards");
	signal(SIGSEGV, SIG_DFL);
	signal(SIGFPE, SIG_DFL);
}

static volatile uintptr_t handler_sp;
static stack_t inside;

static void where(int signo)
{
	int local;

	handler_sp = (uintptr_t)&local;
	sigaltstack(NULL, &inside);
}

static void test_altstack(void)
{
	static char stack[65536];
	stack_t ss = {.ss_sp = stack, .ss_size = sizeof(stack)}, old;

	check(sigaltstack(&ss, NULL) == 0, "sigaltstack");
	handle(SIGUSR1, where, SA_ONSTACK);
	raise(SIGUSR1);
	check(handler_sp - (uintptr_t)stack < sizeof(stack), "SA_ONSTACK uses it");
	check(inside.ss_flags == SS_ONSTACK, "within, it is in use");
	sigaltstack(NULL, &old);
	check(old.ss_sp == stack && old.ss_flags == 0, "afterwards it is not");
	ss.ss_flags = SS_DISABLE;
	sigaltstack(&ss, NULL);
	handle(SIGUSR1, where, SA_ONSTACK);
	raise(SIGUSR1);
	check(handler_sp - (uintptr_t)stack >= sizeof(stack),
	    "without it the handler runs where it is");
	ss.ss_flags = 0;
	ss.ss_size = 100;
	check(sigaltstack(&ss, NULL) == -1 && errno == ENOMEM, "too small a stack is refused");
}

/* Recurses until the stack ends; the handler is on the other one. */
static __attribute__((noinline)) int recurse(volatile char *p)
{
	static volatile int never;
	volatile char frame[4096];

	frame[0] = *p + 1;
	if (never)
		return 0;
	return recurse(frame) + frame[0];
}

static void *overflow(void *arg)
{
	static char stack[65536];
	stack_t ss = {.ss_sp = stack, .ss_size = sizeof(stack)};
	struct sigaction sa = {.sa_handler = leave, .sa_flags = SA_ONSTACK};
	volatile char c = 0;

	sigaltstack(&ss, NULL);
	sigaction(SIGSEGV, &sa, NULL);
	if (sigsetjmp(jump, 1) == 0)
		return (void *)(long)recurse(&c);
	signal(SIGSEGV, SIG_DFL);
	ss.ss_flags = SS_DISABLE;
	sigaltstack(&ss, NULL);
	return (void *)1;
}

static void *send_later(void *arg)
{
	usleep(50000);
	pthread_kill(*(pthread_t *)arg, SIGUSR1);
	return NULL;
}

static void test_interrupt(void)
{
	pthread_t self = pthread_self(), t;
	int fds[2];
	char c;
	long n;

	if (pipe(fds) != 0)
		return check(0, "pipe");
	handle(SIGUSR1, count, 0);
	pthread_create(&t, NULL, send_later, &self);
	n = read(fds[0], &c, 1);
	check(n == -1 && errno == EINTR && hits == 1, "a read is broken with EINTR");
	pthread_join(t, NULL);

	handle(SIGUSR1, count, SA_RESTART);
	pthread_create(&t, NULL, send_later, &self);
	struct pollfd pfd = {fds[0], POLLIN, 0};
	n = poll(&pfd, 1, 5000);
	check(n == -1 && errno == EINTR && hits == 1, "poll is never restarted");
	pthread_join(t, NULL);

	pthread_create(&t, NULL, send_later, &self);
	struct timespec ts = {5, 0}, left = {0, 0};
	n = nanosleep(&ts, &left);
	check(n == -1 && errno == EINTR && left.tv_sec == 4, "nanosleep says what was left");
	pthread_join(t, NULL);
	close(fds[0]);
	close(fds[1]);
}

static int relay[2];

static void write_pipe(int signo)
{
	hits++;
	if (write(relay[1], "x", 1) != 1)
		hits = -100;
}

static void test_restart(void)
{
	struct itimerval it = {.it_value = {0, 50000}};
	char c = 0;

	if (pipe(relay) != 0)
		return check(0, "pipe");
	handle(SIGALRM, write_pipe, SA_RESTART);
	setitimer(ITIMER_REAL, &it, NULL);
	long n = read(relay[0], &c, 1);
	check(n == 1 && c == 'x' && hits == 1, "SA_RESTART runs the read again");
}

static void test_alarm(void)
{
	struct itimerval it = {{0, 20000}, {0, 20000}}, off = {0};
	long long t0 = now_ms();
	volatile unsigned long spins = 0;

	handle(SIGALRM, count, 0);
	alarm(1);
	while (!hits)
		spins++;
	check(now_ms() - t0 >= 990 && now_ms() - t0 < 3000,
	    "alarm breaks into a loop that makes no calls");
	hits = 0;
	t0 = now_ms();
	setitimer(ITIMER_REAL, &it, NULL);
	while (hits < 10)
		spins++;
	setitimer(ITIMER_REAL, &off, NULL);
	check(now_ms() - t0 >= 190 && now_ms() - t0 < 3000, "an interval timer, ten times");
	hits = 0;
	usleep(60000);
	check(hits == 0, "no more once it is off");
}

static void test_suspend(void)
{
	sigset_t usr1 = set_of(SIGUSR1), none, mask;
	struct itimerval it = {.it_value = {0, 50000}};
	struct timespec ts = {5, 0};

	sigemptyset(&none);
	handle(SIGUSR1, count, SA_RESTART);
	sigprocmask(SIG_BLOCK, &usr1, NULL);
	raise(SIGUSR1);
	long n = sigsuspend(&none);
	check(n == -1 && errno == EINTR && hits == 1, "sigsuspend takes what was blocked");
	sigprocmask(SIG_BLOCK, NULL, &mask);
	check(sigismember(&mask, SIGUSR1) == 1, "the mask is back after it");
	raise(SIGUSR1);
	n = pselect(0, NULL, NULL, NULL, &ts, &none);
	check(n == -1 && errno == EINTR && hits == 2, "pselect with a mask likewise");
	n = ppoll(NULL, 0, &(struct timespec){0, 1000000}, &none);
	check(n == 0 && hits == 2, "ppoll to its end");
	sigprocmask(SIG_BLOCK, NULL, &mask);
	check(sigismember(&mask, SIGUSR1) == 1, "the mask is back after both");
	sigprocmask(SIG_UNBLOCK, &usr1, NULL);
	handle(SIGALRM, count, 0);
	setitimer(ITIMER_REAL, &it, NULL);
	n = pause();
	check(n == -1 && errno == EINTR && hits == 1, "pause");
}

static void test_wait(void)
{
	sigset_t set = set_of(SIGUSR2);
	struct timespec brief = {0, 30000000}, zero = {0, 0};
	pthread_t self = pthread_self(), t;
	siginfo_t si;
	int sig = 0;

	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	check(sigtimedwait(&set, &si, &zero) == -1 && errno == EAGAIN,
	    "sigtimedwait with nothing there");
	check(sigtimedwait(&set, &si, &brief) == -1 && errno == EAGAIN, "and after a while");
	raise(SIGUSR2);
	check(sigwaitinfo(&set, &si) == SIGUSR2 && si.si_signo == SIGUSR2 && si.si_pid == getpid(),
	    "sigwaitinfo");
	pthread_create(&t, NULL, send_later, &self);
	check(sigwait(&set, &sig) == 0 && sig == SIGUSR1, "sigwait sleeps for it");
	pthread_join(t, NULL);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
}

static void test_signalfd(void)
{
	sigset_t set = set_of(SIGUSR1);
	struct signalfd_siginfo si;
	pthread_t self = pthread_self(), t;
	struct pollfd pfd = {.events = POLLIN};

	sigprocmask(SIG_BLOCK, &set, NULL);
	pfd.fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	check(read(pfd.fd, &si, sizeof(si)) == -1 && errno == EAGAIN, "signalfd: nothing there");
	check(poll(&pfd, 1, 0) == 0, "signalfd is not ready");
	raise(SIGUSR1);
	check(poll(&pfd, 1, 0) == 1 && pfd.revents == POLLIN, "signalfd is ready");
	check(read(pfd.fd, &si, sizeof(si)) == sizeof(si) && si.ssi_signo == SIGUSR1,
	    "signalfd is read");
	(void)t;
	(void)self;
	alarm(0);
	kill(getpid(), SIGUSR1);
	check(poll(&pfd, 1, 5000) == 1 && read(pfd.fd, &si, sizeof(si)) == sizeof(si),
	    "signalfd with kill");
	close(pfd.fd);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
}

static void test_timers(void)
{
	struct itimerspec it = {{0, 20000000}, {0, 20000000}}, got;
	struct sigevent ev = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
	uint64_t n = 0;
	timer_t timer;
	int fd;

	handle(SIGUSR1, count, 0);
	check(timer_create(CLOCK_MONOTONIC, &ev, &timer) == 0, "timer_create");
	timer_settime(timer, 0, &it, NULL);
	long long t0 = now_ms();
	while (hits < 5 && now_ms() - t0 < 5000)
		continue;
	timer_gettime(timer, &got);
	check(hits >= 5 && now_ms() - t0 >= 95, "a POSIX timer sends its signal");
	check(got.it_interval.tv_nsec == 20000000 && got.it_value.tv_nsec <= 20000000,
	    "timer_gettime");
	check(timer_delete(timer) == 0, "timer_delete");

	fd = timerfd_create(CLOCK_MONOTONIC, 0);
	timerfd_settime(fd, 0, &it, NULL);
	t0 = now_ms();
	check(read(fd, &n, sizeof(n)) == sizeof(n) && n >= 1 && now_ms() - t0 >= 19, "timerfd");
	usleep(70000);
	check(read(fd, &n, sizeof(n)) == sizeof(n) && n >= 3, "timerfd counts");
	close(fd);
}

/* A timer's signal is pending once, whatever the period; what it missed is counted. */
static void test_timer_overrun(void)
{
	struct itimerspec often = {{0, 1000000}, {0, 1000000}}, nano = {{0, 1}, {0, 1}};
	struct itimerspec off = {{0, 0}, {0, 0}};
	struct sigevent ev = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN + 1};
	struct timespec none = {0, 0};
	long long t0;
	siginfo_t si;
	sigset_t set;
	timer_t timer;
	long n = 0;

	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN + 1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	timer_create(CLOCK_MONOTONIC, &ev, &timer);
	timer_settime(timer, 0, &often, NULL);
	usleep(100000);
	check(sigtimedwait(&set, &si, &none) == SIGRTMIN + 1 && si.si_overrun > 50 &&
		  timer_getoverrun(timer) == si.si_overrun,
	    "a timer counts what its pending signal missed");
	timer_settime(timer, 0, &nano, NULL);
	for (t0 = now_ms(); now_ms() - t0 < 200;)
		n += sigtimedwait(&set, &si, &none) == SIGRTMIN + 1 && si.si_overrun > 0;
	timer_settime(timer, 0, &off, NULL);
	check(n > 2, "a period of a nanosecond leaves the program time");
	while (sigtimedwait(&set, &si, &none) > 0)
		continue;
	timer_settime(timer, 0, &often, NULL);
	usleep(50000);
	for (n = 0; n < 20 && sigtimedwait(&set, &si, &none) > 0; n++)
		continue;
	check(n >= 1 && n < 10, "a timer's real-time signal is pending once");
	timer_delete(timer);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
}

static void thread_event(union sigval v)
{
	__atomic_add_fetch((int *)v.sival_ptr, 1, __ATOMIC_SEQ_CST);
}

static void test_timer_thread(void)
{
	static int fired;
	struct itimerspec it = {{0, 0}, {0, 20000000}};
	struct sigevent ev = {.sigev_notify = SIGEV_THREAD, .sigev_notify_function = thread_event};
	timer_t timer;

	ev.sigev_value.sival_ptr = &fired;
	if (timer_create(CLOCK_REALTIME, &ev, &timer) != 0)
		return check(0, "timer_create with SIGEV_THREAD");
	timer_settime(timer, 0, &it, NULL);
	for (int i = 0; i < 100 && !fired; i++)
		usleep(10000);
	check(fired == 1, "a timer that calls a function in a thread");
	timer_delete(timer);
}

static volatile int running = 1;

static void *spin(void *arg)
{
	while (running)
		++*(volatile long *)arg;
	return NULL;
}

static void stop(int signo)
{
	running = 0;
}

static void test_spinning_thread(void)
{
	static long n;
	pthread_t t;

	handle(SIGUSR2, stop, 0);
	pthread_create(&t, NULL, spin, &n);
	usleep(20000);
	pthread_kill(t, SIGUSR2);
	pthread_join(t, NULL);
	check(1, "a signal stops a thread that spins");
}

/* Signals as fast as they come, while the thread computes: nothing may be damaged. */
static void test_storm(void)
{
	struct itimerval it = {{0, 1000}, {0, 1000}}, off = {0};
	double sum = 0, expect = 0;
	long long t0;
	int rounds = 0, bad = 0;

	handle(SIGALRM, count, 0);
	setitimer(ITIMER_REAL, &it, NULL);
	for (t0 = now_ms(); now_ms() - t0 < 1000; rounds++) {
		sum = expect = 0;
		for (int i = 0; i < 1000; i++) {
			sum += i * 0.5;
			__asm__ volatile("" : "+x"(sum));
		}
		for (int i = 999; i >= 0; i--) {
			expect += i * 0.5;
			__asm__ volatile("" : "+x"(expect));
		}
		bad += sum != expect;
	}
	setitimer(ITIMER_REAL, &off, NULL);
	check(bad == 0 && hits > 20, "a storm of signals damages no computation");
}

int main(void)
{
	pthread_attr_t attr;
	pthread_t t;
	void *result = NULL;

	test_handlers();
	test_nesting();
	test_queue();
	test_fault();
	test_jump();
	test_altstack();
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 131072);
	pthread_create(&t, &attr, overflow, NULL);
	pthread_join(t, &result);
	check(result == (void *)1, "a stack overflow is handled on the alternate stack");
	test_interrupt();
	test_restart();
	test_alarm();
	test_suspend();
	test_wait();
	test_signalfd();
	test_timers();
	test_timer_overrun();
	test_timer_thread();
	test_spinning_thread();
	test_storm();
	return failures != 0;
}
