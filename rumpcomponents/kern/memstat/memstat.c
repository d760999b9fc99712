/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is allocated when the program ends, one line per pool: two runs of
 * different length that print different numbers have a leak between them.
 * Nothing refers to this component; bake --with kern/memstat puts it in.
 *
 * A program that makes the call kiln_memstat(), which tests do, gets the same figures while it
 * runs, without what lies in caches.
 */
#include <kern/sysproto.h>
#include <kern/memstat.h>
#include <kern/kmem.h>
#include <kern/linkset.h>
#include <kern/lwp.h>
#include <kern/systm.h>

static void show(const struct pool *p, void *arg)
{
	(void)arg;
	kprintf("kiln: memstat: pool %s, %u bytes each: %llu in use, %llu pages\n", p->pr_name,
	    p->pr_size, (unsigned long long)(p->pr_nget - p->pr_nput),
	    (unsigned long long)p->pr_npages);
}

static void count(const struct pool *p, void *arg)
{
	struct kiln_memstat *ms = arg;

	if (ms->ms_npools == KILN_MEMSTAT_POOLS)
		return;
	strlcpy(ms->ms_pool[ms->ms_npools].name, p->pr_name, sizeof(ms->ms_pool[0].name));
	ms->ms_pool[ms->ms_npools++].live = pool_live(p);
}

long do_sys_kiln_memstat(struct kiln_memstat *ums)
{
	struct kiln_memstat *ms = kmem_zalloc(sizeof(*ms));
	struct kmem_stats ks;
	int error;

	if (ms == NULL)
		return -ENOMEM;
	kmem_stats(&ks);
	ms->ms_pages_free = ks.ks_pages_free;
	ms->ms_kmem_bytes = ks.ks_kmem_bytes - sizeof(*ms);
	pool_foreach(count, ms);
	error = copyout(ms, ums, sizeof(*ms));
	kmem_free(ms, sizeof(*ms));
	return sysret(error, 0);
}

static void memstat_shutdown(void)
{
	struct kmem_stats ks;

	kmem_stats(&ks);
	kprintf("kiln: memstat: %llu pages free of %llu\n", (unsigned long long)ks.ks_pages_free,
	    (unsigned long long)ks.ks_pages_total);
	kprintf(
	    "kiln: memstat: kmem_alloc: %llu bytes in use\n", (unsigned long long)ks.ks_kmem_bytes);
	pool_foreach(show, NULL);
}
LINK_SET_ADD(shutdown_hooks, memstat_shutdown);
