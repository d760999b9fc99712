/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is allocated when the program ends, one line per pool: two runs of
 * different length that print different numbers have a leak between them.
 * Nothing refers to this component; bake --with kern/memstat puts it in.
 */
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
