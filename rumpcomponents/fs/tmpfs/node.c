/* SPDX-License-Identifier: BSD-2-Clause */
/* Nodes: life and attributes. */
#include <vfs/device.h>
#include "tmpfs_impl.h"

static POOL_DEFINE(node_pool, sizeof(struct tmpfs_node), "tmpfs_node");
/* Nodes of the image keep its numbers, which are below. */
static volatile uint64_t last_ino = 1ULL << 32;

static struct tmpfs_node *node_new(mode_t mode, enum tmpfs_need need)
{
	struct tmpfs_node *n;
	uint32_t kind = mode & S_IFMT;

	if (!tmpfs_charge(sizeof(*n), need))
		return NULL;
	n = pool_zget(&node_pool);
	if (!n) {
		tmpfs_uncharge(sizeof(*n));
		return NULL;
	}
	vnode_init(&n->tn_vnode,
	    kind == S_IFDIR   ? &tmpfs_dirops
	    : kind == S_IFREG ? &tmpfs_fileops
			      : &tmpfs_otherops,
	    &tmpfs_mount, kind);
	n->tn_mode = mode;
	if (kind == S_IFDIR) {
		TAILQ_INIT(&n->tn_entries);
		n->tn_nextcookie = TMPFS_COOKIE_FIRST;
	} else if (kind == S_IFREG) {
		mutex_init(&n->tn_pages_lock, MUTEX_DEFAULT);
	}
	return n;
}

static void node_free(struct tmpfs_node *n)
{
	pool_put(&node_pool, n);
	tmpfs_uncharge(sizeof(*n));
}

struct tmpfs_node *tmpfs_node_alloc(mode_t mode, uint64_t rdev, const char *target)
{
	struct tmpfs_node *n = node_new(mode, TMPFS_MAY);

	if (!n)
		return NULL;
	if (target) {
		n->tn_size = (int64_t)strlen(target);
		n->tn_target = tmpfs_alloc((size_t)n->tn_size + 1, TMPFS_MAY);
		if (!n->tn_target) {
			node_free(n);
			return NULL;
		}
		memcpy(n->tn_target, target, (size_t)n->tn_size + 1);
	}
	n->tn_ino = __atomic_add_fetch(&last_ino, 1, __ATOMIC_RELAXED);
	n->tn_rdev = rdev;
	n->tn_nlink = S_ISDIR(mode) ? 2 : 1;
	n->tn_atime = n->tn_mtime = n->tn_ctime = (int64_t)nanotime();
	return n;
}

static int64_t ns_of(const struct timespec *ts)
{
	return ts->tv_sec * 1000000000 + ts->tv_nsec;
}

struct tmpfs_node *tmpfs_node_over(struct vnode *vp)
{
	struct tmpfs_node *n;
	struct stat st = {0};

	if (vp->v_op->vop_getattr(vp, &st) != 0)
		return NULL;
	n = node_new(st.st_mode, TMPFS_MUST);
	if (!n)
		return NULL;
	n->tn_ino = st.st_ino;
	n->tn_nlink = (uint32_t)st.st_nlink;
	n->tn_uid = st.st_uid;
	n->tn_gid = st.st_gid;
	n->tn_rdev = st.st_rdev;
	n->tn_size = st.st_size;
	n->tn_atime = ns_of(&st.st_atim);
	n->tn_mtime = ns_of(&st.st_mtim);
	n->tn_ctime = ns_of(&st.st_ctim);
	n->tn_lower = vp;
	if (S_ISREG(st.st_mode))
		n->tn_lowersize = st.st_size;
	return n;
}

static void ns_to_ts(int64_t ns, struct timespec *ts)
{
	ts->tv_sec = ns / 1000000000;
	ts->tv_nsec = ns % 1000000000;
	if (ts->tv_nsec < 0) {
		ts->tv_sec--;
		ts->tv_nsec += 1000000000;
	}
}

int tmpfs_getattr(struct vnode *vp, struct stat *st)
{
	struct tmpfs_node *n = VTON(vp);

	st->st_ino = n->tn_ino;
	st->st_mode = n->tn_mode;
	st->st_nlink = n->tn_nlink;
	st->st_uid = n->tn_uid;
	st->st_gid = n->tn_gid;
	st->st_rdev = n->tn_rdev;
	st->st_size = n->tn_size;
	st->st_blksize = PAGE_SIZE;
	if (vp->v_kind == S_IFREG)
		st->st_blocks =
		    (int64_t)(KMAX(n->tn_npages, round_page(n->tn_lowersize) >> PAGE_SHIFT) *
			      (PAGE_SIZE / 512));
	ns_to_ts(n->tn_atime, &st->st_atim);
	ns_to_ts(n->tn_mtime, &st->st_mtim);
	ns_to_ts(n->tn_ctime, &st->st_ctim);
	return 0;
}

int tmpfs_setattr(struct vnode *vp, const struct vattr *va)
{
	struct tmpfs_node *n = VTON(vp);
	int error;

	if (va->va_mask & VA_SIZE) {
		error = tmpfs_truncate(n, va->va_size);
		if (error)
			return error;
	}
	if (va->va_mask & VA_MODE)
		n->tn_mode = (n->tn_mode & S_IFMT) | (va->va_mode & 07777);
	if (va->va_mask & VA_UID)
		n->tn_uid = va->va_uid;
	if (va->va_mask & VA_GID)
		n->tn_gid = va->va_gid;
	if (va->va_mask & VA_ATIME)
		n->tn_atime = va->va_atime;
	if (va->va_mask & VA_MTIME)
		n->tn_mtime = va->va_mtime;
	n->tn_ctime = (int64_t)nanotime();
	return 0;
}

static int tmpfs_readlink(struct vnode *vp, char *buf, size_t *len)
{
	struct tmpfs_node *n = VTON(vp);

	if (vp->v_kind != S_IFLNK)
		return EINVAL;
	if (!n->tn_target)
		return n->tn_lower->v_op->vop_readlink(n->tn_lower, buf, len);
	*len = KMIN(*len, (size_t)n->tn_size);
	memcpy(buf, n->tn_target, *len);
	return 0;
}

/* A device: whoever registered for its number opens it. */
static int tmpfs_open(struct vnode *vp, int flags, struct file **fpp)
{
	return vfs_device_open(vp, VTON(vp)->tn_rdev, flags, fpp);
}

void tmpfs_reclaim(struct vnode *vp)
{
	struct tmpfs_node *n = VTON(vp);

	if (vp->v_kind == S_IFDIR)
		tmpfs_dir_free(n);
	else if (vp->v_kind == S_IFREG)
		tmpfs_pages_free(n);
	else if (vp->v_kind == S_IFLNK && n->tn_target)
		tmpfs_free(n->tn_target, (size_t)n->tn_size + 1);
	if (n->tn_lower)
		vrele(n->tn_lower);
	node_free(n);
}

const struct vnodeops tmpfs_otherops = {
    .vop_getattr = tmpfs_getattr,
    .vop_setattr = tmpfs_setattr,
    .vop_readlink = tmpfs_readlink,
    .vop_open = tmpfs_open,
    .vop_reclaim = tmpfs_reclaim,
};
