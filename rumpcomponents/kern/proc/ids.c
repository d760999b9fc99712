/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who the program is: a process alone in its group and session, user and group 0 until it says
 * otherwise. It may drop its privileges and is then told what Linux would tell it, though nothing
 * here is protected from it.
 */
#include <linux/capability.h>
#include <kern/cpu.h>
#include <kern/proc.h>
#include <kern/sysproto.h>
#include <kern/systm.h>

#define NGROUPS 32
#define SAME	((uint32_t)-1)

enum { REAL, EFFECTIVE, SAVED };
static uint32_t uids[3], gids[3];
static gid_t groups[NGROUPS];
static unsigned ngroups;

long do_sys_getpid(void)
{
	return curproc->p_pid;
}

long do_sys_getppid(void)
{
	struct proc *parent = curproc->p_parent;

	return curproc == &proc_first ? 0 : parent != NULL ? parent->p_pid : 1;
}

long do_sys_getpgrp(void)
{
	return curproc->p_pid;
}

long do_sys_getuid(void)
{
	return uids[REAL];
}

long do_sys_geteuid(void)
{
	return uids[EFFECTIVE];
}

long do_sys_getgid(void)
{
	return gids[REAL];
}

long do_sys_getegid(void)
{
	return gids[EFFECTIVE];
}

static bool own_pid(pid_t pid)
{
	return pid == 0 || pid == curproc->p_pid;
}

long do_sys_getpgid(pid_t pid)
{
	return own_pid(pid) ? curproc->p_pid : sysret(ESRCH, 0);
}

long do_sys_getsid(pid_t pid)
{
	return own_pid(pid) ? curproc->p_pid : sysret(ESRCH, 0);
}

long do_sys_setpgid(pid_t pid, pid_t pgid)
{
	if (pgid < 0)
		return sysret(EINVAL, 0);
	if (!own_pid(pid))
		return sysret(ESRCH, 0);
	return sysret(own_pid(pgid) ? 0 : EPERM, 0);
}

/* The first process is a session leader already. */
long do_sys_setsid(void)
{
	return sysret(curproc == &proc_first ? EPERM : 0, curproc->p_pid);
}

/* Set those of the three that are not SAME; without privilege only to one that we have. */
static int set_ids(uint32_t *ids, const uint32_t *new)
{
	for (int i = 0; i < 3; i++)
		if (new[i] != SAME && uids[EFFECTIVE] != 0 && new[i] != ids[REAL] &&
		    new[i] != ids[EFFECTIVE] && new[i] != ids[SAVED])
			return EPERM;
	for (int i = 0; i < 3; i++)
		if (new[i] != SAME)
			ids[i] = new[i];
	return 0;
}

static long set_id(uint32_t *ids, uint32_t id)
{
	bool privileged = uids[EFFECTIVE] == 0;

	if (id == SAME)
		return sysret(EINVAL, 0);
	return sysret(
	    set_ids(ids, (uint32_t[]){privileged ? id : SAME, id, privileged ? id : SAME}), 0);
}

static long set_reid(uint32_t *ids, uint32_t real, uint32_t effective)
{
	uint32_t saved =
	    real != SAME || (effective != SAME && effective != ids[REAL]) ? effective : SAME;

	if (saved == SAME && real != SAME)
		saved = ids[EFFECTIVE];
	return sysret(set_ids(ids, (uint32_t[]){real, effective, saved}), 0);
}

static long get_ids(const uint32_t *ids, uint32_t *r, uint32_t *e, uint32_t *s)
{
	int error = copyout(&ids[REAL], r, sizeof(*r));

	if (error == 0)
		error = copyout(&ids[EFFECTIVE], e, sizeof(*e));
	if (error == 0)
		error = copyout(&ids[SAVED], s, sizeof(*s));
	return sysret(error, 0);
}

long do_sys_setuid(uid_t uid)
{
	return set_id(uids, uid);
}

long do_sys_setgid(gid_t gid)
{
	return set_id(gids, gid);
}

long do_sys_setreuid(uid_t ruid, uid_t euid)
{
	return set_reid(uids, ruid, euid);
}

long do_sys_setregid(gid_t rgid, gid_t egid)
{
	return set_reid(gids, rgid, egid);
}

long do_sys_setresuid(uid_t ruid, uid_t euid, uid_t suid)
{
	return sysret(set_ids(uids, (uint32_t[]){ruid, euid, suid}), 0);
}

long do_sys_setresgid(gid_t rgid, gid_t egid, gid_t sgid)
{
	return sysret(set_ids(gids, (uint32_t[]){rgid, egid, sgid}), 0);
}

long do_sys_getresuid(uid_t *ruid, uid_t *euid, uid_t *suid)
{
	return get_ids(uids, ruid, euid, suid);
}

long do_sys_getresgid(gid_t *rgid, gid_t *egid, gid_t *sgid)
{
	return get_ids(gids, rgid, egid, sgid);
}

long do_sys_setfsuid(uid_t uid)
{
	return uids[EFFECTIVE];
}

long do_sys_setfsgid(gid_t gid)
{
	return gids[EFFECTIVE];
}

long do_sys_getgroups(int size, gid_t *list)
{
	if (size < 0 || (size > 0 && (unsigned)size < ngroups))
		return sysret(EINVAL, 0);
	return sysret(size > 0 ? copyout(groups, list, ngroups * sizeof(gid_t)) : 0, ngroups);
}

long do_sys_setgroups(size_t size, const gid_t *list)
{
	gid_t new[NGROUPS];
	int error;

	if (uids[EFFECTIVE] != 0)
		return sysret(EPERM, 0);
	if (size > NGROUPS)
		return sysret(EINVAL, 0);
	error = copyin(list, new, size * sizeof(gid_t));
	if (error == 0) {
		memcpy(groups, new, size * sizeof(gid_t));
		ngroups = (unsigned)size;
	}
	return sysret(error, 0);
}

/* All capabilities with user 0, else none. */
long do_sys_capget(void *header, void *data)
{
	struct __user_cap_header_struct h;
	struct __user_cap_data_struct d[2];
	unsigned n = 2;
	int error = copyin(header, &h, sizeof(h));

	if (error != 0)
		return sysret(error, 0);
	if (h.version == _LINUX_CAPABILITY_VERSION_1) {
		n = 1;
	} else if (h.version != _LINUX_CAPABILITY_VERSION_3 &&
		   h.version != _LINUX_CAPABILITY_VERSION_2) {
		h.version = _LINUX_CAPABILITY_VERSION_3;
		error = copyout(&h, header, sizeof(h));
		return sysret(error != 0 ? error : data != NULL ? EINVAL : 0, 0);
	}
	memset(d, uids[EFFECTIVE] == 0 ? 0xff : 0, sizeof(d));
	d[0].inheritable = d[1].inheritable = 0;
	return sysret(data != NULL ? copyout(d, data, n * sizeof(d[0])) : 0, 0);
}

long do_sys_capset(void *header, const void *data)
{
	return sysret(uids[EFFECTIVE] == 0 ? 0 : EPERM, 0);
}
