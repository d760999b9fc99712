/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * EROFS over images that mkfs.erofs makes: good ones are read as they were written, damaged ones
 * give errors and nothing else.  Damage is done to fields at known places, then to every byte.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <kern/uio.h>

#include "check_main.h"
#include "erofs_impl.h"
#include "erofs_walk.h"
#include "native.h"

#define MANY 200 /* names of 100 bytes: several blocks */
#define MKFS "mkfs.erofs --quiet -T7 --all-root "

static char dir[] = "/tmp/t_erofs.XXXXXX";
static uint8_t *image;
static size_t size;
static struct erofs_image ei;
static struct vnode *root;

static void shell(const char *fmt, const char *arg)
{
	char command[1024];

	snprintf(command, sizeof(command), fmt, arg);
	ck_assert_msg(system(command) == 0, "%s", command);
}

/* Files of all kinds below dir/root. */
static void make_tree(void)
{
	ck_assert_ptr_nonnull(mkdtemp(dir));
	ck_assert_int_eq(chdir(dir), 0);
	shell("mkdir -p root/sub/many root/%s", "hollow");
	shell("printf 'inline tail' > root/%s; : > root/empty", "small");
	shell("head -c 4096 /dev/zero | tr '\\0' b > root/%s", "block");
	shell("seq 2500 > root/%s", "blocks"); /* 11393 bytes: two blocks and a tail */
	shell("ln -s ../small root/sub/%s; chmod 640 root/small", "link");
	shell("ln root/small root/sub/%s; mkfifo root/fifo", "hard");
	shell("cd root/sub/many; for i in $(seq -w %s); do : > name-$i-$(printf '%%090d' 0); done",
	    "200");
}

static void load(const char *options)
{
	FILE *f;

	shell(MKFS "%s image root > /dev/null", options);
	f = fopen("image", "rb");
	ck_assert_ptr_nonnull(f);
	fseek(f, 0, SEEK_END);
	size = (size_t)ftell(f);
	rewind(f);
	ck_assert_int_eq(posix_memalign((void **)&image, PAGE_SIZE, size), 0);
	ck_assert_uint_eq(fread(image, 1, size, f), size);
	fclose(f);
}

static void setup(void)
{
	make_tree();
	load("");
}

static void mount(void)
{
	ck_assert_int_eq(erofs_image_open(&ei, image, size, EROFS_UNKNOWN_PA, &root), 0);
}

static void teardown(void)
{
	if (root)
		vrele(root);
	free(image);
	ck_assert_uint_eq(native_alloc_live(), 0);
	ck_assert_int_eq(chdir("/"), 0);
	shell("rm -rf %s", dir);
}

/* The vnode at a path of names; NULL and *error if there is none. */
static struct vnode *find(const char *path, int *error)
{
	struct vnode *vp = root, *child;

	vref(vp);
	for (const char *end; *path != '\0'; path = *end ? end + 1 : end) {
		end = strchrnul(path, '/');
		struct name name = {path, (unsigned)(end - path)};
		*error = vp->v_op->vop_lookup(vp, &name, &child);
		vrele(vp);
		if (*error)
			return NULL;
		vp = child;
	}
	*error = 0;
	return vp;
}

static struct vnode *get(const char *path)
{
	int error;
	struct vnode *vp = find(path, &error);

	ck_assert_msg(vp != NULL, "%s: %s", path, strerror(error));
	return vp;
}

static struct stat stat_of(const char *path)
{
	struct vnode *vp = get(path);
	struct stat sb = {0};

	ck_assert_int_eq(vp->v_op->vop_getattr(vp, &sb), 0);
	vrele(vp);
	return sb;
}

/* The place of a file's inode in the image. */
static struct erofs_inode_compact *inode_of(const char *path)
{
	struct erofs_inode_compact *ic = (void *)(image + ei.ei_meta + 32 * stat_of(path).st_ino);

	ck_assert(!(ic->format & EROFS_FORMAT_EXTENDED));
	return ic;
}

