/* SPDX-License-Identifier: BSD-2-Clause */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <check.h>

#include <kern/kmem.h>
#include <vfs/mount.h>

#include "fakelower.h"
#include "vfs_impl.h"

static struct lnode {
	const char *path; /* parents come first */
	uint32_t kind;
	const char *text; /* of a file or link; NULL: of the big one */
	size_t size;
	struct vnode vnode;
	struct lnode *parent;
	const char *name;
	char *page;
} nodes[] = {
    {.path = "", .kind = S_IFDIR, .text = ""},
    {.path = "/t", .kind = S_IFDIR, .text = ""},
    {.path = "/t/a", .kind = S_IFDIR, .text = ""},
    {.path = "/t/a/a", .kind = S_IFREG, .text = "hello"},
    {.path = "/t/a/b", .kind = S_IFDIR, .text = ""},
    {.path = "/t/a/b/c", .kind = S_IFREG, .text = ""},
    {.path = "/t/a/b/d", .kind = S_IFDIR, .text = ""},
    {.path = "/t/b", .kind = S_IFREG, .text = "a file at the top"},
    {.path = "/t/c", .kind = S_IFLNK, .text = "a/b"},
    {.path = "/t/d", .kind = S_IFDIR, .text = ""},
    {.path = "/t/d/a", .kind = S_IFLNK, .text = "nowhere"},
    {.path = "/t/d/b", .kind = S_IFDIR, .text = ""},
    {.path = "/t/d/b/a", .kind = S_IFREG, .text = "1"},
    {.path = "/t/d/b/b", .kind = S_IFREG, .text = "22"},
    {.path = "/t/big", .kind = S_IFREG, .size = LOWER_BIG},
};

static struct mount lower_mount;
static volatile long fail_at = -1;

void lower_fail(long n)
{
	fail_at = n;
}

static int must_fail(void)
{
	return fail_at >= 0 && fail_at-- == 0 ? EIO : 0;
}

char lower_byte(size_t i)
{
	return (char)(i * 7 + (i >> 8));
}

static struct lnode *VTOL(struct vnode *vp)
{
	return container_of(vp, struct lnode, vnode);
}

static int lower_lookup(struct vnode *dvp, const struct name *name, struct vnode **vpp)
{
	int error = must_fail();

	for (unsigned i = 0; i < NELEM(nodes) && error == 0; i++) {
		struct lnode *ln = &nodes[i];
		if (ln->parent != VTOL(dvp) || strlen(ln->name) != name->n_len ||
		    memcmp(ln->name, name->n_str, name->n_len) != 0)
			continue;
		vref(&ln->vnode);
		*vpp = &ln->vnode;
		return 0;
	}
	return error ? error : ENOENT;
}

static int lower_readdir(struct vnode *vp, int64_t *off, struct direntsink *ds)
{
	int error = must_fail();

	for (; *off < (int64_t)NELEM(nodes) && error == 0; ++*off) {
		struct lnode *ln = &nodes[*off];
		struct name name = {ln->name, ln->name ? (unsigned)strlen(ln->name) : 0};
		if (ln->parent != VTOL(vp))
			continue;
		if (!ds->ds_emit(ds, &name, (uint64_t)*off + 10, ln->kind, *off + 1))
			return 0;
	}
	return error;
}

static int lower_getattr(struct vnode *vp, struct stat *st)
{
	struct lnode *ln = VTOL(vp);

	st->st_ino = (uint64_t)(ln - nodes) + 10;
	st->st_mode = ln->kind | 0755;
	st->st_nlink = 1 + vn_isdir(vp);
	st->st_size = (int64_t)ln->size;
	for (unsigned i = 0; i < NELEM(nodes); i++)
		st->st_nlink += nodes[i].parent == ln && nodes[i].kind == S_IFDIR;
	return must_fail();
}

static int lower_readlink(struct vnode *vp, char *buf, size_t *len)
{
	*len = KMIN(*len, VTOL(vp)->size);
	memcpy(buf, VTOL(vp)->text, *len);
	return must_fail();
}

