/* SPDX-License-Identifier: BSD-2-Clause */
/* System V message queues (msgop(2)). */
#include <limits.h>
#include <sys/msg.h>
#include <sys/queue.h>
#include <kern/component.h>
#include <kern/ipcvar.h>
#include <kern/kmem.h>
#include <kern/sysproto.h>
#include <kern/systm.h>

#ifndef MSG_COPY
#define MSG_COPY 040000 /* Linux: a look without taking; refused */
#endif
#define MSG_MAX_SIZE 8192  /* of a message; Linux's MSGMAX */
#define MSG_MAX_Q    16384 /* bytes of a queue at first; MSGMNB */

struct message {
	TAILQ_ENTRY(message) m_list;
	long m_type;
	size_t m_len;
	char m_text[];
};

struct msgqueue {
	struct ipc_object mq_ipc; /* first */
	kmutex_t mq_lock;
	kcondvar_t mq_readable, mq_writable;
	bool mq_removed;
	TAILQ_HEAD(, message) mq_messages;
	size_t mq_bytes, mq_maxbytes, mq_count;
	time_t mq_stime, mq_rtime, mq_ctime;
	int mq_lspid, mq_lrpid;
};

static void message_free(struct message *m)
{
	kmem_free(m, sizeof(*m) + m->m_len);
}

static void queue_free(struct ipc_object *io)
{
	struct msgqueue *mq = (struct msgqueue *)io;
	struct message *m;

	while ((m = TAILQ_FIRST(&mq->mq_messages)) != NULL) {
		TAILQ_REMOVE(&mq->mq_messages, m, m_list);
		message_free(m);
	}
	mutex_destroy(&mq->mq_lock);
	kmem_free(mq, sizeof(*mq));
}

static struct ipc_ids queues = {.ii_free = queue_free};

static int msg_init(void)
{
	mutex_init(&queues.ii_lock, MUTEX_DEFAULT);
	return 0;
}
RUMP_COMPONENT(msg, RUMP_PHASE_KERN, msg_init);

static int make(size_t size, struct ipc_object **iop)
{
	struct msgqueue *mq = kmem_zalloc(sizeof(*mq));

	(void)size;
	if (!mq)
		return ENOMEM;
	mutex_init(&mq->mq_lock, MUTEX_DEFAULT);
	cv_init(&mq->mq_readable, "msgrcv");
	cv_init(&mq->mq_writable, "msgsnd");
	TAILQ_INIT(&mq->mq_messages);
	mq->mq_maxbytes = MSG_MAX_Q;
	mq->mq_ctime = ipc_time();
	*iop = &mq->mq_ipc;
	return 0;
}

static int check(const struct ipc_object *io, size_t size)
{
	(void)io, (void)size;
	return 0;
}

long do_sys_msgget(key_t key, int flags)
{
	const struct ipc_request ir = {key, flags, 0, make, check};
	int id = 0, error = ipc_get(&queues, &ir, &id);

	return sysret(error, id);
}

static int lookup(int id, struct msgqueue **mqp)
{
	struct ipc_object *io;
	int error = ipc_lookup(&queues, id, &io);

	*mqp = (struct msgqueue *)io;
	return error;
}

/* => mq_lock, given back for the time */
static int wait(struct msgqueue *mq, kcondvar_t *cv)
{
	int error = cv_wait_sig(cv, &mq->mq_lock);

	if (mq->mq_removed)
		return EIDRM;
	return error == ERESTART ? EINTR : error; /* never restarted: signal(7) */
}

/* Linux lets empty messages in up to a count of the bytes, too. */
static bool full(const struct msgqueue *mq, size_t len)
{
	return mq->mq_bytes + len > mq->mq_maxbytes || mq->mq_count >= mq->mq_maxbytes;
}

static int msg_send(struct msgqueue *mq, struct message *m, int flags)
{
	int error = 0;

	mutex_enter(&mq->mq_lock);
	if (mq->mq_removed)
		error = EIDRM;
	while (!error && full(mq, m->m_len))
		error = flags & IPC_NOWAIT ? EAGAIN : wait(mq, &mq->mq_writable);
	if (!error) {
		TAILQ_INSERT_TAIL(&mq->mq_messages, m, m_list);
		mq->mq_bytes += m->m_len;
		mq->mq_count++;
		mq->mq_lspid = 1;
		mq->mq_stime = ipc_time();
		cv_broadcast(&mq->mq_readable); /* each may wait for another type */
	}
	mutex_exit(&mq->mq_lock);
	return error;
}

long do_sys_msgsnd(int id, const void *umsg, size_t len, int flags)
{
	struct msgqueue *mq;
	struct message *m;
	long type;
	int error = copyin(umsg, &type, sizeof(type));

	if (!error && (type < 1 || len > MSG_MAX_SIZE))
		error = EINVAL;
	if (!error)
		error = lookup(id, &mq);
	if (error)
		return sysret(error, 0);
	m = kmem_alloc(sizeof(*m) + len);
	if (!m) {
		ipc_rele(&queues, &mq->mq_ipc);
		return sysret(ENOMEM, 0);
	}
	m->m_type = type;
	m->m_len = len;
	error = copyin((const char *)umsg + sizeof(type), m->m_text, len);
	if (!error)
		error = msg_send(mq, m, flags);
	if (error)
		message_free(m);
	ipc_rele(&queues, &mq->mq_ipc);
	return sysret(error, 0);
}

