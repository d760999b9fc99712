/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kern/exec's own.
 *
 * A PROGRAM of the image is text, constants, and one piece each of data and bss, all at addresses
 * fixed when the image was linked: so it runs once at a time.  Who runs it owns it (pr_owner).
 * The first start keeps a copy of its data, with which later ones make it as new.
 *
 * proc_lock guards the list of processes, who is whose child, who has ended, and who owns which
 * program.  exec_changed is for those who wait for any of that.
 */
#ifndef EXEC_IMPL_H
#define EXEC_IMPL_H

#include <kern/cpu.h>
#include <kern/mutex.h>
#include <kern/proc.h>
#include <kern/systm.h>

/* An entry of the table that bake makes; places are relative to the table's start. */
struct exec_entry {
	int32_t ee_start;
	int32_t ee_data;
	uint32_t ee_data_size;
	int32_t ee_bss;
	uint32_t ee_bss_size;
	char ee_name[32];
};

struct program {
	const struct exec_entry *pr_entry;
	struct proc *pr_owner; /* (p) */
	void *pr_fresh;	       /* (owner) its data as it was; NULL: not started yet */
};

extern struct program *exec_programs;
extern unsigned exec_nprograms;
extern kcondvar_t exec_changed;
TAILQ_HEAD(proclist, proc);
extern struct proclist exec_procs; /* (p) all but the first, the ended ones too */

/* exec.c.  The program that a path names, by its last part; NULL. */
struct program *exec_lookup(const char *path);
/* p is to run pr.  ETXTBSY: another process does. */
int exec_claim(struct program *pr, struct proc *p);
/* Nobody runs pr, which may be NULL, any more. */
void exec_disclaim(struct program *pr);
/* Make a program that is claimed as new.  ENOMEM. */
int exec_prepare(struct program *pr);
uintptr_t exec_start(const struct program *pr);

/* fork.c.  A copy of the calling process, without an lwp yet.  ENOMEM. */
int exec_fork(struct proc **pp);
/* Undo that. */
void exec_unfork(struct proc *p);
/* p's first lwp is l: p gets its number and is seen by others from now on. */
void exec_enter(struct proc *p, int pid, struct proc *parent);
/* p does not use its parent's memory any more. */
void exec_vfork_done(struct proc *p);

/* leave.c.  End the other lwps of the calling process; who else wants that meanwhile, ends, too. */
void exec_single(void);
void exec_proc_leave(const struct rumpuser_trapframe *tf, int signo, int status);

/* launch.c.  Run what the configuration's "programs" says, and end the machine. */
void exec_launch(void) __attribute__((noreturn));

#endif
