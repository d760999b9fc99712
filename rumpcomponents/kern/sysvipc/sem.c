/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * System V semaphores (semop(2)).  All operations of a call happen at once or not at all; who must
 * wait does so on the set's one condition variable, and every change of the set has all look
 * again.  SEM_UNDO means nothing here: when the program ends, so does everything.
 */
#include <sys/sem.h>
#include <kern/component.h>
#include <kern/ipcvar.h>
#include <kern/kmem.h>
#include <kern/ktime.h>
#include <kern/sysproto.h>
#include <kern/systm.h>

#define SEM_MAX_IN_SET 32000 /* limits of Linux: semget(2), semop(2) */
#define SEM_MAX_OPS    500
#define SEM_MAX_VALUE  32767

struct sem {
	uint16_t s_value;
	int s_pid;			 /* of the last operation */
	uint16_t s_nwaiting, s_zwaiting; /* for more, for zero */
};

struct semset {
	struct ipc_object ss_ipc; /* first */
	kmutex_t ss_lock;
	kcondvar_t ss_changed;
	bool ss_removed;
	time_t ss_otime, ss_ctime;
	unsigned ss_nsems; /* constant */
	struct sem ss_sems[];
};

static void semset_free(struct ipc_object *io)
{
	struct semset *ss = (struct semset *)io;

	mutex_destroy(&ss->ss_lock);
	kmem_free(ss, sizeof(*ss) + ss->ss_nsems * sizeof(struct sem));
}

static struct ipc_ids sems = {.ii_free = semset_free};

static int sem_init(void)
{
	mutex_init(&sems.ii_lock, MUTEX_DEFAULT);
	return 0;
}
RUMP_COMPONENT(sem, RUMP_PHASE_KERN, sem_init);

static int make(size_t nsems, struct ipc_object **iop)
{
	struct semset *ss;

	if (nsems == 0 || nsems > SEM_MAX_IN_SET)
		return EINVAL;
	ss = kmem_zalloc(sizeof(*ss) + nsems * sizeof(struct sem));
	if (!ss)
		return ENOMEM;
	mutex_init(&ss->ss_lock, MUTEX_DEFAULT);
	cv_init(&ss->ss_changed, "semop");
	ss->ss_nsems = (unsigned)nsems;
	ss->ss_ctime = ipc_time();
	*iop = &ss->ss_ipc;
	return 0;
}

static int check(const struct ipc_object *io, size_t nsems)
{
	return nsems > ((const struct semset *)io)->ss_nsems ? EINVAL : 0;
}

long do_sys_semget(key_t key, int nsems, int flags)
{
	const struct ipc_request ir = {key, flags, (size_t)nsems, make, check};
	int id = 0, error = nsems < 0 ? EINVAL : ipc_get(&sems, &ir, &id);

	return sysret(error, id);
}

static int lookup(int id, struct semset **ssp)
{
	struct ipc_object *io;
	int error = ipc_lookup(&sems, id, &io);

	*ssp = (struct semset *)io;
	return error;
}

/* Undo the first n operations. */
static void revert(struct semset *ss, const struct sembuf *ops, size_t n)
{
	while (n-- > 0)
		ss->ss_sems[ops[n].sem_num].s_value -= (uint16_t)ops[n].sem_op;
}

/*
 * All or nothing.  0, ERANGE, or EAGAIN: *which can't be done now.  => ss_lock
 */
static int apply(struct semset *ss, const struct sembuf *ops, size_t n, size_t *which)
{
	for (size_t i = 0; i < n; i++) {
		struct sem *s = &ss->ss_sems[ops[i].sem_num];
		int value = s->s_value + ops[i].sem_op, error = 0;

		if (ops[i].sem_op == 0 ? s->s_value != 0 : value < 0)
			error = EAGAIN;
		else if (value > SEM_MAX_VALUE)
			error = ERANGE;
		if (error) {
			revert(ss, ops, i);
			*which = i;
			return error;
		}
		s->s_value = (uint16_t)value;
	}
	return 0;
}