static void same_content(const char *path)
{
	char name[PATH_MAX];
	uint8_t ours[16384], theirs[16384];
	struct vnode *vp = get(path);
	struct iovec iov;
	struct uio uio;
	FILE *f;
	size_t n;

	snprintf(name, sizeof(name), "root/%s", path);
	f = fopen(name, "rb");
	ck_assert_ptr_nonnull(f);
	n = fread(theirs, 1, sizeof(theirs), f);
	fclose(f);
	uio_init1(&uio, &iov, ours, sizeof(ours), UIO_READ, UIO_SYSSPACE);
	ck_assert_int_eq(vp->v_op->vop_read(vp, &uio), 0);
	ck_assert_uint_eq(sizeof(ours) - uio.uio_resid, n);
	ck_assert_mem_eq(ours, theirs, n);
	vrele(vp);
}

/* The root's own reads, links and names; both inode formats and layouts. */
static void check_tree(void)
{
	static const char *const files[] = {"small", "empty", "block", "blocks", "sub/hard"};
	struct erofs_walk w;
	struct vnode *vp;
	char target[64];
	size_t len = sizeof(target);
	int error;

	for (size_t i = 0; i < NELEM(files); i++)
		same_content(files[i]);
	vp = get("sub/link");
	ck_assert_int_eq(vp->v_op->vop_readlink(vp, target, &len), 0);
	ck_assert_uint_eq(len, 8);
	ck_assert_mem_eq(target, "../small", 8);
	vrele(vp);
	ck_assert_uint_eq(stat_of("small").st_ino, stat_of("sub/hard").st_ino);
	ck_assert_uint_eq(stat_of("small").st_nlink, 2);
	ck_assert_uint_eq(stat_of("small").st_mode, S_IFREG | 0640);
	ck_assert_int_eq(stat_of("small").st_mtim.tv_sec, 7);
	ck_assert(S_ISFIFO(stat_of("fifo").st_mode));
	ck_assert_int_gt(stat_of("sub/many").st_size, 3 * 4096);
	ck_assert_uint_eq(stat_of("sub/..").st_ino, stat_of("").st_ino);
	ck_assert_ptr_null(find("sub/none", &error));
	ck_assert_int_eq(error, ENOENT);
	ck_assert_ptr_null(find("sub/many/name", &error));
	ck_assert_int_eq(error, ENOENT);
	ck_assert_ptr_null(find("sub/many/zzz", &error));
	ck_assert_int_eq(error, ENOENT);
	vrele(root);
	root = NULL;
	for (int direct = 0; direct < 2; direct++) {
		ck_assert_int_eq(erofs_walk(image, size, direct, &w), 0);
		ck_assert_uint_eq(w.errors + w.lost, 0);
		ck_assert_uint_eq(w.dirs, 4);
		ck_assert_uint_eq(w.files, 5 + MANY);
		ck_assert_uint_eq(w.links, 1);
		ck_assert_uint_eq(w.others, 1);
		ck_assert_uint_eq(w.bytes, 11 + 11 + 4096 + 11393);
	}
}

static const char *const layouts[] = {
    "", "-Eforce-inode-extended", "-Enoinline_data", "-Enoinline_data,force-inode-extended"};

START_TEST(erofs_tree_each_layout)
{
	free(image);
	load(layouts[_i]);
	mount();
	check_tree();
}
END_TEST

static int open_error(void)
{
	int error = erofs_image_open(&ei, image, size, EROFS_UNKNOWN_PA, &root);

	if (error)
		root = NULL;
	return error;
}

START_TEST(erofs_super_damaged)
{
	struct erofs_super *sb = (void *)(image + EROFS_SUPER_OFFSET), good = *sb;

	sb->magic ^= 1;
	ck_assert_int_eq(open_error(), EINVAL);
	*sb = good;
	sb->blkszbits = 8;
	ck_assert_int_eq(open_error(), EUCLEAN);
	sb->blkszbits = 64;
	ck_assert_int_eq(open_error(), EUCLEAN);
	*sb = good;
	sb->dirblkbits = 1;
	ck_assert_int_eq(open_error(), EUCLEAN);
	*sb = good;
	sb->feature_incompat = 1U << 31;
	ck_assert_int_eq(open_error(), EOPNOTSUPP);
	*sb = good;
	sb->meta_blkaddr = UINT32_MAX;
	ck_assert_int_eq(open_error(), EUCLEAN);
	*sb = good;
	sb->root_nid = UINT16_MAX;
	ck_assert_int_eq(open_error(), EUCLEAN);
	*sb = good;
	mount();
	sb->root_nid = (uint16_t)stat_of("small").st_ino;
	vrele(root);
	ck_assert_int_eq(open_error(), EUCLEAN);
	*sb = good;
	size = EROFS_SUPER_OFFSET + sizeof(*sb) - 1;
	ck_assert_int_eq(open_error(), EINVAL);
	size = 0;
	ck_assert_int_eq(open_error(), EINVAL);
}
END_TEST

