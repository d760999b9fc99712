/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Several programs at launch.  Configuration: "programs" lists what to start;
 * docs/configuration.md.
 *
 * The first process is then no program, but the kernel's: it starts the others and waits for them.
 * Each of those begins in the kernel, in its own process, where it puts its descriptors
 * and arguments in place; with which descriptors it begins was decided by the first.
 */
#include <fcntl.h>
#include <signal.h>
#include <kern/config.h>
#include <kern/kmem.h>
#include <kern/signalvar.h>
#include <kern/sysproto.h>
#include "exec_impl.h"

#define CANNOT_START 126

CONFIG_KEY(programs, "programs", CONFIG_ARRAY);
CONFIG_KEY(programs_name, "programs.*.name", CONFIG_STRING);
CONFIG_KEY(programs_args, "programs.*.args", CONFIG_ARRAY);
CONFIG_KEY(programs_env, "programs.*.env", CONFIG_OBJECT);
CONFIG_KEY(programs_then, "programs.*.then", CONFIG_STRING);

/* One to be started; lives until it has begun. */
struct start {
	unsigned n;  /* its place in the list */
	int in, out; /* descriptors of the first process that become 0 and 1; -1: as they are */
	struct program *program;
};

static const char *member(unsigned n, const char *key)
{
	char path[40];

	ksnprintf(path, sizeof(path), "programs.%u.%s", n, key);
	return config_string(path);
}

static bool is(const char *s, const char *what)
{
	return s != NULL && strcmp(s, what) == 0;
}

static int add_variable(struct base_args *a, const char *key, const char *value)
{
	int error = base_args_add(a, key);

	if (error != 0)
		return error;
	a->at[-1] = '=';
	return base_args_add(a, value != NULL ? value : "");
}

/* The program's own environment, then what of the common one that does not name. */
static int add_environment(struct base_args *a, unsigned n, unsigned *count)
{
	const char *key, *value, *other, *ignored;
	char path[40];
	int error = 0;

	*count = 0;
	ksnprintf(path, sizeof(path), "programs.%u.env", n);
	for (unsigned i = 0; error == 0 && config_pair(path, i, &key, &value); i++, (*count)++)
		error = add_variable(a, key, value);
	for (unsigned i = 0; error == 0 && config_pair("env", i, &key, &value); i++) {
		bool hidden = false;

		for (unsigned k = 0; !hidden && config_pair(path, k, &other, &ignored); k++)
			hidden = strcmp(key, other) == 0;
		if (hidden)
			continue;
		error = add_variable(a, key, value);
		(*count)++;
	}
	return error;
}

static int add_arguments(struct base_args *a, unsigned n, unsigned *count)
{
	char path[40];
	const char *value;
	int error = base_args_add(a, member(n, "name"));

	ksnprintf(path, sizeof(path), "programs.%u.args", n);
	*count = 1 + config_count(path);
	for (unsigned i = 0; error == 0 && i < *count - 1; i++) {
		ksnprintf(path, sizeof(path), "programs.%u.args.%u", n, i);
		value = config_string(path);
		error = base_args_add(a, value != NULL ? value : "");
	}
	return error;
}

/* The new process, on its kernel stack. */
static void begin(void *arg)
{
	struct start s = *(struct start *)arg;
	unsigned argc, envc;
	struct base_args a;
	int error;

	kmem_free(arg, sizeof(s));
	if (s.in >= 0)
		(void)do_sys_dup2(s.in, 0);
	if (s.out >= 0)
		(void)do_sys_dup2(s.out, 1);
	fd_proc_exec();
	error = base_args_begin(&a);
	if (error == 0)
		error = add_arguments(&a, s.n, &argc);
	if (error == 0)
		error = add_environment(&a, s.n, &envc);
	if (error == 0)
		error = exec_prepare(s.program);
	if (error != 0) {
		kprintf("kiln: %s does not start: error %d\n", member(s.n, "name"), error);
		proc_exit(CANNOT_START);
	}
	base_enter_program(s.program->pr_entry->ee_name, exec_start(s.program),
	    base_args_end(&a, argc, envc, exec_start(s.program)));
}

static int start_process(struct start *s, int *pid)
{
	struct program *pr = s->program;
	struct proc *p;
	struct lwp *l;
	int error = exec_fork(&p);

	if (error != 0)
		return error;
	error = exec_claim(pr, p);
	if (error == 0) {
		error = lwp_create_user(p, 0, 0, 0, 0, &l);
		if (error != 0)
			exec_disclaim(pr);
	}
	if (error != 0) {
		exec_unfork(p);
		return error;
	}
	*pid = l->l_lid;
	p->p_program = pr;
	exec_enter(p, *pid, &proc_first);
	lwp_start_kernel(l, begin, s);
	return 0;
}

/* Start the n-th; its number, or 0. */
static int start(unsigned n, int in, int out)
{
	const char *name = member(n, "name");
	struct start *s = kmem_alloc(sizeof(*s));
	int error = 0, pid = 0;

	if (s == NULL) {
		error = ENOMEM;
	} else {
		*s = (struct start){n, in, out, name != NULL ? exec_lookup(name) : NULL};
		error = s->program != NULL ? start_process(s, &pid) : ENOENT;
		if (error != 0)
			kmem_free(s, sizeof(*s));
	}
	if (error == ENOENT)
		kprintf("kiln: programs.%u: no program %s in this image\n", n,
		    name != NULL ? name : "without a name");
	else if (error != 0)
		kprintf("kiln: %s does not start: %s\n", name,
		    error == ETXTBSY ? "it runs already" : "no memory");
	return pid;
}

/* The launcher's wish is every program's; and no more are started. */
static bool stopping;

static void pass_on_signals(void)
{
	struct proc *p;

	stopping = true;
	while (sig_next != NULL && sig_next() != 0)
		continue;
	mutex_enter(&proc_lock);
	TAILQ_FOREACH (p, &exec_procs, p_list)
		if (!p->p_zombie && p->p_parent == &proc_first && sig_send_to != NULL)
			sig_send_to(p->p_sig, SIGTERM, NULL);
	mutex_exit(&proc_lock);
}

/* Exit status of pid as a shell has it; of -1, when there are no more. */
static int wait_for(int pid)
{
	struct exec_child c;
	int error, status = CANNOT_START;

	for (;;) {
		error = exec_wait(pid, false, true, &c);
		if (error == ECHILD)
			return status;
		if (error != 0) {
			pass_on_signals();
			continue;
		}
		status = c.ec_wait & 0x7f ? 128 + (c.ec_wait & 0x7f) : c.ec_wait >> 8;
		if (pid != -1)
			return status;
	}
}

void exec_launch(void)
{
	unsigned count = config_count("programs");
	int status = 0, in = -1, fds[2], pid;

	for (unsigned n = 0; n < count && !stopping; n++) {
		const char *then = member(n, "then");
		bool piped = is(then, "|") && n + 1 < count;

		if (then != NULL && !piped && !is(then, "&") && !is(then, ";"))
			config_complain("programs.*.then", then,
			    "\";\", \"&\", or \"|\" before another program");
		fds[0] = fds[1] = -1;
		if (piped && do_sys_pipe2(fds, O_CLOEXEC) != 0)
			panic("no memory for a pipe");
		pid = start(n, in, fds[1]);
		if (in >= 0)
			(void)do_sys_close(in);
		if (fds[1] >= 0)
			(void)do_sys_close(fds[1]);
		in = fds[0];
		if (!piped && !is(then, "&"))
			status = pid != 0 ? wait_for(pid) : CANNOT_START;
	}
	(void)wait_for(-1);
	proc_exit(status);
}
