/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Making and ending lwps.
 *
 * A program lwp's thread id comes from a counter; kernel lwps have none the program
 * could see (negative).  Stacks of ended lwps are freed by the soft interrupt, for
 * nobody can free the stack he stands on.  struct lwp comes from a pool, whose
 * pages stay readable: a stale pointer in an adaptive mutex does no harm.
 */
#include "base_impl.h"
#include <kern/kmem.h>
#include <kern/vm_map.h>

_Static_assert(offsetof(struct lwp, l_rsp) == 32, "switch.S");

static POOL_DEFINE(lwp_pool, sizeof(struct lwp), "lwp");
kmutex_t proc_lock = {.mtx_sleepq = {NULL, &proc_lock.mtx_sleepq.sq_first}};
struct lwplist alllwp = TAILQ_HEAD_INITIALIZER(alllwp);
static int last_lid, last_kernel_lid; /* (p) */
struct proc proc_first;

/* What cpu_switchto() pops. */
struct switch_frame {
	uint32_t mxcsr;
	uint16_t fcw, zero;
	uint64_t r15, r14, r13, r12, rbx, rbp, rip;
};

void cpu_lwp_frame(struct lwp *l, void (*func)(void *), void *arg)
{
	struct switch_frame *f = (struct switch_frame *)(l->l_rsp - 16) - 1;

	*f = (struct switch_frame){
	    .r12 = (uintptr_t)arg, .rbx = (uintptr_t)func, .rip = (uintptr_t)cpu_lwp_trampoline};
	__asm__ volatile("stmxcsr %0" : "=m"(f->mxcsr));
	__asm__ volatile("fnstcw %0" : "=m"(f->fcw));
	l->l_rsp = (uintptr_t)f;
}

void lwp_startup(struct lwp *prev);
void lwp_startup(struct lwp *prev)
{
	sched_switched(prev);
	cpu_release();
}

/* Bytes of a kernel stack: program lwps have a vector save area on top. */
static size_t stack_size(bool kernel)
{
	return KSTACK_SIZE + (kernel || cpu_fpu_size <= 1024 ? 0 : round_page(cpu_fpu_size));
}

struct lwp *lwp_alloc(int priority, const char *name)
{
	struct lwp *l = pool_zget(&lwp_pool);
	bool kernel = priority >= PRI_KTHREAD || priority == PRI_IDLE;

	if (l == NULL)
		return NULL;
	if (vm_kstack_alloc(stack_size(kernel), &l->l_kstack_base) != 0) {
		pool_put(&lwp_pool, l);
		return NULL;
	}
	l->l_kernel = l->l_exiting = kernel;
	l->l_proc = &proc_first;
	l->l_kstack_top = l->l_kstack_base + stack_size(kernel);
	if (!kernel) {
		l->l_kstack_top -= cpu_fpu_size;
		l->l_fpu = (void *)l->l_kstack_top;
		memset(l->l_fpu, 0, cpu_fpu_size);
	}
	l->l_rsp = l->l_kstack_top;
	l->l_priority = l->l_newpriority = priority;
	l->l_affinity = UINT64_MAX;
	l->l_wakeup = UINT64_MAX;
	l->l_cpu = cpu_infos[0];
	l->l_stat = LSIDL;
	strlcpy(l->l_name, name, sizeof(l->l_name));
	mutex_enter(&proc_lock);
	if (kernel) {
		l->l_lid = --last_kernel_lid;
	} else {
		l->l_lid = ++last_lid;
		proc_first.p_nlwps++;
	}
	TAILQ_INSERT_TAIL(&alllwp, l, l_list);
	mutex_exit(&proc_lock);
	return l;
}

/* l does not run any more, or never did. */
void lwp_free(struct lwp *l)
{
	if (l->l_sigctx != NULL && sig_lwp_destroy != NULL)
		sig_lwp_destroy(l);
	/* Last: from then on its process may be gone. */
	mutex_enter(&proc_lock);
	TAILQ_REMOVE(&alllwp, l, l_list);
	if (!l->l_exiting && l->l_stat == LSIDL)
		l->l_proc->p_nlwps--;
	mutex_exit(&proc_lock);
	vm_kstack_free(l->l_kstack_base, stack_size(l->l_kernel));
	pool_put(&lwp_pool, l);
}