START_TEST(erofs_unknown_features_refused)
{
	static const char *const options[] = {"-zlz4", "--chunksize=4096"};
	struct erofs_walk w;
	int error;

	free(image);
	shell("head -c 65536 /dev/zero > root/%s", "zeros");
	load(options[_i]);
	error = erofs_walk(image, size, false, &w);
	ck_assert_msg(error == EOPNOTSUPP || w.errors > 0, "error %d, errors %u", error, w.errors);
}
END_TEST

static void refused(const char *path, int expected)
{
	int error;

	ck_assert_ptr_null(find(path, &error));
	ck_assert_int_eq(error, expected);
}

START_TEST(erofs_inode_damaged)
{
	struct erofs_inode_compact *ic, good;

	mount();
	ic = inode_of("blocks");
	good = *ic;
	ic->size = UINT32_MAX;
	refused("blocks", EUCLEAN);
	ic->size = (uint32_t)size + 1;
	refused("blocks", EUCLEAN);
	*ic = good;
	ic->u = UINT32_MAX; /* block address */
	refused("blocks", EUCLEAN);
	ic->u = (uint32_t)(size >> 12) - 1;
	refused("blocks", EUCLEAN);
	*ic = good;
	ic->format = good.format | EROFS_FORMAT_EXTENDED; /* its size is elsewhere then */
	((struct erofs_inode_extended *)(void *)ic)->size = UINT64_MAX;
	refused("blocks", EUCLEAN);
	((struct erofs_inode_extended *)(void *)ic)->size = 1ULL << 63;
	refused("blocks", EUCLEAN);
	*ic = good;
	ic->format = 1 << 1; /* compressed */
	refused("blocks", EOPNOTSUPP);
	ic->format = 4 << 1; /* in chunks */
	refused("blocks", EOPNOTSUPP);
	ic->format = 1 << 4;
	refused("blocks", EOPNOTSUPP);
	*ic = good;
	ic->mode = 0;
	refused("blocks", EUCLEAN);
	ic->mode = 0xf000;
	refused("blocks", EUCLEAN);
	*ic = good;
	ic->mode = S_IFLNK | 0777; /* longer than a path */
	refused("blocks", EUCLEAN);
	*ic = good;
	ic = inode_of("sub/link");
	ic->size = 0;
	refused("sub/link", EUCLEAN);
	/* Attributes that push the tail out of the image. */
	ic = inode_of("small");
	ic->xattr_icount = UINT16_MAX;
	refused("small", EUCLEAN);
}
END_TEST

struct counter {
	struct direntsink sink;
	unsigned n;
};

static bool count(
    struct direntsink *ds, const struct name *name, uint64_t ino, mode_t kind, int64_t next)
{
	container_of(ds, struct counter, sink)->n++;
	return true;
}

static int list(struct vnode *vp)
{
	struct counter c = {{count}, 0};
	int64_t off = 0;

	return vp->v_op->vop_readdir(vp, &off, &c.sink);
}

