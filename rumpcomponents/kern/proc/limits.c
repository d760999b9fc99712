/* SPDX-License-Identifier: BSD-2-Clause */
/* Resource limits, usage, and the machine in figures. */
#include <sys/resource.h>
#include <sys/sysinfo.h>
#include <kern/cpu.h>
#include <kern/file.h>
#include <kern/kmem.h>
#include <kern/ktime.h>
#include <kern/proc.h>
#include <kern/sysproto.h>
#include <kern/systm.h>

#define NLIMITS 16

#pragma weak fd_limit /* a program without descriptors */

/* Kept for the program to read, but for RLIMIT_NOFILE; what is enforced is enforced by the memory
 * there is. */
static struct rlimit limits[NLIMITS] = {
    [RLIMIT_CPU... RLIMIT_DATA] = {RLIM_INFINITY, RLIM_INFINITY},
    [RLIMIT_STACK] = {8UL << 20, RLIM_INFINITY},
    [RLIMIT_CORE] = {0, 0},
    [RLIMIT_RSS... RLIMIT_NPROC] = {RLIM_INFINITY, RLIM_INFINITY},
    [RLIMIT_NOFILE] = {FD_LIMIT, FD_MAX},
    [RLIMIT_MEMLOCK... NLIMITS - 1] = {RLIM_INFINITY, RLIM_INFINITY},
};

static int get_limit(int resource, struct rlimit *limit)
{
	if (resource < 0 || resource >= NLIMITS)
		return EINVAL;
	return limit != NULL ? copyout(&limits[resource], limit, sizeof(*limit)) : 0;
}

static int set_limit(int resource, const struct rlimit *limit)
{
	struct rlimit new;
	int error;

	if (resource < 0 || resource >= NLIMITS)
		return EINVAL;
	error = copyin(limit, &new, sizeof(new));
	if (error != 0)
		return error;
	if (new.rlim_cur > new.rlim_max)
		return EINVAL;
	if (resource == RLIMIT_NOFILE && new.rlim_max > limits[resource].rlim_max)
		return EPERM;
	limits[resource] = new;
	if (resource == RLIMIT_NOFILE && &fd_limit)
		fd_limit = (int)new.rlim_cur;
	return 0;
}

long do_sys_getrlimit(int resource, struct rlimit *limit)
{
	return sysret(get_limit(resource, limit), 0);
}

long do_sys_setrlimit(int resource, const struct rlimit *limit)
{
	return sysret(set_limit(resource, limit), 0);
}

long do_sys_prlimit64(pid_t pid, int resource, const struct rlimit *limit, struct rlimit *olimit)
{
	int error;

	if (pid != 0 && pid != curproc->p_pid)
		return sysret(ESRCH, 0);
	error = get_limit(resource, olimit);
	if (error == 0 && limit != NULL)
		error = set_limit(resource, limit);
	return sysret(error, 0);
}

long do_sys_getrusage(int who, struct rusage *ru)
{
	struct kmem_stats ks;
	struct rusage r;
	uint64_t ns = 0;

	/* Linux's structure ends with ru_nivcsw; libc's has room behind that it does not fill. */
	memset(&r, 0, sizeof(r));
	if (who == RUSAGE_THREAD) {
		ns = lwp_cputime(curlwp);
	} else if (who == RUSAGE_SELF) {
		ns = proc_cputime();
	} else if (who != RUSAGE_CHILDREN) {
		return sysret(EINVAL, 0);
	}
	r.ru_utime.tv_sec = (time_t)(ns / NSEC_PER_SEC);
	r.ru_utime.tv_usec = (suseconds_t)(ns % NSEC_PER_SEC / 1000);
	if (who != RUSAGE_CHILDREN) {
		kmem_stats(&ks);
		r.ru_maxrss = (long)((ks.ks_pages_total - ks.ks_pages_free) * (PAGE_SIZE / 1024));
	}
	return sysret(copyout(&r, ru, offsetof(struct rusage, ru_nivcsw) + sizeof(r.ru_nivcsw)), 0);
}

long do_sys_sysinfo(struct sysinfo *info)
{
	struct kmem_stats ks;
	struct sysinfo si;
	struct lwp *l;

	memset(&si, 0, sizeof(si));
	kmem_stats(&ks);
	si.uptime = (unsigned long)(nanouptime() / NSEC_PER_SEC);
	si.totalram = ks.ks_pages_total * PAGE_SIZE;
	si.freeram = ks.ks_pages_free * PAGE_SIZE;
	si.mem_unit = 1;
	mutex_enter(&proc_lock);
	TAILQ_FOREACH (l, &alllwp, l_list)
		si.procs += !l->l_kernel;
	mutex_exit(&proc_lock);
	/* Linux's structure has 112 bytes. */
	return sysret(copyout(&si, info, KMIN(sizeof(si), 112)), 0);
}
