/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Programs, and execve(2): the calling process goes on with another program.
 *
 * Up to the point of no return everything new is made beside the old: the program is claimed, its
 * stack made and filled.  Then the other lwps end and the memory of the old program goes, or, after
 * vfork(2), the parent gets back what it lent.
 */
#include <kern/component.h>
#include <kern/config.h>
#include <kern/kmem.h>
#include <kern/vm_map.h>
#include <vfs/vfs_kern.h>
#include "exec_impl.h"

#define PATH_MAX 4096

extern const struct exec_entry __kiln_programs_start[] __attribute__((visibility("hidden")));
extern const struct exec_entry __kiln_programs_end[] __attribute__((visibility("hidden")));

struct program *exec_programs;
unsigned exec_nprograms;
kcondvar_t exec_changed;

static void *place(int32_t offset)
{
	return (char *)(uintptr_t)__kiln_programs_start + offset;
}

uintptr_t exec_start(const struct program *pr)
{
	return (uintptr_t)place(pr->pr_entry->ee_start);
}

struct program *exec_lookup(const char *path)
{
	const char *name = path;

	for (; *path != '\0'; path++)
		if (*path == '/')
			name = path + 1;
	for (unsigned i = 0; i < exec_nprograms; i++)
		if (strcmp(exec_programs[i].pr_entry->ee_name, name) == 0)
			return &exec_programs[i];
	return NULL;
}

int exec_claim(struct program *pr, struct proc *p)
{
	int error = 0;

	mutex_enter(&proc_lock);
	if (pr->pr_owner != NULL && pr->pr_owner != p)
		error = ETXTBSY;
	else
		pr->pr_owner = p;
	mutex_exit(&proc_lock);
	return error;
}

void exec_disclaim(struct program *pr)
{
	if (pr == NULL)
		return;
	mutex_enter(&proc_lock);
	pr->pr_owner = NULL;
	mutex_exit(&proc_lock);
}

int exec_prepare(struct program *pr)
{
	const struct exec_entry *e = pr->pr_entry;

	if (pr->pr_fresh != NULL) {
		memcpy(place(e->ee_data), pr->pr_fresh, e->ee_data_size);
		memset(place(e->ee_bss), 0, e->ee_bss_size);
		return 0;
	}
	pr->pr_fresh = kmem_alloc(e->ee_data_size + 1);
	if (pr->pr_fresh == NULL)
		return ENOMEM;
	memcpy(pr->pr_fresh, place(e->ee_data), e->ee_data_size);
	return 0;
}

/* The strings of a vector of the program's, counted. */
static int copy_vector(char *const *vector, struct base_args *a, unsigned *count)
{
	const char *str;
	size_t len;
	int error;

	for (*count = 0;; (*count)++) {
		if (vector == NULL)
			return 0;
		error = copyin(&vector[*count], &str, sizeof(str));
		if (error != 0 || str == NULL)
			return error;
		error = copyinstr(str, a->at, (size_t)(a->end - a->at), &len);
		if (error != 0)
			return error == ENAMETOOLONG ? E2BIG : error;
		a->at += strlen(a->at) + 1;
	}
}

static int make_args(
    char *const *argv, char *const *envp, uintptr_t start, struct base_args *a, uintptr_t *sp)
{
	unsigned argc, envc;
	int error = base_args_begin(a);

	if (error != 0)
		return error;
	error = copy_vector(argv, a, &argc);
	if (error == 0 && argc == 0) { /* as Linux: there is always a name */
		error = base_args_add(a, "");
		argc = 1;
	}
	if (error == 0)
		error = copy_vector(envp, a, &envc);
	if (error == 0)
		*sp = base_args_end(a, argc, envc, start);
	else
		(void)vm_map_remove(a->base, a->size);
	return error;
}

/* The calling lwp becomes the first, and only, of a process that begins anew. */
static void forget_old(const struct base_args *a)
{
	struct proc *p = curproc;
	struct lwp *l = curlwp;

	if (p->p_vforkdone == NULL)
		exec_single();
	l->l_clear_child_tid = NULL;
	l->l_robust_list = NULL;
	if (time_proc_exec != NULL)
		time_proc_exec();
	exec_vfork_done(p);
	vm_map_remove_proc(a->base, a->size);
	fd_proc_exec();
	if (sig_proc_exec != NULL && l->l_sigctx != NULL)
		sig_proc_exec();
	lwp_set_tls(0);
	l->l_lid = p->p_pid;
}

static void go(struct program *pr, const struct base_args *a, uintptr_t sp)
{
	static const uint32_t mxcsr = 0x1f80;
	struct proc *p = curproc;
	struct program *old = p->p_program;

	forget_old(a);
	p->p_program = pr;
	if (old != pr)
		exec_disclaim(old);
	/* There is a copy: with that it cannot fail. */
	(void)exec_prepare(pr);
	p->p_status = 0;
	p->p_exiting = NULL;
	__asm__ volatile("fninit\n\tldmxcsr %0" ::"m"(mxcsr));
	base_enter_program(pr->pr_entry->ee_name, exec_start(pr), sp);
}

int exec_execve(const char *upath, char *const *argv, char *const *envp)
{
	char *path = kmem_alloc(PATH_MAX);
	struct program *pr = NULL;
	struct proc *p = curproc;
	struct base_args a;
	bool mine = false;
	uintptr_t sp;
	int error;

	if (path == NULL)
		return ENOMEM;
	error = copyinstr(upath, path, PATH_MAX, NULL);
	if (error == 0) {
		pr = exec_lookup(path);
		if (pr == NULL)
			error = vfs_exists != NULL && vfs_exists(path) ? ENOEXEC : ENOENT;
	}
	kmem_free(path, PATH_MAX);
	if (error == 0) {
		mine = pr == p->p_program;
		error = exec_claim(pr, p);
	}
	if (error != 0)
		return error;
	/* Nobody has started it: what this makes is the copy. */
	error = pr->pr_fresh == NULL ? exec_prepare(pr) : 0;
	if (error == 0)
		error = make_args(argv, envp, exec_start(pr), &a, &sp);
	if (error == 0)
		go(pr, &a, sp);
	if (!mine)
		exec_disclaim(pr);
	return error;
}

/* The one program that is to run: what "name" says, or the first. */
static uintptr_t boot(void)
{
	const char *name = config_string("name");
	struct program *pr;

	if (config_count("programs") > 0)
		exec_launch();
	pr = name != NULL ? exec_lookup(name) : NULL;
	if (pr == NULL)
		pr = &exec_programs[0];
	pr->pr_owner = &proc_first;
	proc_first.p_program = pr;
	if (exec_prepare(pr) != 0)
		panic("no memory for a copy of the program's data");
	return exec_start(pr);
}

static int exec_init(void)
{
	exec_nprograms = (unsigned)(__kiln_programs_end - __kiln_programs_start);
	exec_programs = kmem_zalloc(exec_nprograms * sizeof(*exec_programs));
	if (exec_programs == NULL)
		return ENOMEM;
	for (unsigned i = 0; i < exec_nprograms; i++)
		exec_programs[i].pr_entry = &__kiln_programs_start[i];
	cv_init(&exec_changed, "child");
	proc_leave = exec_proc_leave;
	proc_boot = boot;
	return 0;
}
RUMP_COMPONENT(exec, RUMP_PHASE_KERN, exec_init);
