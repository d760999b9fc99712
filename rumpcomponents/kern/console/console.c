/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The console as a file: descriptors 0, 1 and 2, and /dev/console.  Output says that it is a
 * terminal, so that libc writes it line by line: a server's log is to appear when it
 * is written.  Input depends on what the launcher has at its other end ("console.input"):
 *
 *   terminal  raw: no line editing, carriage return becomes newline, no end
 *   pipe      any bytes, and an end: DLE EOT; a DLE among the bytes comes doubled
 */
#include <rumpuser.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <kern/component.h>
#include <kern/config.h>
#include <kern/console.h>
#include <kern/file.h>
#include <kern/poll.h>
#include <kern/softint.h>
#include <kern/systm.h>

#define CHUNK	   256
#define INPUT_SIZE 256 /* a power of two */
#define DLE	   0x10
#define EOT	   0x04

static struct {
	kmutex_t lock;
	kcondvar_t wait;
	struct selinfo sel;
	struct softint *softint; /* NULL until somebody reads */
	enum { UNKNOWN, TERMINAL, PIPE } kind;
	bool escaped, ended; /* PIPE: a DLE came; DLE EOT came */
	unsigned head, tail; /* running indices into buf */
	char buf[INPUT_SIZE];
} input;

CONFIG_KEY(console_input, "console.input", CONFIG_STRING);

static bool is_pipe(void)
{
	const char *s;

	if (input.kind == UNKNOWN) {
		s = config_string("console.input");
		input.kind = s && strcmp(s, "pipe") == 0 ? PIPE : TERMINAL;
		if (s && input.kind == TERMINAL && strcmp(s, "terminal") != 0)
			config_complain("console.input", s, "\"terminal\" or \"pipe\"");
	}
	return input.kind == PIPE;
}

/* A byte came over the line; lock held. */
static void take(char c)
{
	if (!is_pipe()) {
		input.buf[input.head++ % INPUT_SIZE] = c == '\r' ? '\n' : c;
		return;
	}
	if (input.ended)
		return;
	if (!input.escaped && c == DLE) {
		input.escaped = true;
		return;
	}
	if (input.escaped && c == EOT)
		input.ended = true;
	else
		input.buf[input.head++ % INPUT_SIZE] = c;
	input.escaped = false;
}

/* Move what the platform has into the buffer; lock held. */
static void fill(void)
{
	size_t n;
	char buf[32];

	while ((n = KMIN(INPUT_SIZE - (input.head - input.tail), sizeof(buf))) > 0) {
		n = rumpuser_console_read(buf, n);
		if (n == 0)
			break;
		for (size_t i = 0; i < n; i++)
			take(buf[i]);
	}
}

static void input_softint(void *arg)
{
	mutex_enter(&input.lock);
	fill();
	cv_broadcast(&input.wait);
	mutex_exit(&input.lock);
	selnotify(&input.sel, POLLIN);
}

static void input_interrupt(void *arg)
{
	softint_schedule(input.softint);
}

/* The first reader turns interrupts of the console on; lock held. */
static int listen(void)
{
	if (input.softint)
		return 0;
	input.softint = softint_establish(input_softint, NULL);
	if (!input.softint)
		return ENOMEM;
	return intr_establish(RUMPUSER_IRQ_CONSOLE, input_interrupt, NULL);
}

static int console_read(struct file *fp, int64_t *offset, struct uio *uio)
{
	char buf[64];
	size_t n = 0;
	int error;

	mutex_enter(&input.lock);
	error = listen();
	fill();
	while (!error && input.head == input.tail && !input.ended) {
		error = fp->f_flags & O_NONBLOCK ? EAGAIN : cv_wait_sig(&input.wait, &input.lock);
		fill();
	}
	while (!error && n < sizeof(buf) && n < uio->uio_resid && input.tail != input.head)
		buf[n++] = input.buf[input.tail++ % INPUT_SIZE];
	mutex_exit(&input.lock);
	return error ? error : uiomove(buf, n, uio);
}