START_TEST(erofs_directory_damaged)
{
	static const uint16_t offsets[] = {0, 1, 11, 13, 4096, 4092, UINT16_MAX};
	struct name wanted = {"name-100", 8};
	struct vnode *vp, *child;
	struct erofs_dirent *de;
	uint16_t good;
	char *name;
	int error;

	mount();
	vp = get("sub/many");
	ck_assert_int_eq(list(vp), 0);
	/* The first block; there the entries lie before the names. */
	de = (void *)(uintptr_t)VTOE(vp)->en_data;
	for (unsigned i = 0; i < 3; i++)
		for (unsigned k = 0; k < NELEM(offsets); k++) {
			good = de[i].nameoff;
			de[i].nameoff = offsets[k];
			ck_assert_msg(list(vp) == EUCLEAN, "entry %u at %u", i, offsets[k]);
			error = vp->v_op->vop_lookup(vp, &wanted, &child);
			ck_assert(error == ENOENT || error == EUCLEAN);
			de[i].nameoff = good;
		}
	/* Inode numbers that lead out of the image; of another inode's middle. */
	de[2].nid = UINT64_MAX;
	name = strndup((char *)de + de[2].nameoff, (size_t)(de[3].nameoff - de[2].nameoff));
	wanted = (struct name){name, (unsigned)strlen(name)};
	ck_assert_int_eq(vp->v_op->vop_lookup(vp, &wanted, &child), EUCLEAN);
	de[2].nid = UINT64_MAX / 32 + 2; /* 32 times that is small */
	ck_assert_int_eq(vp->v_op->vop_lookup(vp, &wanted, &child), EUCLEAN);
	free(name);
	/* Names that no path can mean. */
	name = (char *)de + de[3].nameoff;
	name[2] = '/';
	ck_assert_int_eq(list(vp), EUCLEAN);
	name[2] = '\0';
	ck_assert_int_eq(list(vp), EUCLEAN);
	vrele(vp);
}
END_TEST

START_TEST(erofs_no_memory)
{
	struct erofs_walk w;

	native_alloc_fail(0);
	ck_assert_int_eq(open_error(), ENOMEM);
	mount();
	native_alloc_fail(0);
	refused("small", ENOMEM);
	native_alloc_fail(-1);
	ck_assert_int_eq(erofs_walk(image, size, true, &w), 0);
}
END_TEST

/* A small tree, so that every byte of it that says anything can be changed. */
static void load_small(void)
{
	free(image);
	shell("rm -rf root/sub/many root/block root/%s", "blocks");
	load("");
}

START_TEST(erofs_every_byte_changed)
{
	static const uint8_t flips[] = {0x01, 0x80, 0xff, 0x10, 0x06};
	struct erofs_walk w;
	unsigned mounted = 0, whole = 0;

	load_small();
	for (size_t i = EROFS_SUPER_OFFSET; i < size; i++) {
		uint8_t good = image[i];
		for (unsigned k = 0; k < NELEM(flips); k++) {
			image[i] = good ^ flips[k];
			if (erofs_walk(image, size, k % 2, &w) == 0) {
				mounted++;
				whole += w.errors + w.lost == 0;
			}
		}
		image[i] = good;
	}
	ck_assert_uint_gt(whole, 0);
	ck_assert_uint_gt(mounted, whole);
}
END_TEST

START_TEST(erofs_every_length)
{
	struct erofs_walk w;
	uint8_t *part;

	load_small();
	for (size_t len = 0; len < size; len += len < 2048 ? 7 : 31) {
		part = malloc(len + 1); /* so that reading behind it is seen */
		memcpy(part, image, len);
		(void)erofs_walk(part, len, false, &w);
		free(part);
	}
}
END_TEST

static Suite *make_suite(void)
{
	Suite *s = suite_create("erofs");
	TCase *good = tcase_create("good"), *bad = tcase_create("damaged");

	tcase_add_checked_fixture(good, setup, teardown);
	tcase_add_loop_test(good, erofs_tree_each_layout, 0, NELEM(layouts));
	tcase_add_test(good, erofs_no_memory);
	suite_add_tcase(s, good);
	tcase_add_checked_fixture(bad, setup, teardown);
	tcase_set_timeout(bad, 60);
	tcase_add_test(bad, erofs_super_damaged);
	tcase_add_loop_test(bad, erofs_unknown_features_refused, 0, 2);
	tcase_add_test(bad, erofs_inode_damaged);
	tcase_add_test(bad, erofs_directory_damaged);
	tcase_add_test(bad, erofs_every_byte_changed);
	tcase_add_test(bad, erofs_every_length);
	suite_add_tcase(s, bad);
	return s;
}

CHECK_MAIN(make_suite)
