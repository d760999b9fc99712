/* SPDX-License-Identifier: BSD-2-Clause */
/* Copying from and to the program: there is none, but page zero and ranges named by the test fault.
 */
#include <string.h>

#include <kern/systm.h>

#include "native_impl.h"

#define NBAD 16

static struct {
	uintptr_t lo, hi;
} bad[NBAD];
static unsigned nbad;

void native_bad_range(const void *p, size_t len)
{
	if (len == 0) {
		nbad = 0;
		return;
	}
	KASSERT(nbad < NBAD);
	bad[nbad].lo = (uintptr_t)p;
	bad[nbad++].hi = (uintptr_t)p + len;
}

static int user_check(const volatile void *p, size_t len)
{
	uintptr_t lo = (uintptr_t)p;

	native_assert_may_sleep("access to the program's memory");
	if (len == 0)
		return 0;
	if (lo < PAGE_SIZE || lo + len < lo || lo + len > 0x7fffffffffffUL)
		return EFAULT;
	for (unsigned i = 0; i < nbad; i++) {
		if (lo < bad[i].hi && lo + len > bad[i].lo)
			return EFAULT;
	}
	return 0;
}

/* How far a copy gets, byte by byte as the real one. */
static size_t reachable(const void *uaddr, size_t len, int error)
{
	uintptr_t at = (uintptr_t)uaddr;
	size_t n = error == 0 ? len : 0;

	while (error != 0 && n < len && user_check((const void *)(at + n), 1) == 0)
		n++;
	return n;
}

int copyin(const void *uaddr, void *kaddr, size_t len)
{
	int error = user_check(uaddr, len);
	size_t n = reachable(uaddr, len, error);

	if (n > 0)
		memcpy(kaddr, uaddr, n);
	return error;
}

int copyout(const void *kaddr, void *uaddr, size_t len)
{
	int error = user_check(uaddr, len);
	size_t n = reachable(uaddr, len, error);

	if (n > 0)
		memcpy(uaddr, kaddr, n);
	return error;
}

int copyinstr(const void *uaddr, char *kaddr, size_t len, size_t *done)
{
	const char *s = uaddr;
	int error;

	for (size_t i = 0; i < len; i++) {
		if ((error = user_check(s + i, 1)) != 0)
			return error;
		if ((kaddr[i] = s[i]) == '\0') {
			if (done != NULL)
				*done = i + 1;
			return 0;
		}
	}
	return ENAMETOOLONG;
}

int ufetch_32(const volatile uint32_t *uaddr, uint32_t *value)
{
	int error = user_check(uaddr, sizeof(*uaddr));

	if (error == 0)
		*value = *uaddr;
	return error;
}

int ustore_32(volatile uint32_t *uaddr, uint32_t value)
{
	int error = user_check(uaddr, sizeof(*uaddr));

	if (error == 0)
		*uaddr = value;
	return error;
}

int ucas_32(volatile uint32_t *uaddr, uint32_t old, uint32_t new, uint32_t *actual)
{
	int error = user_check(uaddr, sizeof(*uaddr));

	if (error == 0) {
		__atomic_compare_exchange_n(
		    uaddr, &old, new, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
		*actual = old;
	}
	return error;
}
