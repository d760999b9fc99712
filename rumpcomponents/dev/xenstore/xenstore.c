/* SPDX-License-Identifier: BSD-2-Clause */
/* What can be asked of xenstore (docs/misc/xenstore.txt of Xen), one function each. */
#include <kern/kmem.h>
#include <kern/systm.h>
#include "xenstore_impl.h"

bool xenstore_number(const char *s, uint64_t max, uint64_t *value)
{
	uint64_t v = 0;

	if (*s == '\0')
		return false;
	for (; *s != '\0'; s++) {
		unsigned digit = (unsigned)(*s - '0');

		if (digit > 9 || __builtin_mul_overflow(v, 10, &v) ||
		    __builtin_add_overflow(v, digit, &v) || v > max)
			return false;
	}
	*value = v;
	return true;
}

int xenstore_read(uint32_t tx, const char *dir, const char *node, char *buf, size_t size)
{
	struct xenstore_answer a = {.xa_data = buf, .xa_size = size};
	int error = xenstore_request(XS_READ, tx, dir, node, NULL, 0, &a);

	/* Values may be any bytes; those that we ask for are strings. */
	return !error && strlen(buf) != a.xa_len ? EIO : error;
}

int xenstore_read_uint(uint32_t tx, const char *dir, const char *node, uint64_t *value)
{
	char buf[24];
	int error = xenstore_read(tx, dir, node, buf, sizeof(buf));

	if (error)
		return error == E2BIG ? EINVAL : error;
	return xenstore_number(buf, UINT64_MAX, value) ? 0 : EINVAL;
}

int xenstore_write(uint32_t tx, const char *dir, const char *node, const char *value)
{
	return xenstore_request(XS_WRITE, tx, dir, node, value, strlen(value), NULL);
}

int xenstore_write_uint(uint32_t tx, const char *dir, const char *node, uint64_t value)
{
	char buf[24];

	ksnprintf(buf, sizeof(buf), "%lu", value);
	return xenstore_write(tx, dir, node, buf);
}

int xenstore_rm(uint32_t tx, const char *dir, const char *node)
{
	return xenstore_request(XS_RM, tx, dir, node, NULL, 0, NULL);
}

int xenstore_directory(uint32_t tx, const char *dir, const char *node, char **names, size_t *len)
{
	struct xenstore_answer a = {.xa_alloc = true};
	int error = xenstore_request(XS_DIRECTORY, tx, dir, node, NULL, 0, &a);

	if (error)
		return error;
	if (a.xa_len > 0 && a.xa_data[a.xa_len - 1] != '\0') {
		kmem_free(a.xa_data, a.xa_len);
		return EIO;
	}
	*names = a.xa_data;
	*len = a.xa_len;
	return 0;
}

int xenstore_transaction_start(uint32_t *tx)
{
	char buf[16];
	struct xenstore_answer a = {.xa_data = buf, .xa_size = sizeof(buf)};
	uint64_t id;
	int error = xenstore_request(XS_TRANSACTION_START, XST_NIL, "", NULL, NULL, 0, &a);

	if (error)
		return error == E2BIG ? EIO : error;
	if (!xenstore_number(buf, UINT32_MAX, &id) || id == XST_NIL)
		return EIO;
	*tx = (uint32_t)id;
	return 0;
}

int xenstore_transaction_end(uint32_t tx, bool commit)
{
	return xenstore_request(XS_TRANSACTION_END, tx, commit ? "T" : "F", NULL, NULL, 0, NULL);
}
