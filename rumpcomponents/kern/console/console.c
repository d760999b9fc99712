/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The console as a file.  It says it is a terminal, so that libc writes it line by line:
 * a server's log is to appear when it is written.  Input is raw: no line
 * editing, carriage return becomes newline, end of input is not known.
 */
#include <rumpuser.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <kern/component.h>
#include <kern/console.h>
#include <kern/file.h>
#include <kern/poll.h>
#include <kern/softint.h>
#include <kern/systm.h>

#define CHUNK	   256
#define INPUT_SIZE 256 /* a power of two */

static struct {
	kmutex_t lock;
	kcondvar_t wait;
	struct selinfo sel;
	struct softint *softint; /* NULL until somebody reads */
	unsigned head, tail;	 /* running indices into buf */
	char buf[INPUT_SIZE];
} input;

/* Move what the platform has into the buffer; lock held. */
static void fill(void)
{
	size_t room = INPUT_SIZE - (input.head - input.tail), n;
	char buf[32];

	while (room > 0) {
		n = rumpuser_console_read(buf, KMIN(room, sizeof(buf)));
		if (n == 0)
			break;
		for (size_t i = 0; i < n; i++)
			input.buf[input.head++ % INPUT_SIZE] = buf[i] == '\r' ? '\n' : buf[i];
		room -= n;
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
	while (!error && input.head == input.tail) {
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
		mutex_exit(&input.lock);
	}
	return ready & events;
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

static const struct fileops console_ops = {
    .fo_read = console_read,
    .fo_write = console_write,
    .fo_poll = console_poll,
    .fo_ioctl = console_ioctl,
    .fo_stat = console_stat,
};

int console_open(int flags, struct file **fpp)
{
	return file_alloc(&console_ops, DTYPE_CONSOLE, flags, NULL, fpp);
}

static int console_init(void)
{
	struct file *fp;
	int fd, error;

	mutex_init(&input.lock, MUTEX_DEFAULT);
	cv_init(&input.wait, "console");
	error = console_open(O_RDWR, &fp);
	for (int i = 0; i < 3 && !error; i++) {
		if (i > 0)
			file_ref(fp);
		error = fd_alloc(fp, 0, false, &fd);
	}
	return error;
}
RUMP_COMPONENT(console, RUMP_PHASE_VFS, console_init);
