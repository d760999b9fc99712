/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Confinement.  From hosted_seccomp() on, in all threads, these twelve calls
 * of the host are possible and any other kills the process (SIGSYS):
 *
 *   ppoll, timer_settime, clock_gettime, getrandom, exit_group, rt_sigreturn
 *   readv       from the console and the network
 *   writev      to the console, the network and the status descriptor
 *   tgkill      to this process
 *   rt_sigaction  without asking for the old action
 *   mmap        at fixed addresses, of the memfd or nothing, never executable
 *   mprotect    never to executable
 *
 * and arch_prctl, for the segment bases, on a CPU without FSGSBASE.
 * hosted.exec lifts "never executable", for programs that generate code.
 */
#include <asm/prctl.h>
#include <linux/audit.h>
#include <linux/errno.h>
#include <linux/filter.h>
#include <linux/mman.h>
#include <linux/prctl.h>
#include <linux/seccomp.h>

#include "hosted.h"
#include "syscall.h"

#define FILTER_MAX  96
#define DATA(field) ((uint32_t)offsetof(struct seccomp_data, field))

static struct sock_filter filter[FILTER_MAX];
static unsigned nfilter;

static void emit(unsigned code, unsigned jt, unsigned jf, uint32_t k)
{
	if (nfilter == FILTER_MAX)
		hosted_die("the seccomp filter is too long", 0);
	filter[nfilter++] = (struct sock_filter){(uint16_t)code, (uint8_t)jt, (uint8_t)jf, k};
}

static void emit_kill(void)
{
	emit(BPF_RET | BPF_K, 0, 0, SECCOMP_RET_KILL_PROCESS);
}

static void load_arg(unsigned n)
{
	emit(BPF_LD | BPF_W | BPF_ABS, 0, 0, DATA(args[0]) + 8 * n); /* the low half: all are int */
}

/* A rule is what stands between rule_begin() and rule_end(); requirements that fail kill. */
static unsigned rule_begin(uint32_t nr)
{
	emit(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, nr);
	return nfilter;
}

static void rule_end(unsigned begin)
{
	emit(BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW);
	filter[begin - 1].jf = (uint8_t)(nfilter - begin);
}

static void require_clear(unsigned arg, uint32_t bits)
{
	load_arg(arg);
	emit(BPF_JMP | BPF_JSET | BPF_K, 0, 1, bits);
	emit_kill();
}

static void require_set(unsigned arg, uint32_t bits)
{
	load_arg(arg);
	emit(BPF_JMP | BPF_JSET | BPF_K, 1, 0, bits);
	emit_kill();
}

static void require_one_of(unsigned arg, const int *values, unsigned n)
{
	load_arg(arg);
	for (unsigned i = 0; i < n; i++)
		emit(BPF_JMP | BPF_JEQ | BPF_K, n - i, 0, (uint32_t)values[i]);
	emit_kill();
}

static void allow(uint32_t nr)
{
	rule_end(rule_begin(nr));
}

static void allow_for(uint32_t nr, unsigned arg, const int *values, unsigned n)
{
	unsigned rule = rule_begin(nr);

	require_one_of(arg, values, n);
	rule_end(rule);
}

static void build(void)
{
	const struct hosted_config *hc = &hosted_config;
	const int none = 0;
	const int in[] = {0, hc->netfd >= 0 ? hc->netfd : 0};
	const int out[] = {
	    1, 2, hc->netfd >= 0 ? hc->netfd : 1, hc->statusfd >= 0 ? hc->statusfd : 1};
	const int maps[] = {hosted_memfd, -1};
	const int bases[] = {ARCH_SET_FS, ARCH_SET_GS};
	unsigned rule;

	emit(BPF_LD | BPF_W | BPF_ABS, 0, 0, DATA(arch));
	emit(BPF_JMP | BPF_JEQ | BPF_K, 1, 0, AUDIT_ARCH_X86_64);
	emit_kill();
	emit(BPF_LD | BPF_W | BPF_ABS, 0, 0, DATA(nr));
	/* The frequent ones first. */
	allow_for(__NR_writev, 0, out, 4);
	allow_for(__NR_readv, 0, in, 2);
	allow(__NR_ppoll);
	allow(__NR_rt_sigreturn);
	allow(__NR_timer_settime);
	allow(__NR_clock_gettime);
	allow_for(__NR_tgkill, 0, &hosted_pid, 1);
	rule = rule_begin(__NR_mmap);
	if (!hc->exec)
		require_clear(2, PROT_EXEC);
	require_set(3, MAP_FIXED);
	require_one_of(4, maps, 2);
	rule_end(rule);
	rule = rule_begin(__NR_mprotect);
	if (!hc->exec)
		require_clear(2, PROT_EXEC);
	rule_end(rule);
	if (!hosted_fsgsbase)
		allow_for(__NR_arch_prctl, 0, bases, 2);
	allow(__NR_getrandom);
	allow_for(__NR_rt_sigaction, 2, &none, 1);
	allow(__NR_exit_group);
	emit_kill();
}

void hosted_seccomp(void)
{
	struct sock_fprog prog = {0, filter};
	long result;

	build();
	prog.len = (unsigned short)nfilter;
	result = host_syscall6(__NR_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0, 0);
	if (result == 0)
		result = host_syscall3(
		    __NR_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, (long)&prog);
	if (result != 0)
		hosted_die("the host does not let the process confine itself (seccomp)", result);
}
