/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Identifiers of System V IPC.  An identifier names a slot and carries a number that differs each
 * time the slot is used, so that one of an object that is gone finds nothing.
 */
#include <limits.h>
#include <kern/ipcvar.h>
#include <kern/ktime.h>
#include <kern/sysproto.h>
#include <kern/systm.h>

#define SEQUENCES (INT_MAX / IPC_SLOTS)

static struct ipc_object *find(struct ipc_ids *ids, key_t key)
{
	for (unsigned i = 0; i < IPC_SLOTS; i++)
		if (ids->ii_slots[i] && ids->ii_slots[i]->io_key == key)
			return ids->ii_slots[i];
	return NULL;
}

static int make(struct ipc_ids *ids, const struct ipc_request *ir, int *id)
{
	struct ipc_object *io;
	unsigned slot = 0;
	int error;

	while (slot < IPC_SLOTS && ids->ii_slots[slot])
		slot++;
	if (slot == IPC_SLOTS)
		return ENOSPC;
	error = ir->ir_make(ir->ir_size, &io);
	if (error)
		return error;
	io->io_key = ir->ir_key;
	io->io_id = (int)(ids->ii_sequence++ % SEQUENCES * IPC_SLOTS + slot);
	io->io_refs = 1;
	io->io_uid = io->io_cuid = (uid_t)do_sys_geteuid();
	io->io_gid = io->io_cgid = (gid_t)do_sys_getegid();
	io->io_mode = (mode_t)ir->ir_flags & 0777;
	ids->ii_slots[slot] = io;
	*id = io->io_id;
	return 0;
}

int ipc_get(struct ipc_ids *ids, const struct ipc_request *ir, int *id)
{
	struct ipc_object *io = NULL;
	int error;

	mutex_enter(&ids->ii_lock);
	if (ir->ir_key != IPC_PRIVATE)
		io = find(ids, ir->ir_key);
	if (!io && ir->ir_key != IPC_PRIVATE && !(ir->ir_flags & IPC_CREAT))
		error = ENOENT;
	else if (!io)
		error = make(ids, ir, id);
	else if ((ir->ir_flags & (IPC_CREAT | IPC_EXCL)) == (IPC_CREAT | IPC_EXCL))
		error = EEXIST;
	else
		error = ir->ir_check(io, ir->ir_size);
	if (!error && io)
		*id = io->io_id;
	mutex_exit(&ids->ii_lock);
	return error;
}

int ipc_lookup(struct ipc_ids *ids, int id, struct ipc_object **iop)
{
	struct ipc_object *io;

	*iop = NULL;
	if (id < 0)
		return EINVAL;
	mutex_enter(&ids->ii_lock);
	io = ids->ii_slots[id % IPC_SLOTS];
	if (io && io->io_id == id)
		io->io_refs++;
	else
		io = NULL;
	mutex_exit(&ids->ii_lock);
	*iop = io;
	return io ? 0 : EINVAL;
}

void ipc_rele(struct ipc_ids *ids, struct ipc_object *io)
{
	bool last;

	mutex_enter(&ids->ii_lock);
	last = --io->io_refs == 0;
	mutex_exit(&ids->ii_lock);
	if (last)
		ids->ii_free(io);
}

bool ipc_remove(struct ipc_ids *ids, struct ipc_object *io)
{
	struct ipc_object **slot = &ids->ii_slots[io->io_id % IPC_SLOTS];
	bool there;

	mutex_enter(&ids->ii_lock);
	there = *slot == io;
	if (there)
		*slot = NULL;
	mutex_exit(&ids->ii_lock);
	if (there)
		ipc_rele(ids, io);
	return there;
}

void ipc_stat(const struct ipc_object *io, struct ipc_perm *perm)
{
	perm->__ipc_perm_key = io->io_key;
	perm->uid = io->io_uid;
	perm->gid = io->io_gid;
	perm->cuid = io->io_cuid;
	perm->cgid = io->io_cgid;
	perm->mode = io->io_mode;
	perm->__ipc_perm_seq = io->io_id / IPC_SLOTS;
}

void ipc_set(struct ipc_object *io, const struct ipc_perm *perm)
{
	io->io_uid = perm->uid;
	io->io_gid = perm->gid;
	io->io_mode = (io->io_mode & ~(mode_t)0777) | (perm->mode & 0777);
}

time_t ipc_time(void)
{
	return (time_t)(nanotime() / NSEC_PER_SEC);
}
