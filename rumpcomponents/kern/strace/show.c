/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lines of calls, in strace's layout.
 *
 * A call is one line, printed when it has returned:
 *
 *	[1] openat(AT_FDCWD, "/etc/x", O_RDONLY) = 3
 *
 * But while a call sleeps, the reader must see where the thread is.  So when another thread's
 * line is due, or after PATIENCE, a call that has not returned is printed in two parts:
 *
 *	[2] read(0,  <unfinished ...>
 *	[1] close(3) = 0
 *	[2] <... read resumed>"abc", 16) = 3
 *
 * Memory of the program is only looked at before the call and after it, by its thread, without
 * any lock.  A line's text is made by its thread too; in between it is on a list, where others
 * may print it and say so in st_shown.
 *
 * LOCK ORDER: output_lock, show_lock; both are adaptive.  Who prints has both.  show_lock is for
 * the list.  A call that writes to the console is made with output_lock held, so that its output
 * does not come in the midst of a line: it may sleep, in a page fault even for a soft interrupt,
 * so the callout, which runs in one, does not wait for that lock.  Other calls are made without
 * any.  Nothing is printed from interrupt handlers, nor while the CPU is held.
 */
#include <stdarg.h>
#include <kern/callout.h>
#include <kern/component.h>
#include <kern/cpu.h>
#include <kern/file.h>
#include <kern/kmem.h>
#include <kern/ktime.h>
#include <kern/lwp.h>
#include <kern/mutex.h>
#include <kern/systm.h>
#include "strace_impl.h"

#define PATIENCE  (100 * NSEC_PER_MSEC)
#define TEXT_SIZE 960

struct shown_call {
	TAILQ_ENTRY(shown_call) st_list; /* (s) show_lock */
	struct lwp *st_lwp;
	const struct strace_sysent *st_ent;
	uint64_t st_since;
	volatile bool st_done; /* it has returned: its thread is about to print it */
	bool st_shown;	       /* (s) "<unfinished ...>" was printed */
	unsigned st_len;
	char st_text[TEXT_SIZE];
};

static POOL_DEFINE(show_pool, sizeof(struct shown_call), "strace");
static kmutex_t output_lock, show_lock;
static TAILQ_HEAD(, shown_call) pending = TAILQ_HEAD_INITIALIZER(pending); /* (s) */
static callout_t watch;

void strace_put(struct strace_line *o, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = kvsnprintf(o->text + o->len, o->size - o->len, fmt, ap);
	va_end(ap);
	o->len = KMIN(o->len + (unsigned)n, o->size - 1);
}

static void enter(void)
{
	mutex_enter(&output_lock);
	mutex_enter(&show_lock);
}

static void leave(void)
{
	mutex_exit(&show_lock);
	mutex_exit(&output_lock);
}

/* => both locks held; so in the next ones. */
static void unfinished(struct shown_call *c)
{
	kprintf("%.*s <unfinished ...>\n", (int)c->st_len, c->st_text);
	c->st_shown = true;
}

/* Print others that sleep in their calls, or all others of the process. */
static void show_others(bool all)
{
	struct shown_call *c;

	TAILQ_FOREACH (c, &pending, st_list)
		if (!c->st_shown && !c->st_done && c->st_lwp != curlwp &&
		    ((all && c->st_lwp->l_proc == curlwp->l_proc) || c->st_lwp->l_stat == LSSLEEP))
			unfinished(c);
}

/* From the callout: those that have been in their calls for long. */
static void show_slow(void *arg)
{
	uint64_t now = nanouptime(), next = UINT64_MAX;
	struct shown_call *c;

	mutex_enter(&show_lock);
	if (!mutex_tryenter(&output_lock)) {
		callout_schedule(&watch, PATIENCE);
		mutex_exit(&show_lock);
		return;
	}
	TAILQ_FOREACH (c, &pending, st_list) {
		if (c->st_shown || c->st_done)
			continue;
		if (c->st_since + PATIENCE <= now)
			unfinished(c);
		else
			next = KMIN(next, c->st_since + PATIENCE);
	}
	if (next != UINT64_MAX)
		callout_schedule_at(&watch, next);
	leave();
}

static struct strace_line line_of(struct shown_call *c)
{
	return (struct strace_line){c->st_text, sizeof(c->st_text), 0};
}

static void print(struct shown_call *c, const struct strace_line *o)
{
	show_others(false);
	kprintf("%.*s\n", (int)o->len, c->st_text);
}

/* Does the call write to the console? */
static bool to_console(const struct strace_sysent *e, const unsigned long *args)
{
	struct file *fp;
	bool yes;

	if (strncmp(e->name, "write", 5) != 0 || fd_getfile((int)args[0], &fp) != 0)
		return false;
	yes = fp->f_type == DTYPE_CONSOLE;
	file_rele(fp);
	return yes;
}

