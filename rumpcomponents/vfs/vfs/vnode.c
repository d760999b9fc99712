/* SPDX-License-Identifier: BSD-2-Clause */
/* vnodes' life, mounts, and how vfs starts. */
#include <kern/component.h>
#include "vfs_impl.h"

LINK_SET_DECLARE(filesystems, const struct vfs_filesystem);

struct vnode *vfs_lower_root, *vfs_root;
kmutex_t vfs_rename_lock;
static uint64_t last_dev;

static struct vnode *object_vnode(struct vm_object *obj)
{
	return container_of(obj, struct vnode, v_object);
}

static int object_getpage(struct vm_object *obj, uint64_t off, bool shared_write, uint64_t *pa)
{
	struct vnode *vp = object_vnode(obj);

	return vp->v_op->vop_getpage(vp, off, shared_write, pa);
}

static void object_putpage(struct vm_object *obj, uint64_t off, uint64_t pa, bool dirty)
{
	struct vnode *vp = object_vnode(obj);

	vp->v_op->vop_putpage(vp, off, pa, dirty);
}

static void object_ref(struct vm_object *obj)
{
	vref(object_vnode(obj));
}

static void object_rele(struct vm_object *obj)
{
	vrele(object_vnode(obj));
}

static const struct vm_objectops object_ops = {
    .vo_getpage = object_getpage,
    .vo_putpage = object_putpage,
    .vo_ref = object_ref,
    .vo_rele = object_rele,
};

void vnode_init(struct vnode *vp, const struct vnodeops *op, struct mount *mp, uint32_t kind)
{
	memset(vp, 0, sizeof(*vp));
	vp->v_op = op;
	vp->v_mount = mp;
	vp->v_kind = kind;
	vp->v_usecount = 1;
	vp->v_object.vo_ops = &object_ops;
	rw_init(&vp->v_lock);
	LOCKDEBUG_RW_NESTS(&vp->v_lock, LOCK_BY_ADDRESS);
	if (kind == S_IFDIR) { /* before what is not one; a directory before what lies in it */
		LOCKDEBUG_RW_CLASS(&vp->v_lock, "v_lock of directories");
		LOCKDEBUG_RW_NESTS(&vp->v_lock, LOCK_BY_USERS);
	}
}

bool vtryref(struct vnode *vp)
{
	uint32_t n = __atomic_load_n(&vp->v_usecount, __ATOMIC_RELAXED);

	while (n != 0)
		if (__atomic_compare_exchange_n(
			&vp->v_usecount, &n, n + 1, true, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
			return true;
	return false;
}

void vrele(struct vnode *vp)
{
	uint32_t n = __atomic_fetch_sub(&vp->v_usecount, 1, __ATOMIC_ACQ_REL);

	KASSERT(n > 0);
	if (n > 1)
		return;
	/* Only the name cache can still find it, and does not revive it. */
	if (vp->v_cached)
		cache_purge_vnode(vp);
	rw_destroy(&vp->v_lock);
	vp->v_op->vop_reclaim(vp);
}

struct vnode *vfs_cross(struct vnode *vp)
{
	struct mount *mp;

	while ((mp = __atomic_load_n(&vp->v_mountedhere, __ATOMIC_ACQUIRE)) != NULL) {
		vref(mp->mnt_root);
		vrele(vp);
		vp = mp->mnt_root;
	}
	return vp;
}

int vfs_mount(struct mount *mp, struct vnode *covered)
{
	if (covered ? covered->v_mountedhere != NULL : vfs_root != NULL)
		return EBUSY;
	mp->mnt_dev = ++last_dev;
	mp->mnt_covered = covered;
	if (covered)
		__atomic_store_n(&covered->v_mountedhere, mp, __ATOMIC_RELEASE);
	else
		vfs_root = mp->mnt_root;
	return 0;
}

static int vfs_init(void)
{
	const struct vfs_filesystem *const *vf;

	mutex_init(&vfs_rename_lock, MUTEX_DEFAULT);
	cache_init();
	for (int stage = 0; stage < VFS_NSTAGES; stage++) {
		LINK_SET_FOREACH (vf, filesystems) {
			int error = (int)(*vf)->vf_stage == stage ? (*vf)->vf_start() : 0;
			if (error) {
				kprintf("kiln: file system %s: error %d\n", (*vf)->vf_name, error);
				return error;
			}
		}
	}
	return vfs_root ? 0 : ENODEV;
}
RUMP_COMPONENT(vfs, RUMP_PHASE_FS, vfs_init);
