/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What System V's semaphores, message queues and shared memory have in common (sysvipc(7)): keys,
 * identifiers, permissions, and that an object which is removed wakes those who use it.
 *
 * The program is the only user there is, so permissions are kept and shown but deny nothing.
 */
#ifndef KERN_IPCVAR_H
#define KERN_IPCVAR_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/ipc.h>
#include <time.h>
#include <kern/mutex.h>

#define IPC_SLOTS 128  /* objects of each kind */
#define IPC_CMD	  0xff /* of a ctl call: libc adds a bit that says "64-bit structures" */

/*
 * Embedded at the start of each kind's structure.  Key, number and references are under the lock of
 * its struct ipc_ids, the rest under one of the kind's choice.
 */
struct ipc_object {
	key_t io_key; /* IPC_PRIVATE: nobody finds it */
	int io_id;
	unsigned io_refs; /* the table's, and one for each call in progress */
	uid_t io_uid, io_cuid;
	gid_t io_gid, io_cgid;
	mode_t io_mode;
};

struct ipc_ids {
	kmutex_t ii_lock; /* MUTEX_DEFAULT; initialised by its owner in RUMP_PHASE_KERN */
	struct ipc_object *ii_slots[IPC_SLOTS];
	unsigned ii_sequence;
	/* The last reference is gone.  May sleep. */
	void (*ii_free)(struct ipc_object *io);
};

/* How to find or make an object. */
struct ipc_request {
	key_t ir_key;
	int ir_flags;	/* IPC_CREAT, IPC_EXCL, mode */
	size_t ir_size; /* what it means is the kind's business */
	/* A new one, zeroed but for the kind's own; ENOMEM, EINVAL ... */
	int (*ir_make)(size_t size, struct ipc_object **iop);
	/* Does one that was found suit?  => ii_lock */
	int (*ir_check)(const struct ipc_object *io, size_t size);
};

/* ENOENT, EEXIST, ENOSPC, and what the functions say.  *id is the result. */
int ipc_get(struct ipc_ids *ids, const struct ipc_request *ir, int *id);
/* The object, with a reference that ipc_rele() drops.  EINVAL: there is none of that number. */
int ipc_lookup(struct ipc_ids *ids, int id, struct ipc_object **iop);
void ipc_rele(struct ipc_ids *ids, struct ipc_object *io);
/* Take it out of the table: false if it is no longer there.  Drops the table's reference. */
bool ipc_remove(struct ipc_ids *ids, struct ipc_object *io);

/* For the structures' *_ctime and the like: wall clock, in seconds. */
time_t ipc_time(void);
/* IPC_STAT and IPC_SET. */
void ipc_stat(const struct ipc_object *io, struct ipc_perm *perm);
void ipc_set(struct ipc_object *io, const struct ipc_perm *perm);

#endif
