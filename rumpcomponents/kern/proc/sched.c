/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Scheduling calls.  SCHED_FIFO and SCHED_RR have Linux's priorities 1..99, which share
 * the 64 levels that the scheduler has for them.
 */
#include <sched.h>
#include <sys/resource.h>
#include <kern/cpu.h>
#include <kern/ktime.h>
#include <kern/lwp.h>
#include <kern/sysproto.h>
#include <kern/systm.h>

#define RT_MAX	 99
#define SLICE_NS 10000000

static int nice_value;

long do_sys_sched_yield(void)
{
	lwp_yield();
	return 0;
}

/* The thread, with proc_lock held; NULL (not held) if there is none. */
static struct lwp *lock_thread(pid_t tid)
{
	struct lwp *l;

	mutex_enter(&proc_lock);
	l = tid == 0 ? curlwp : lwp_find(tid);
	if (l == NULL || l->l_kernel) {
		mutex_exit(&proc_lock);
		return NULL;
	}
	return l;
}

static int set_scheduler(pid_t tid, int policy, const struct sched_param *param)
{
	int priority, error;
	struct lwp *l;

	/* The rest of libc's structure is not Linux's. */
	error = copyin(&param->sched_priority, &priority, sizeof(priority));
	if (error != 0)
		return error;
	l = lock_thread(tid);
	if (l == NULL)
		return ESRCH;
	if (policy < 0)
		policy = l->l_policy;
	bool rt = policy == SCHED_FIFO || policy == SCHED_RR;
	if ((rt && (priority < 1 || priority > RT_MAX)) || (!rt && priority != 0) ||
	    (!rt && policy != SCHED_OTHER && policy != SCHED_BATCH && policy != SCHED_IDLE)) {
		error = EINVAL;
	} else {
		l->l_policy = (uint8_t)policy;
		l->l_rtprio = (uint8_t)priority;
		l->l_rtslice = policy == SCHED_RR;
		lwp_set_priority(
		    l, rt ? PRI_USER_RT + (priority - 1) * 63 / (RT_MAX - 1) : PRI_USER);
	}
	mutex_exit(&proc_lock);
	return error;
}

long do_sys_sched_setscheduler(pid_t pid, int policy, const struct sched_param *param)
{
	policy &= ~0x40000000; /* SCHED_RESET_ON_FORK */
	return sysret(policy < 0 ? EINVAL : set_scheduler(pid, policy, param), 0);
}

long do_sys_sched_setparam(pid_t pid, const struct sched_param *param)
{
	return sysret(set_scheduler(pid, -1, param), 0);
}

long do_sys_sched_getscheduler(pid_t pid)
{
	struct lwp *l = lock_thread(pid);
	long policy;

	if (l == NULL)
		return sysret(ESRCH, 0);
	policy = l->l_policy;
	mutex_exit(&proc_lock);
	return policy;
}

long do_sys_sched_getparam(pid_t pid, struct sched_param *param)
{
	struct lwp *l = lock_thread(pid);
	int priority;

	if (l == NULL)
		return sysret(ESRCH, 0);
	priority = l->l_rtprio;
	mutex_exit(&proc_lock);
	return sysret(copyout(&priority, &param->sched_priority, sizeof(priority)), 0);
}

long do_sys_sched_get_priority_max(int policy)
{
	if (policy == SCHED_FIFO || policy == SCHED_RR)
		return RT_MAX;
	return sysret(
	    policy == SCHED_OTHER || policy == SCHED_BATCH || policy == SCHED_IDLE ? 0 : EINVAL, 0);
}

long do_sys_sched_get_priority_min(int policy)
{
	if (policy == SCHED_FIFO || policy == SCHED_RR)
		return 1;
	return do_sys_sched_get_priority_max(policy);
}

long do_sys_sched_rr_get_interval(pid_t pid, struct timespec *ts)
{
	struct timespec slice = {.tv_nsec = SLICE_NS};
	struct lwp *l = lock_thread(pid);

	if (l == NULL)
		return sysret(ESRCH, 0);
	mutex_exit(&proc_lock);
	return sysret(copyout(&slice, ts, sizeof(slice)), 0);
}

long do_sys_sched_setaffinity(pid_t pid, size_t len, const unsigned long *mask)
{
	unsigned long cpus = 0;
	struct lwp *l;
	int error;

	error = copyin(mask, &cpus, KMIN(len, sizeof(cpus)));
	if (error != 0)
		return sysret(error, 0);
	l = lock_thread(pid);
	if (l == NULL)
		return sysret(ESRCH, 0);
	error = lwp_set_affinity(l, cpus);
	mutex_exit(&proc_lock);
	return sysret(error, 0);
}

long do_sys_sched_getaffinity(pid_t pid, size_t len, unsigned long *mask)
{
	unsigned long cpus;
	struct lwp *l;

	if (len < sizeof(cpus) || len % sizeof(cpus) != 0)
		return sysret(EINVAL, 0);
	l = lock_thread(pid);
	if (l == NULL)
		return sysret(ESRCH, 0);
	cpus = l->l_affinity & ((1UL << cpu_count) - 1);
	mutex_exit(&proc_lock);
	return sysret(copyout(&cpus, mask, sizeof(cpus)), sizeof(cpus));
}

long do_sys_getcpu(unsigned *cpu, unsigned *node, void *cache)
{
	int error = 0;

	if (cpu != NULL)
		error = ustore_32(cpu, cpu_index());
	if (error == 0 && node != NULL)
		error = ustore_32(node, 0);
	return sysret(error, 0);
}

long do_sys_getpriority(int which, id_t who)
{
	return which >= PRIO_PROCESS && which <= PRIO_USER ? 20 - nice_value : sysret(EINVAL, 0);
}

/* Kept, but threads of one program need no niceness among themselves. */
long do_sys_setpriority(int which, id_t who, int nice)
{
	if (which < PRIO_PROCESS || which > PRIO_USER)
		return sysret(EINVAL, 0);
	nice_value = KMAX(-20, KMIN(nice, 19));
	return 0;
}

/* linux/membarrier.h */
#define MEMBARRIER_CMD_QUERY			  0
#define MEMBARRIER_CMD_GLOBAL			  1
#define MEMBARRIER_CMD_PRIVATE_EXPEDITED	  8
#define MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED 16

/* A barrier on every CPU: be on every CPU once. */
static void visit_cpus(void)
{
	struct lwp *l = curlwp;
	uint64_t affinity;

	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (cpu_count == 1)
		return;
	/* With proc_lock held, as do_sys_sched_setaffinity() has it: nobody else sets it. */
	mutex_enter(&proc_lock);
	affinity = l->l_affinity;
	for (unsigned i = 0; i < cpu_count; i++)
		(void)lwp_set_affinity(l, 1ULL << i);
	(void)lwp_set_affinity(l, affinity);
	mutex_exit(&proc_lock);
}

long do_sys_membarrier(int cmd, unsigned flags, int cpu)
{
	if (flags != 0)
		return sysret(EINVAL, 0);
	switch (cmd) {
	case MEMBARRIER_CMD_QUERY:
		return MEMBARRIER_CMD_GLOBAL | MEMBARRIER_CMD_PRIVATE_EXPEDITED |
		       MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED;
	case MEMBARRIER_CMD_GLOBAL:
	case MEMBARRIER_CMD_PRIVATE_EXPEDITED:
		visit_cpus();
		return 0;
	case MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED:
		return 0;
	}
	return sysret(EINVAL, 0);
}