/* What msgrcv(2) says of its type.  => mq_lock */
static struct message *select_message(struct msgqueue *mq, long type, int flags)
{
	struct message *m, *lowest = NULL;

	TAILQ_FOREACH (m, &mq->mq_messages, m_list) {
		if (type == 0 || (type > 0 && (m->m_type == type) == !(flags & MSG_EXCEPT)))
			return m;
		if (type < 0 && m->m_type <= (type == LONG_MIN ? LONG_MAX : -type) &&
		    (!lowest || m->m_type < lowest->m_type))
			lowest = m;
	}
	return lowest;
}

static int msg_receive(struct msgqueue *mq, size_t len, long type, int flags, struct message **mp)
{
	struct message *m = NULL;
	int error = 0;

	mutex_enter(&mq->mq_lock);
	if (mq->mq_removed)
		error = EIDRM;
	while (!error && !(m = select_message(mq, type, flags)))
		error = flags & IPC_NOWAIT ? ENOMSG : wait(mq, &mq->mq_readable);
	if (!error && m->m_len > len && !(flags & MSG_NOERROR))
		error = E2BIG;
	if (!error) {
		TAILQ_REMOVE(&mq->mq_messages, m, m_list);
		mq->mq_bytes -= m->m_len;
		mq->mq_count--;
		mq->mq_lrpid = 1;
		mq->mq_rtime = ipc_time();
		cv_broadcast(&mq->mq_writable);
	}
	mutex_exit(&mq->mq_lock);
	*mp = m;
	return error;
}

long do_sys_msgrcv(int id, void *umsg, size_t len, long type, int flags)
{
	struct msgqueue *mq;
	struct message *m;
	size_t n = 0;
	int error = len > LONG_MAX || flags & MSG_COPY ? EINVAL : lookup(id, &mq);

	if (error)
		return sysret(error, 0);
	error = msg_receive(mq, len, type, flags, &m);
	if (!error) {
		n = KMIN(len, m->m_len);
		error = copyout(&m->m_type, umsg, sizeof(m->m_type));
		if (!error)
			error = copyout(m->m_text, (char *)umsg + sizeof(m->m_type), n);
		message_free(m);
	}
	ipc_rele(&queues, &mq->mq_ipc);
	return sysret(error, (long)n);
}

static int msg_stat(struct msgqueue *mq, struct msqid_ds *uds)
{
	struct msqid_ds ds = {0};

	mutex_enter(&mq->mq_lock);
	ipc_stat(&mq->mq_ipc, &ds.msg_perm);
	ds.msg_stime = mq->mq_stime;
	ds.msg_rtime = mq->mq_rtime;
	ds.msg_ctime = mq->mq_ctime;
	ds.msg_cbytes = mq->mq_bytes;
	ds.msg_qnum = mq->mq_count;
	ds.msg_qbytes = mq->mq_maxbytes;
	ds.msg_lspid = mq->mq_lspid;
	ds.msg_lrpid = mq->mq_lrpid;
	mutex_exit(&mq->mq_lock);
	return copyout(&ds, uds, sizeof(ds));
}

static int msg_set(struct msgqueue *mq, const struct msqid_ds *uds)
{
	struct msqid_ds ds;
	int error = copyin(uds, &ds, sizeof(ds));

	if (error)
		return error;
	mutex_enter(&mq->mq_lock);
	ipc_set(&mq->mq_ipc, &ds.msg_perm);
	mq->mq_maxbytes = ds.msg_qbytes;
	mq->mq_ctime = ipc_time();
	cv_broadcast(&mq->mq_writable);
	mutex_exit(&mq->mq_lock);
	return 0;
}

static void queue_remove(struct msgqueue *mq)
{
	(void)ipc_remove(&queues, &mq->mq_ipc);
	mutex_enter(&mq->mq_lock);
	mq->mq_removed = true;
	cv_broadcast(&mq->mq_readable);
	cv_broadcast(&mq->mq_writable);
	mutex_exit(&mq->mq_lock);
}

long do_sys_msgctl(int id, int cmd, struct msqid_ds *uds)
{
	struct msgqueue *mq;
	int error = lookup(id, &mq);

	if (error)
		return sysret(error, 0);
	switch (cmd & IPC_CMD) {
	case IPC_RMID:
		queue_remove(mq);
		break;
	case IPC_STAT:
		error = msg_stat(mq, uds);
		break;
	case IPC_SET:
		error = msg_set(mq, uds);
		break;
	default:
		error = EINVAL;
	}
	ipc_rele(&queues, &mq->mq_ipc);
	return sysret(error, 0);
}
