/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Processes beside the calling one: kern/exec has them, in images of several programs.  In others
 * there is nothing to start and nobody to wait for.
 */
#include <sys/resource.h>
#include <sys/wait.h>
#include <kern/cpu.h>
#include <kern/ktime.h>
#include <kern/proc.h>
#include <kern/sysproto.h>
#include <kern/systm.h>

long do_sys_kiln_vfork(void (*entry)(void *), void *stack, size_t keep)
{
	static bool said;

	if (exec_vfork != NULL)
		return exec_vfork(entry, stack, keep);
	if (!__atomic_exchange_n(&said, true, __ATOMIC_RELAXED))
		kprintf("kiln: vfork: this image has one program (kiln bake takes several)\n");
	return sysret(ENOSYS, 0);
}

long do_sys_execve(const char *path, char *const *argv, char *const *envp)
{
	return sysret(exec_execve != NULL ? exec_execve(path, argv, envp) : ENOENT, 0);
}

static int put_rusage(const struct exec_child *c, struct rusage *uru)
{
	struct rusage ru;

	if (uru == NULL)
		return 0;
	memset(&ru, 0, sizeof(ru));
	ru.ru_utime.tv_sec = (time_t)(c->ec_cputime / NSEC_PER_SEC);
	ru.ru_utime.tv_usec = (suseconds_t)(c->ec_cputime % NSEC_PER_SEC / 1000);
	return copyout(&ru, uru, offsetof(struct rusage, ru_nivcsw) + sizeof(ru.ru_nivcsw));
}

/* Every process is a group of its own, so a group is a process; 0 is our own, without children. */
long do_sys_wait4(pid_t pid, int *status, int options, struct rusage *ru)
{
	struct exec_child c;
	int error;

	if (options &
	    ~(WNOHANG | WUNTRACED | WCONTINUED | 0x20000000 | 0x40000000 | (int)0x80000000))
		return sysret(EINVAL, 0);
	if (exec_wait == NULL)
		return sysret(ECHILD, 0);
	error = exec_wait(pid < -1 ? -pid : pid == 0 ? -1 : pid, options & WNOHANG, true, &c);
	if (error == 0 && c.ec_pid != 0 && status != NULL)
		error = copyout(&c.ec_wait, status, sizeof(c.ec_wait));
	if (error == 0 && c.ec_pid != 0)
		error = put_rusage(&c, ru);
	return sysret(error, c.ec_pid);
}

long do_sys_waitid(int which, pid_t id, siginfo_t *uinfo, int options, struct rusage *ru)
{
	struct exec_child c;
	siginfo_t info;
	int error;

	if ((options & (WEXITED | WSTOPPED | WCONTINUED)) == 0 ||
	    (which != P_ALL && which != P_PID && which != P_PGID))
		return sysret(EINVAL, 0);
	if (exec_wait == NULL)
		return sysret(ECHILD, 0);
	error = exec_wait(
	    which == P_ALL || id == 0 ? -1 : id, options & WNOHANG, !(options & WNOWAIT), &c);
	if (error != 0)
		return sysret(error, 0);
	memset(&info, 0, sizeof(info));
	if (c.ec_pid != 0) {
		int signo = c.ec_wait & 0x7f;

		info.si_signo = SIGCHLD;
		info.si_pid = c.ec_pid;
		info.si_code = signo == 0 ? CLD_EXITED : c.ec_wait & 0x80 ? CLD_DUMPED : CLD_KILLED;
		info.si_status = signo != 0 ? signo : c.ec_wait >> 8;
	}
	if (uinfo != NULL)
		error = copyout(&info, uinfo, sizeof(info));
	if (error == 0 && c.ec_pid != 0)
		error = put_rusage(&c, ru);
	return sysret(error, 0);
}
