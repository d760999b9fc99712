/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A process: a running program of the image, with its lwps and what is its own: descriptors,
 * signal actions, current directory.  All processes share one address space.
 *
 * proc_first is the first: what the image starts with.  It has number 1, its end is that of the
 * machine, and kernel lwps count among its own.  Others exist only in images that have kern/exec.
 *
 * Field legend: (p) proc_lock, (c) constant after creation, (a) atomic.
 */
#ifndef KERN_PROC_H
#define KERN_PROC_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/types.h>
#include <kern/lwp.h>

struct fdtable;
struct program;
struct sigproc;
struct vnode;

struct proc {
	int p_pid;	  /* (c) the first of its thread ids */
	unsigned p_nlwps; /* (p) program lwps that live */
	int p_status;	  /* (p) exit status if all lwps end: what the first one said */
	struct lwp *volatile p_exiting; /* (a) the lwp that ends it */
	uint64_t p_cputime;		/* (p) of lwps that have ended */
	struct fdtable *p_fd;		/* (c) kern/desc's */
	struct sigproc *p_sig;		/* (c) kern/signal's */
};

extern struct proc proc_first;

/* The process of the running lwp. */
#define curproc (curlwp->l_proc)

/* What gethostname(2) says, of kern/proc.  Changes by sethostname(2) only, under proc_lock. */
const char *proc_hostname(void);

#endif
