/* SPDX-License-Identifier: BSD-2-Clause */
/* Signals: a test says what is pending and sees what was sent. */
#include <kern/lwp.h>
#include <kern/signalvar.h>

#include "native_impl.h"

static __thread int pending;
static volatile int sent;

void native_signal(int error)
{
	pending = error;
}

int native_sent_signal(void)
{
	int signo = sent;

	sent = 0;
	return signo;
}

int sig_pending(struct lwp *l)
{
	return pending;
}

void sig_send_proc(int signo, const siginfo_t *info)
{
	sent = signo;
}

void sig_send_to(struct sigproc *sp, int signo, const siginfo_t *info)
{
	sent = signo;
}

void sig_send_lwp(struct lwp *l, int signo, const siginfo_t *info)
{
	sent = signo;
}
