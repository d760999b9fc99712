/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A corrupt image can be a cycle of directories, or millions of names for one large file, so the
 * work is bounded: by depth, by nodes and by bytes.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <kern/uio.h>

#include "erofs_impl.h"
#include "erofs_walk.h"
#include "native.h"

#define MAXDEPTH 6
#define MAXNODES 400
#define MAXBYTES (1U << 20)
#define MAXNAMES 300 /* looked up in one directory */

struct state {
	struct erofs_image image;
	struct erofs_walk *w;
	unsigned nodes;
};

#define MUST(e)                                                                                    \
	do {                                                                                       \
		if (!(e)) {                                                                        \
			fprintf(stderr, "%s:%d: %s does not hold\n", __FILE__, __LINE__, #e);      \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

/* An error that an image, as opposed to a bug, can be the reason for. */
static bool expected(int error)
{
	return error == EUCLEAN || error == EOPNOTSUPP;
}

static size_t read_at(struct vnode *vp, uint64_t off, void *buf, size_t len)
{
	struct iovec iov;
	struct uio uio;

	uio_init1(&uio, &iov, buf, len, UIO_READ, UIO_SYSSPACE);
	uio.uio_offset = (int64_t)off;
	MUST(vp->v_op->vop_read(vp, &uio) == 0);
	MUST((uint64_t)uio.uio_offset == off + (len - uio.uio_resid));
	return len - uio.uio_resid;
}

/* Page by page as a mapping sees it, and as sendfile does; both must be what read gives. */
static void compare_ways(struct vnode *vp, uint64_t off, const uint8_t *data, size_t len)
{
	struct file_extent ext;
	uint64_t pa;
	const uint8_t *page;
	size_t done;

	MUST(vp->v_op->vop_getpage(vp, off, true, &pa) == EROFS);
	MUST(vp->v_op->vop_getpage(vp, off, false, &pa) == 0);
	page = page_va(pa);
	MUST(memcmp(page, data, len) == 0);
	for (done = len; done < PAGE_SIZE; done++)
		MUST(page[done] == 0);
	vp->v_op->vop_putpage(vp, off, pa, false);
	for (done = 0; done < len; done += ext.fe_len) {
		MUST(vp->v_op->vop_peek(vp, (int64_t)(off + done), len - done, &ext) == 0);
		MUST(ext.fe_len > 0 && ext.fe_len <= len - done);
		MUST(memcmp(ext.fe_addr, data + done, ext.fe_len) == 0);
	}
}

static void read_file(struct state *st, struct vnode *vp, uint64_t size)
{
	uint8_t data[PAGE_SIZE];
	struct file_extent ext;
	uint64_t off, pa;
	size_t n;

	for (off = 0; off < size && st->w->bytes < MAXBYTES; off += n) {
		n = read_at(vp, off, data, sizeof(data));
		MUST(n == KMIN(size - off, sizeof(data)));
		compare_ways(vp, off, data, n);
		if (n > 3) /* not from a page's start */
			MUST(read_at(vp, off + 3, data, 1) == 1);
		st->w->bytes += n;
	}
	MUST(read_at(vp, size, data, 1) == 0);
	MUST(read_at(vp, UINT64_MAX / 2, data, 1) == 0);
	MUST(vp->v_op->vop_peek(vp, (int64_t)size, 1, &ext) == 0 && ext.fe_len == 0);
	MUST(vp->v_op->vop_getpage(vp, ROUNDUP(size, PAGE_SIZE), false, &pa) == EFBIG);
}

static void read_link(struct vnode *vp, uint64_t size)
{
	char whole[4096], part[5];
	size_t len = sizeof(whole), short_len = sizeof(part);

	MUST(vp->v_op->vop_readlink(vp, whole, &len) == 0);
	MUST(len == size && len > 0);
	MUST(vp->v_op->vop_readlink(vp, part, &short_len) == 0);
	MUST(short_len == KMIN(size, sizeof(part)) && memcmp(part, whole, short_len) == 0);
}

struct names {
	struct direntsink sink;
	unsigned count, room; /* room: that are taken before the sink is full */
	int64_t last;
	struct {
		unsigned len;
		uint64_t ino;
		mode_t kind;
		char str[256];
	} names[MAXNAMES];
};

static bool collect(
    struct direntsink *ds, const struct name *name, uint64_t ino, mode_t kind, int64_t next)
{
	struct names *ns = container_of(ds, struct names, sink);

	MUST(name->n_len >= 1 && name->n_len <= 255);
	MUST(!memchr(name->n_str, '\0', name->n_len) && !memchr(name->n_str, '/', name->n_len));
	MUST(next > ns->last);
	if (ns->count == MAXNAMES || ns->room == 0)
		return false;
	ns->room--;
	ns->last = next;
	ns->names[ns->count].len = name->n_len;
	ns->names[ns->count].ino = ino;
	ns->names[ns->count].kind = kind;
	memcpy(ns->names[ns->count].str, name->n_str, name->n_len);
	ns->count++;
	return true;
}

static void names_init(struct names *ns, unsigned room)
{
	ns->sink.ds_emit = collect;
	ns->count = 0;
	ns->room = room;
	ns->last = 0;
}

/* In several calls, as getdents does. */
static int read_names(struct vnode *vp, struct names *ns, uint64_t size)
{
	static struct names scratch;
	int64_t off = 0;
	unsigned before, calls = 0;
	int error;

	names_init(ns, 0);
	do {
		before = ns->count;
		ns->room = 7;
		error = vp->v_op->vop_readdir(vp, &off, &ns->sink);
		MUST(off >= ns->last);
		MUST(++calls <= size / 12 + 2);
	} while (!error && ns->count > before && ns->count < MAXNAMES);
	/* From any position. */
	for (off = 0; off < (int64_t)size && off < 4096; off += 37) {
		int64_t at = off;
		names_init(&scratch, 2);
		scratch.last = -1;
		(void)vp->v_op->vop_readdir(vp, &at, &scratch.sink);
	}
	return error;
}

static void walk(struct state *st, struct vnode *vp, unsigned depth);

static int look_up(struct state *st, struct vnode *dvp, const struct name *name, unsigned depth)
{
	struct vnode *vp;
	int error = dvp->v_op->vop_lookup(dvp, name, &vp);

	MUST(error == 0 || error == ENOENT || expected(error));
	st->w->errors += expected(error);
	if (error)
		return error;
	if (name->n_str[0] != '.' && depth < MAXDEPTH)
		walk(st, vp, depth + 1);
	vrele(vp);
	return 0;
}

static void walk_dir(struct state *st, struct vnode *vp, uint64_t size, unsigned depth)
{
	struct names *ns = malloc(sizeof(*ns));
	struct name absent = {"zz no such name", 15}, none = {"!", 1};
	int error = read_names(vp, ns, size);

	MUST(error == 0 || expected(error));
	st->w->errors += error != 0;
	look_up(st, vp, &absent, depth);
	look_up(st, vp, &none, depth);
	for (unsigned i = 0; i < ns->count && st->nodes < MAXNODES; i++) {
		struct name name = {ns->names[i].str, ns->names[i].len};
		st->w->lost += look_up(st, vp, &name, depth) == ENOENT;
	}
	free(ns);
}

static void walk(struct state *st, struct vnode *vp, unsigned depth)
{
	struct stat sb = {0};

	st->nodes++;
	MUST(vp->v_op->vop_getattr(vp, &sb) == 0);
	MUST((sb.st_mode & S_IFMT) == vp->v_kind);
	MUST(sb.st_size >= 0 && (uint64_t)sb.st_size <= st->image.ei_size);
	MUST(sb.st_mtim.tv_nsec >= 0 && sb.st_mtim.tv_nsec < 1000000000);
	switch (vp->v_kind) {
	case S_IFREG:
		st->w->files++;
		read_file(st, vp, (uint64_t)sb.st_size);
		break;
	case S_IFLNK:
		st->w->links++;
		read_link(vp, (uint64_t)sb.st_size);
		break;
	case S_IFDIR:
		st->w->dirs++;
		walk_dir(st, vp, (uint64_t)sb.st_size, depth);
		break;
	default:
		st->w->others++;
		MUST(sb.st_size == 0);
	}
}

int erofs_walk(const void *image, size_t size, bool direct, struct erofs_walk *w)
{
	static struct state st;
	struct statfs sf = {0};
	struct vnode *root;
	size_t live = native_alloc_live();
	int error;

	memset(w, 0, sizeof(*w));
	memset(&st, 0, sizeof(st));
	st.w = w;
	error = erofs_image_open(
	    &st.image, image, size, direct ? page_pa(image) : EROFS_UNKNOWN_PA, &root);
	if (error == 0) {
		MUST(st.image.ei_mount.mnt_statfs(&st.image.ei_mount, &sf) == 0);
		walk(&st, root, 0);
		vrele(root);
	} else {
		MUST(expected(error) || error == EINVAL);
	}
	MUST(native_alloc_live() == live);
	return error;
}