static void begin(struct shown_call *c, struct strace_line *o)
{
	c->st_len = o->len;
	c->st_lwp = curlwp;
	c->st_done = c->st_shown = false;
	c->st_since = nanouptime();
	mutex_enter(&show_lock);
	TAILQ_INSERT_TAIL(&pending, c, st_list);
	if (!callout_pending(&watch))
		callout_schedule(&watch, PATIENCE);
	mutex_exit(&show_lock);
}

/* The call has returned.  Was it printed in part? */
static bool end(struct shown_call *c)
{
	c->st_done = true;
	mutex_enter(&show_lock);
	TAILQ_REMOVE(&pending, c, st_list);
	mutex_exit(&show_lock);
	return c->st_shown;
}

static void last(struct shown_call *c, struct strace_line *o, const unsigned long *args)
{
	bool exits = strncmp(c->st_ent->name, "exit", 4) == 0;

	strace_put(o, ") = ?");
	enter();
	if (strcmp(c->st_ent->name, "exit_group") == 0)
		show_others(true);
	print(c, o);
	if (exits)
		kprintf("[%d] +++ exited with %d +++\n", curlwp->l_lid, (int)args[0] & 0xff);
	leave();
	pool_put(&show_pool, c);
}

/* A call that may not come back leaves nothing behind, and is shown in two parts if it does. */
static void exec_begins(struct shown_call *c, const struct strace_line *o)
{
	c->st_len = o->len;
	enter();
	show_others(false);
	unfinished(c);
	leave();
	pool_put(&show_pool, c);
}

static long exec_failed(const struct strace_sysent *e, const unsigned long *args, long result)
{
	char text[100];
	struct strace_line o = {text, sizeof(text), 0};

	strace_put(&o, "[%d] <... %s resumed>", curlwp->l_lid, e->name);
	strace_result(&o, e, args, result);
	enter();
	kprintf("%s\n", text);
	leave();
	return result;
}

long strace_shown(strace_call_t *call, const struct strace_sysent *e, const unsigned long *a)
{
	struct shown_call *c = pool_get(&show_pool);
	bool console = to_console(e, a);
	struct strace_line o;
	unsigned next;
	long result;

	if (!c) {
		kprintf("[%d] %s(...) no memory to show more\n", curlwp->l_lid, e->name);
		return call(a[0], a[1], a[2], a[3], a[4], a[5]);
	}
	c->st_ent = e;
	o = line_of(c);
	strace_put(&o, "[%d] %s(", curlwp->l_lid, e->name);
	next = strace_args(&o, e, a, 0, false, -1);
	if (e->result == STRACE_NORETURN) {
		last(c, &o, a);
		return call(a[0], a[1], a[2], a[3], a[4], a[5]);
	}
	if (e->result == STRACE_EXEC) {
		exec_begins(c, &o);
		result = call(a[0], a[1], a[2], a[3], a[4], a[5]);
		return exec_failed(e, a, result);
	}
	if (console)
		mutex_enter(&output_lock);
	else
		begin(c, &o);
	result = call(a[0], a[1], a[2], a[3], a[4], a[5]);
	if (console) {
		mutex_exit(&output_lock);
	} else if (end(c)) {
		o = line_of(c);
		strace_put(&o, "[%d] <... %s resumed>", curlwp->l_lid, e->name);
	}
	if (curlwp->l_userret & LW_EXIT) { /* the program has ended, and said so */
		pool_put(&show_pool, c);
		return result;
	}
	(void)strace_args(&o, e, a, next, true, result);
	strace_result(&o, e, a, result);
	enter();
	print(c, &o);
	leave();
	pool_put(&show_pool, c);
	return result;
}

void strace_signal(const siginfo_t *info, bool killed)
{
	char text[160];
	struct strace_line o = {text, sizeof(text), 0};

	if (!(strace_mode & STRACE_LINES))
		return;
	strace_signo(&o, info->si_signo);
	strace_put(&o, " ");
	strace_siginfo(&o, info);
	enter();
	show_others(killed);
	kprintf("[%d] --- %s ---\n", curlwp->l_lid, text);
	if (killed)
		kprintf("[%d] +++ killed by %.*s +++\n", curlwp->l_lid,
		    (int)(strchr(text, ' ') - text), text);
	leave();
}

static int show_init(void)
{
	mutex_init(&output_lock, MUTEX_DEFAULT);
	mutex_init(&show_lock, MUTEX_DEFAULT);
	callout_init(&watch, show_slow, NULL);
	return 0;
}
RUMP_COMPONENT(strace_show, RUMP_PHASE_KERN, show_init);