static int lower_read(struct vnode *vp, struct uio *uio)
{
	struct lnode *ln = VTOL(vp);
	int error = must_fail();

	if (error || uio->uio_offset >= (int64_t)ln->size)
		return error;
	/* More than is asked for is offered: uiomove() is to stop by itself. */
	return uiomove(ln->page + uio->uio_offset, ln->size - (size_t)uio->uio_offset, uio);
}

static int lower_getpage(struct vnode *vp, uint64_t off, bool write, uint64_t *pa)
{
	*pa = page_pa(VTOL(vp)->page + off);
	return must_fail();
}

static void lower_putpage(struct vnode *vp, uint64_t off, uint64_t pa, bool dirty)
{
	ck_assert(!dirty);
}

static int lower_peek(struct vnode *vp, int64_t off, size_t len, struct file_extent *ext)
{
	struct lnode *ln = VTOL(vp);

	*ext = (struct file_extent){ln->page + off, KMIN(len, ln->size - (size_t)off), NULL, NULL};
	return must_fail();
}

static void lower_reclaim(struct vnode *vp)
{
	ck_abort_msg("a reference to %s too many was dropped", VTOL(vp)->path);
}

static const struct vnodeops lower_ops = {
    .vop_lookup = lower_lookup,
    .vop_readdir = lower_readdir,
    .vop_getattr = lower_getattr,
    .vop_readlink = lower_readlink,
    .vop_read = lower_read,
    .vop_getpage = lower_getpage,
    .vop_putpage = lower_putpage,
    .vop_peek = lower_peek,
    .vop_reclaim = lower_reclaim,
};

static void fill(struct lnode *ln)
{
	static char room[NELEM(nodes) * PAGE_SIZE + LOWER_BIG + PAGE_SIZE]
	    __attribute__((aligned(4096)));
	static size_t used;

	if (ln->text)
		ln->size = strlen(ln->text);
	ln->page = room + used;
	used += round_page(ln->size + 1);
	for (size_t i = 0; i < ln->size; i++)
		ln->page[i] = ln->text ? ln->text[i] : lower_byte(i);
}

static int lower_start(void)
{
	for (unsigned i = 0; i < NELEM(nodes); i++) {
		struct lnode *ln = &nodes[i];
		const char *slash = strrchr(ln->path, '/');

		vnode_init(&ln->vnode, &lower_ops, &lower_mount, ln->kind);
		fill(ln);
		ln->name = slash ? slash + 1 : NULL;
		for (unsigned k = 0; k < i && slash; k++) {
			size_t len = strlen(nodes[k].path);
			if ((size_t)(slash - ln->path) == len &&
			    memcmp(nodes[k].path, ln->path, len) == 0)
				ln->parent = &nodes[k];
		}
	}
	lower_mount.mnt_root = vfs_lower_root = &nodes[0].vnode;
	return 0;
}
VFS_FILESYSTEM(fakelower, VFS_STAGE_LOWER, lower_start);

void lower_populate(int dirfd)
{
	for (unsigned i = 2; i < NELEM(nodes); i++) {
		const struct lnode *ln = &nodes[i];
		const char *path = ln->path + strlen("/t/");
		int fd;

		if (ln->kind == S_IFDIR) {
			ck_assert_int_eq(mkdirat(dirfd, path, 0755), 0);
		} else if (ln->kind == S_IFLNK) {
			ck_assert_int_eq(symlinkat(ln->text, dirfd, path), 0);
		} else {
			fd = openat(dirfd, path, O_CREAT | O_WRONLY, 0644);
			ck_assert_int_eq(write(fd, ln->page, ln->size), (ssize_t)ln->size);
			close(fd);
		}
	}
}

unsigned lower_references(void)
{
	unsigned n = 0;

	for (unsigned i = 0; i < NELEM(nodes); i++)
		n += nodes[i].vnode.v_usecount - 1;
	return n;
}