/* Wait for what ops[which] wants.  => ss_lock, given back for the time */
static int wait(struct semset *ss, const struct sembuf *op, uint64_t deadline)
{
	struct sem *s = &ss->ss_sems[op->sem_num];
	uint16_t *waiting = op->sem_op == 0 ? &s->s_zwaiting : &s->s_nwaiting;
	int error;

	if (op->sem_flg & IPC_NOWAIT)
		return EAGAIN;
	++*waiting;
	error = cv_timedwait_sig(&ss->ss_changed, &ss->ss_lock, deadline);
	--*waiting;
	if (ss->ss_removed)
		return EIDRM;
	if (error == EWOULDBLOCK)
		return EAGAIN;
	return error == ERESTART ? EINTR : error; /* never restarted: signal(7) */
}

static int operate(struct semset *ss, const struct sembuf *ops, size_t n, uint64_t deadline)
{
	size_t which = 0;
	int error = 0;

	for (size_t i = 0; i < n; i++)
		if (ops[i].sem_num >= ss->ss_nsems)
			return EFBIG;
	mutex_enter(&ss->ss_lock);
	if (ss->ss_removed)
		error = EIDRM;
	while (!error && (error = apply(ss, ops, n, &which)) == EAGAIN)
		error = wait(ss, &ops[which], deadline);
	if (!error) {
		for (size_t i = 0; i < n; i++)
			ss->ss_sems[ops[i].sem_num].s_pid = 1;
		ss->ss_otime = ipc_time();
		cv_broadcast(&ss->ss_changed);
	}
	mutex_exit(&ss->ss_lock);
	return error;
}

static int deadline_of(const struct timespec *utimeout, uint64_t *deadline)
{
	struct timespec ts;
	uint64_t now = nanouptime();
	int error;

	*deadline = UINT64_MAX;
	if (!utimeout)
		return 0;
	error = copyin(utimeout, &ts, sizeof(ts));
	if (!error)
		error = timespec_to_ns(&ts, deadline);
	*deadline = *deadline > UINT64_MAX - 1 - now ? UINT64_MAX - 1 : now + *deadline;
	return error;
}

long do_sys_semtimedop(int id, struct sembuf *uops, size_t nops, const struct timespec *utimeout)
{
	struct sembuf *ops;
	struct semset *ss;
	uint64_t deadline;
	int error = deadline_of(utimeout, &deadline);

	if (!error && (nops == 0 || nops > SEM_MAX_OPS))
		error = nops == 0 ? EINVAL : E2BIG;
	if (!error)
		error = lookup(id, &ss);
	if (error)
		return sysret(error, 0);
	ops = kmem_alloc(nops * sizeof(*ops));
	if (!ops) {
		ipc_rele(&sems, &ss->ss_ipc);
		return sysret(ENOMEM, 0);
	}
	error = copyin(uops, ops, nops * sizeof(*ops));
	if (!error)
		error = operate(ss, ops, nops, deadline);
	kmem_free(ops, nops * sizeof(*ops));
	ipc_rele(&sems, &ss->ss_ipc);
	return sysret(error, 0);
}

long do_sys_semop(int id, struct sembuf *uops, size_t nops)
{
	return do_sys_semtimedop(id, uops, nops, NULL);
}