static int console_write(struct file *fp, int64_t *offset, struct uio *uio)
{
	char buf[CHUNK];
	int error = 0;

	while (uio->uio_resid > 0 && !error) {
		size_t n = KMIN(uio->uio_resid, sizeof(buf));
		error = uiomove(buf, n, uio);
		if (!error)
			rumpuser_console_write(buf, n);
	}
	return error;
}

static int console_poll(struct file *fp, int events, struct polltable *pt)
{
	int ready = POLLOUT | POLLWRNORM;

	if (events & (POLLIN | POLLRDNORM)) {
		poll_record(pt, &input.sel);
		mutex_enter(&input.lock);
		(void)listen();
		fill();
		if (input.head != input.tail)
			ready |= POLLIN | POLLRDNORM;
		if (input.ended)
			ready |= POLLHUP;
		mutex_exit(&input.lock);
	}
	return ready & (events | POLLHUP);
}

static int console_ioctl(struct file *fp, unsigned long cmd, void *data)
{
	struct winsize ws = {.ws_row = 24, .ws_col = 80};
	struct termios tio = {.c_iflag = ICRNL,
	    .c_oflag = OPOST | ONLCR,
	    .c_cflag = CS8 | CREAD | B38400,
	    .c_lflag = ISIG | ICANON | ECHO};
	int n;

	switch (cmd) {
	case TIOCGWINSZ:
		return copyout(&ws, data, sizeof(ws));
	case TCGETS: /* the kernel's structure ends before libc's speeds: 36 bytes */
		return copyout(&tio, data, 36);
	case TCSETS:
	case TCSETSW:
	case TCSETSF:
	case TIOCSWINSZ:
		return 0;
	case FIONREAD:
		n = (int)(input.head - input.tail);
		return copyout(&n, data, sizeof(n));
	}
	return ENOTTY;
}

static int console_stat(struct file *fp, struct stat *st)
{
	st->st_mode = S_IFCHR | 0620;
	st->st_nlink = 1;
	st->st_rdev = 5 << 8 | 1; /* Linux's /dev/console */
	st->st_blksize = 1024;
	return 0;
}

/* Descriptor 0, which alone shows what the input is. */
static int input_ioctl(struct file *fp, unsigned long cmd, void *data)
{
	return is_pipe() && cmd != FIONREAD ? ENOTTY : console_ioctl(fp, cmd, data);
}

static int input_stat(struct file *fp, struct stat *st)
{
	if (!is_pipe())
		return console_stat(fp, st);
	st->st_mode = S_IFIFO | 0600;
	st->st_nlink = 1;
	st->st_blksize = INPUT_SIZE;
	return 0;
}

static const struct fileops console_ops = {
    .fo_read = console_read,
    .fo_write = console_write,
    .fo_poll = console_poll,
    .fo_ioctl = console_ioctl,
    .fo_stat = console_stat,
};

static const struct fileops input_ops = {
    .fo_read = console_read,
    .fo_write = console_write,
    .fo_poll = console_poll,
    .fo_ioctl = input_ioctl,
    .fo_stat = input_stat,
};

int console_open(int flags, struct file **fpp)
{
	return file_alloc(&console_ops, DTYPE_CONSOLE, flags, NULL, fpp);
}

static int console_init(void)
{
	struct file *in, *out;
	int fd, error;

	mutex_init(&input.lock, MUTEX_DEFAULT);
	cv_init(&input.wait, "console");
	error = file_alloc(&input_ops, DTYPE_CONSOLE, O_RDWR, NULL, &in);
	if (!error)
		error = console_open(O_RDWR, &out);
	if (error)
		return error;
	file_ref(out);
	error = fd_alloc(in, 0, false, &fd);
	if (!error)
		error = fd_alloc(out, 0, false, &fd);
	return error ? error : fd_alloc(out, 0, false, &fd);
}
RUMP_COMPONENT(console, RUMP_PHASE_VFS, console_init);