void lwp_reap(struct cpu_info *ci)
{
	struct lwp *l, *next;

	cpu_hold();
	l = ci->ci_zombies;
	ci->ci_zombies = NULL;
	cpu_release();
	for (; l != NULL; l = next) {
		next = l->l_sleepnext;
		lwp_free(l);
	}
}

void lwp_start(struct lwp *l)
{
	cpu_hold();
	sched_enqueue(l);
	cpu_release();
}

void lwp_start_kernel(struct lwp *l, void (*func)(void *), void *arg)
{
	l->l_rsp = l->l_kstack_top;
	cpu_lwp_frame(l, func, arg);
	lwp_start(l);
}

int kthread_create(int priority, int cpu, void (*func)(void *), void *arg, const char *name)
{
	struct lwp *l;

	if (cpu >= (int)cpu_count || priority < PRI_KTHREAD)
		return EINVAL;
	l = lwp_alloc(priority, name);
	if (l == NULL)
		return ENOMEM;
	if (cpu >= 0) {
		l->l_bound = true;
		l->l_cpu = cpu_infos[cpu];
	}
	cpu_lwp_frame(l, func, arg);
	lwp_start(l);
	return 0;
}

struct user_start {
	uintptr_t pc, sp, arg;
};

static void user_start(void *v)
{
	const struct user_start u = *(struct user_start *)v;

	cpu_enter_program(u.pc, u.sp, u.arg);
}

int lwp_create_user(
    struct proc *p, uintptr_t pc, uintptr_t sp, uintptr_t arg, uintptr_t tls, struct lwp **lp)
{
	struct lwp *l = lwp_alloc(PRI_USER, curlwp->l_name);
	struct user_start *u;

	if (l == NULL)
		return ENOMEM;
	mutex_enter(&proc_lock);
	proc_first.p_nlwps--;
	p->p_nlwps++;
	l->l_proc = p;
	mutex_exit(&proc_lock);
	if (sig_lwp_create != NULL && sig_lwp_create(l) != 0) {
		lwp_free(l);
		return ENOMEM;
	}
	l->l_newpriority = curlwp->l_newpriority;
	l->l_rtslice = curlwp->l_rtslice;
	l->l_policy = curlwp->l_policy;
	l->l_rtprio = curlwp->l_rtprio;
	l->l_affinity = curlwp->l_affinity;
	l->l_cpu = curlwp->l_cpu;
	l->l_tls = tls;
	l->l_rsp -= ROUNDUP(sizeof(*u), 16);
	u = (struct user_start *)l->l_rsp;
	*u = (struct user_start){pc, sp, arg};
	cpu_lwp_frame(l, user_start, u);
	*lp = l;
	return 0;
}

void lwp_exit(void)
{
	struct lwp *l = curlwp;
	struct proc *p = l->l_proc;
	bool last = false;

	KASSERT(cpu_ilevel() == 0);
	lockdebug_lwp_exit();
	if (!l->l_exiting) {
		if (proc_lwp_exit != NULL)
			proc_lwp_exit(l);
		mutex_enter(&proc_lock);
		last = --p->p_nlwps == 0;
		p->p_cputime += lwp_cputime(l);
		l->l_exiting = true;
		mutex_exit(&proc_lock);
	}
	if (last)
		proc_exit(p->p_status);
	cpu_hold();
	l->l_fpulive = false;
	l->l_stat = LSZOMB;
	sched_block();
	__builtin_unreachable();
}

uint64_t proc_cputime(void)
{
	struct proc *p = curproc;
	struct lwp *l;
	uint64_t sum;

	mutex_enter(&proc_lock);
	sum = p->p_cputime;
	TAILQ_FOREACH (l, &alllwp, l_list) {
		if (l->l_proc == p && !l->l_exiting)
			sum += lwp_cputime(l);
	}
	mutex_exit(&proc_lock);
	return sum;
}

void lwp_set_tls(uintptr_t tls)
{
	cpu_hold();
	curlwp->l_tls = curcpu()->ci_tls = tls;
	rumpuser_tls_set(tls);
	cpu_release();
}

struct lwp *lwp_find(int lid)
{
	struct lwp *l;

	KASSERT(mutex_owned(&proc_lock));
	TAILQ_FOREACH (l, &alllwp, l_list)
		if (l->l_lid == lid && l->l_stat != LSZOMB)
			return l;
	return NULL;
}
