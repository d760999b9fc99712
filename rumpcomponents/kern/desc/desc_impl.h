/* SPDX-License-Identifier: BSD-2-Clause */
/* kern/desc's own: the descriptor table. */
#ifndef DESC_IMPL_H
#define DESC_IMPL_H

#include <kern/file.h>
#include <kern/systm.h>

bool file_tryref(struct file *fp);
/* Undo file_alloc() without fo_close. */
void file_forget(struct file *fp);
bool fd_get_cloexec(int fd);
int fd_set_cloexec(int fd, bool on);
/* Put fp (reference taken over) at exactly fd, closing what was there. EBADF, EBUSY (it is
 * being opened), ENOMEM. */
int fd_install_at(struct file *fp, int fd, bool cloexec);
/* Close all in [first, last]. */
void fd_close_range(unsigned first, unsigned last, bool cloexec_only);

/* Kernel copy of an iovec array from the program, checked.  EINVAL, EFAULT, ENOMEM. */
struct desc_iov {
	struct iovec *iov;
	struct iovec few[8];
	unsigned long n;
	size_t total;
};
int desc_iov_in(struct desc_iov *d, const struct iovec *uiov, unsigned long n);
void desc_iov_free(struct desc_iov *d);

#endif