/* GETALL and SETALL. */
static int all_values(struct semset *ss, int cmd, uint16_t *uvalues)
{
	size_t len = ss->ss_nsems * sizeof(uint16_t);
	uint16_t *values = kmem_alloc(len);
	int error = values ? 0 : ENOMEM;

	if (!error && cmd == SETALL)
		error = copyin(uvalues, values, len);
	for (unsigned i = 0; i < ss->ss_nsems && !error && cmd == SETALL; i++)
		error = values[i] > SEM_MAX_VALUE ? ERANGE : 0;
	if (!error) {
		mutex_enter(&ss->ss_lock);
		for (unsigned i = 0; i < ss->ss_nsems; i++) {
			if (cmd == GETALL) {
				values[i] = ss->ss_sems[i].s_value;
				continue;
			}
			ss->ss_sems[i].s_value = values[i];
			ss->ss_sems[i].s_pid = 1;
		}
		if (cmd == SETALL) {
			ss->ss_ctime = ipc_time();
			cv_broadcast(&ss->ss_changed);
		}
		mutex_exit(&ss->ss_lock);
	}
	if (!error && cmd == GETALL)
		error = copyout(values, uvalues, len);
	if (values)
		kmem_free(values, len);
	return error;
}

/* Commands on one semaphore; *result is what GET... returns. */
static int one_value(struct semset *ss, int num, int cmd, long arg, long *result)
{
	struct sem *s;
	int error = 0;

	if (num < 0 || (unsigned)num >= ss->ss_nsems)
		return EINVAL;
	s = &ss->ss_sems[num];
	mutex_enter(&ss->ss_lock);
	switch (cmd) {
	case GETVAL:
		*result = s->s_value;
		break;
	case GETPID:
		*result = s->s_pid;
		break;
	case GETNCNT:
		*result = s->s_nwaiting;
		break;
	case GETZCNT:
		*result = s->s_zwaiting;
		break;
	case SETVAL:
		if ((int)arg < 0 || (int)arg > SEM_MAX_VALUE) {
			error = ERANGE;
			break;
		}
		s->s_value = (uint16_t)arg;
		s->s_pid = 1;
		ss->ss_ctime = ipc_time();
		cv_broadcast(&ss->ss_changed);
		break;
	default:
		error = EINVAL;
	}
	mutex_exit(&ss->ss_lock);
	return error;
}

static int sem_stat(struct semset *ss, struct semid_ds *uds)
{
	struct semid_ds ds = {0};

	mutex_enter(&ss->ss_lock);
	ipc_stat(&ss->ss_ipc, &ds.sem_perm);
	ds.sem_otime = ss->ss_otime;
	ds.sem_ctime = ss->ss_ctime;
	ds.sem_nsems = (unsigned short)ss->ss_nsems;
	mutex_exit(&ss->ss_lock);
	return copyout(&ds, uds, sizeof(ds));
}

static int sem_set(struct semset *ss, const struct semid_ds *uds)
{
	struct semid_ds ds;
	int error = copyin(uds, &ds, sizeof(ds));

	if (error)
		return error;
	mutex_enter(&ss->ss_lock);
	ipc_set(&ss->ss_ipc, &ds.sem_perm);
	ss->ss_ctime = ipc_time();
	mutex_exit(&ss->ss_lock);
	return 0;
}

static void semset_remove(struct semset *ss)
{
	(void)ipc_remove(&sems, &ss->ss_ipc);
	mutex_enter(&ss->ss_lock);
	ss->ss_removed = true;
	cv_broadcast(&ss->ss_changed);
	mutex_exit(&ss->ss_lock);
}

long do_sys_semctl(int id, int num, int cmd, long arg)
{
	struct semset *ss;
	long result = 0;
	int error = lookup(id, &ss);

	if (error)
		return sysret(error, 0);
	switch (cmd & IPC_CMD) {
	case IPC_RMID:
		semset_remove(ss);
		break;
	case IPC_STAT:
		error = sem_stat(ss, (void *)arg);
		break;
	case IPC_SET:
		error = sem_set(ss, (void *)arg);
		break;
	case GETALL:
	case SETALL:
		error = all_values(ss, cmd & IPC_CMD, (void *)arg);
		break;
	default:
		error = one_value(ss, num, cmd & IPC_CMD, arg, &result);
	}
	ipc_rele(&sems, &ss->ss_ipc);
	return sysret(error, result);
}
