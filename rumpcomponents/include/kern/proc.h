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

struct cwdinfo;
struct fdtable;
struct itimer;
struct program;
struct rumpuser_trapframe;
struct sigproc;

struct proc {
	int p_pid;	  /* (c) the first of its thread ids */
	unsigned p_nlwps; /* (p) program lwps that live */
	int p_status;	  /* (p) exit status if all lwps end: what the first one said */
	struct lwp *volatile p_exiting; /* (a) the lwp that ends it */
	uint64_t p_cputime;		/* (p) of lwps that have ended */
	struct fdtable *p_fd;		/* (c) kern/desc's */
	struct sigproc *p_sig;		/* (c) kern/signal's */
	struct cwdinfo *p_cwd;		/* (c) vfs/vfs's; NULL: the first process's */
	struct itimer *p_itimers;	/* (c) kern/time's; NULL: the first process's */
	uintptr_t p_brk, p_brk_end;	/* kern/mmap's */
	volatile uint32_t p_brk_busy;

	/* kern/exec's */
	TAILQ_ENTRY(proc) p_list;   /* (p) all but the first */
	struct proc *p_parent;	    /* (p) NULL: nobody waits for it */
	struct program *p_program;  /* (p) what it runs; NULL before its first execve */
	volatile bool *p_vforkdone; /* (p) its parent's, whose memory it uses; NULL: no more */
	bool p_zombie;		    /* (p) has ended; p_wait says how */
	int p_wait;		    /* (p) status as wait4(2) has it */
};

extern struct proc proc_first;

/* The process of the running lwp. */
#define curproc (curlwp->l_proc)

/* What gethostname(2) says, of kern/proc.  Changes by sethostname(2) only, under proc_lock. */
const char *proc_hostname(void);

/*
 * What components do when processes come and go, each for what it keeps of them.  All are called
 * by kern/exec: test the address before.
 *
 * fork: for new, which copies the calling process; ENOMEM.  exit: p ends, its lwps have, but for
 * the calling one; or its fork failed.  exec: the calling process goes on with another program.
 */
int fd_proc_fork(struct proc *new) __attribute__((weak));
void fd_proc_exit(struct proc *p) __attribute__((weak));
void fd_proc_exec(void) __attribute__((weak));
int sig_proc_fork(struct proc *new) __attribute__((weak));
void sig_proc_exit(struct proc *p) __attribute__((weak));
void sig_proc_exec(void) __attribute__((weak));
int time_proc_fork(struct proc *new) __attribute__((weak));
void time_proc_exit(struct proc *p) __attribute__((weak));
void time_proc_exec(void) __attribute__((weak));
int vfs_proc_fork(struct proc *new) __attribute__((weak));
void vfs_proc_exit(struct proc *p) __attribute__((weak));
/* A child has ended: SIGCHLD.  true: the parent does not want to wait for it. */
bool sig_proc_child(struct proc *parent, const struct proc *child) __attribute__((weak));

/*
 * kern/exec, absent in images of one program.  find: the process with that number, or NULL;
 * proc_lock held.
 *
 * vfork: a child begins in program mode at entry(stack), in the parent's memory; the parent sleeps
 * until it has called execve or ended.  The `keep` bytes of stack (at most EXEC_KEEP) above the
 * parent's system call are then put back as they were.  The child's number or a negative errno.
 *
 * execve returns only errors.  wait: for child pid, or any (-1); reap: it is gone then.  With
 * nohang, ec_pid is 0 if none has ended.  ECHILD EINTR ERESTART.
 */
#define EXEC_KEEP 128
struct exec_child {
	int ec_pid, ec_wait; /* wait4(2)'s status */
	uint64_t ec_cputime; /* ns */
};
struct proc *exec_find(int pid) __attribute__((weak));
long exec_vfork(void (*entry)(void *), void *stack, size_t keep) __attribute__((weak));
int exec_execve(const char *path, char *const *argv, char *const *envp) __attribute__((weak));
int exec_wait(int pid, bool nohang, bool reap, struct exec_child *c) __attribute__((weak));
/*
 * Set by kern/exec, NULL without.  leave: the end of the calling process; returns if it is the
 * first, whose end is the machine's.  boot: where the program that is to run begins.
 */
extern void (*proc_leave)(const struct rumpuser_trapframe *tf, int signo, int status);
extern uintptr_t (*proc_boot)(void);

/*
 * The first stack of a program, made in the calling process: begin, add the strings of argv and
 * then those of the environment, end.  end returns the stack pointer to start with.
 * ENOMEM; E2BIG.
 */
struct base_args {
	char *at, *end;	      /* where the next string goes, and room ends */
	uintptr_t base, size; /* the address range of the stack */
};
int base_args_begin(struct base_args *a);
int base_args_add(struct base_args *a, const char *str);
uintptr_t base_args_end(const struct base_args *a, unsigned argc, unsigned envc, uintptr_t entry);
/* Go on as the program: the calling lwp is its first thread, called after it. */
void base_enter_program(const char *name, uintptr_t entry, uintptr_t sp) __attribute__((noreturn));

#endif
