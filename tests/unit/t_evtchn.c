/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * t_evtchn.c - event channels by both ABIs, and the grant table, against a Xen of a few lines that
 * does what public/event_channel.h and grant_table.h say.
 */
#include "check_main.h"
#include "evtchn_impl.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <xen/grant_table.h>

#define NPORTS 64

/* ------------------------------------------------------------------ machine */

static struct shared_info shared;
struct shared_info *xen_shared_info = &shared;
static struct vcpu_info vcpus[2];
volatile uint32_t hw_online = 3;
uintptr_t hw_physmap;
volatile bool xen_parking;
static unsigned parks;

void xen_park(void)
{
	parks++;
}

static unsigned delivered[16], ndelivered, next_irq = RUMPUSER_IRQ_DEVICE;
static unsigned again; /* a port that is notified while its irq is handled */
static bool preempt_wanted;

static void send(unsigned port);

bool hw_irq_deliver(unsigned irq, struct rumpuser_trapframe *tf)
{
	unsigned port = again;

	ck_assert_uint_lt(ndelivered, 16);
	delivered[ndelivered++] = irq;
	again = 0;
	if (port != 0)
		send(port);
	return preempt_wanted;
}

int hw_irq_alloc(unsigned *irqp)
{
	if (next_irq == HW_IRQ_TLB)
		return ENOSPC;
	*irqp = next_irq++;
	return 0;
}

bool rumpuser_pmap_extract(uintptr_t va, uint64_t *pa, unsigned *prot)
{
	*pa = va;
	return true;
}

uint64_t xen_frame(uint64_t pa)
{
	return pa >> RUMPUSER_PAGE_SHIFT;
}

uint64_t xen_frame_page(uint64_t frame)
{
	return frame;
}

static pthread_mutex_t grow = PTHREAD_MUTEX_INITIALIZER;

uint64_t hw_lock(struct hw_lock *l)
{
	pthread_mutex_lock(&grow);
	return 0;
}

void hw_unlock(struct hw_lock *l, uint64_t flags)
{
	pthread_mutex_unlock(&grow);
}

/* ---------------------------------------------------------------------- Xen */

static bool has_fifo;
static struct {
	bool used, old_pending;
	unsigned cpu;
} ports[NPORTS];
static event_word_t *words; /* NULL: 2-level */
static struct evtchn_fifo_control_block *controls[2];
static unsigned tails[2];

static void send(unsigned port)
{
	unsigned cpu = ports[port].cpu, q = EVTCHN_FIFO_PRIORITY_DEFAULT;
	event_word_t *w;

	ck_assert(ports[port].used);
	if (words == NULL) {
		shared.evtchn_pending[0] |= 1ULL << port;
		if (shared.evtchn_mask[0] & 1ULL << port)
			return;
		vcpus[cpu].evtchn_pending_sel |= 1;
		vcpus[cpu].evtchn_upcall_pending = 1;
		return;
	}
	w = &words[port];
	*w |= 1U << EVTCHN_FIFO_PENDING;
	if (*w & (1U << EVTCHN_FIFO_MASKED | 1U << EVTCHN_FIFO_LINKED))
		return;
	*w |= 1U << EVTCHN_FIFO_LINKED;
	/* The last of a queue that is empty now. */
	for (unsigned i = 0; i < 2; i++)
		if (tails[i] == port)
			tails[i] = 0;
	if (tails[cpu] != 0 && (words[tails[cpu]] & 1U << EVTCHN_FIFO_LINKED)) {
		words[tails[cpu]] |= port;
	} else {
		controls[cpu]->head[q] = port;
		controls[cpu]->ready |= 1U << q;
		vcpus[cpu].evtchn_upcall_pending = 1;
	}
	tails[cpu] = port;
}

static long bind(evtchn_port_t *port, unsigned cpu)
{
	unsigned p = 1;

	while (p < NPORTS && ports[p].used)
		p++;
	if (p == NPORTS)
		return -ENOSPC;
	ports[p].used = true;
	ports[p].cpu = cpu;
	*port = p;
	return 0;
}

static long unmask(unsigned port)
{
	bool pending;

	if (words == NULL) {
		pending = shared.evtchn_pending[0] >> port & 1;
		shared.evtchn_mask[0] &= ~(1ULL << port);
	} else {
		pending = words[port] >> EVTCHN_FIFO_PENDING & 1;
		words[port] &= ~(1U << EVTCHN_FIFO_MASKED);
	}
	if (pending)
		send(port);
	return 0;
}

static long evtchn_close(unsigned port)
{
	if (port >= NPORTS || !ports[port].used)
		return -EINVAL;
	ports[port].used = false;
	if (words == NULL)
		shared.evtchn_pending[0] &= ~(1ULL << port);
	else
		words[port] &= ~(1U << EVTCHN_FIFO_PENDING);
	return 0;
}

static long init_control(const struct evtchn_init_control *c)
{
	if (!has_fifo)
		return -ENOSYS;
	ck_assert_uint_le(c->offset + sizeof(*controls[0]), RUMPUSER_PAGE_SIZE);
	controls[c->vcpu] = (void *)(uintptr_t)(c->control_gfn * RUMPUSER_PAGE_SIZE + c->offset);
	return 0;
}

static long expand_array(const struct evtchn_expand_array *a)
{
	unsigned i;

	ck_assert_ptr_nonnull(controls[0]);
	words = (void *)(uintptr_t)(a->array_gfn * RUMPUSER_PAGE_SIZE);
	for (i = 0; i < NPORTS; i++) /* what was pending before */
		if (ports[i].used && (shared.evtchn_pending[0] >> i & 1))
			send(i);
	return 0;
}

long xen_hypercall(unsigned op, uintptr_t a, uintptr_t b, uintptr_t c)
{
	void *arg = (void *)b;

	ck_assert_uint_eq(op, __HYPERVISOR_event_channel_op);
	switch (a) {
	case EVTCHNOP_init_control:
		return init_control(arg);
	case EVTCHNOP_expand_array:
		return expand_array(arg);
	case EVTCHNOP_bind_virq:
		return bind(&((struct evtchn_bind_virq *)arg)->port,
		    ((struct evtchn_bind_virq *)arg)->vcpu);
	case EVTCHNOP_bind_ipi:
		return bind(
		    &((struct evtchn_bind_ipi *)arg)->port, ((struct evtchn_bind_ipi *)arg)->vcpu);
	case EVTCHNOP_alloc_unbound:
		return bind(&((struct evtchn_alloc_unbound *)arg)->port, 0);
	case EVTCHNOP_bind_vcpu:
		ports[((struct evtchn_bind_vcpu *)arg)->port].cpu =
		    ((struct evtchn_bind_vcpu *)arg)->vcpu;
		return 0;
	case EVTCHNOP_unmask:
		return unmask(((struct evtchn_unmask *)arg)->port);
	case EVTCHNOP_send:
		send(((struct evtchn_send *)arg)->port);
		return 0;
	case EVTCHNOP_close:
		return evtchn_close(((struct evtchn_close *)arg)->port);
	}
	ck_abort_msg("event channel operation %lu", a);
	return -ENOSYS;
}

/* -------------------------------------------------------------------- events */

static bool upcall(unsigned cpu)
{
	ndelivered = 0;
	return xen_evtchn_upcall(&vcpus[cpu], cpu, NULL);
}

static void start(bool fifo)
{
	has_fifo = fifo;
	ck_assert_int_eq(xen_evtchn_cpu_init(0, false), 0);
	ck_assert_int_eq(xen_evtchn_cpu_init(1, false), 0);
	ck_assert_int_eq(words != NULL, fifo);
}

static unsigned channel(unsigned cpu, unsigned *irq)
{
	unsigned port;

	ck_assert_int_eq(rumpuser_evtchn_alloc(0, &port), 0);
	*irq = 0;
	ck_assert_int_eq(rumpuser_evtchn_bind(port, cpu, irq), 0);
	ck_assert_uint_ge(*irq, RUMPUSER_IRQ_DEVICE);
	return port;
}

/* Loop test: _i says which ABI. */
START_TEST(evtchn_reaches_its_cpu_only)
{
	unsigned a, b, c, irq_a, irq_b, irq_c;

	start(_i);
	a = channel(0, &irq_a);
	b = channel(1, &irq_b);
	c = channel(0, &irq_c);
	ck_assert(!upcall(0));
	ck_assert_uint_eq(ndelivered, 0);
	preempt_wanted = true;
	rumpuser_evtchn_notify(c);
	rumpuser_evtchn_notify(b);
	rumpuser_evtchn_notify(a);
	rumpuser_evtchn_notify(c);
	ck_assert(upcall(0));
	ck_assert_uint_eq(ndelivered, 2);
	ck_assert_uint_eq(delivered[0], _i ? irq_c : irq_a); /* the one in order of arrival */
	ck_assert_uint_eq(delivered[1], _i ? irq_a : irq_c);
	ck_assert(upcall(1));
	ck_assert_uint_eq(ndelivered, 1);
	ck_assert_uint_eq(delivered[0], irq_b);
	ck_assert(!upcall(0) && !upcall(1));
	ck_assert_uint_eq(ndelivered, 0);
}
END_TEST

START_TEST(evtchn_during_its_handler_comes_again)
{
	unsigned a, irq;

	start(_i);
	a = channel(0, &irq);
	again = a;
	rumpuser_evtchn_notify(a);
	upcall(0);
	ck_assert_uint_eq(ndelivered, 2);
	ck_assert_uint_eq(delivered[1], irq);
}
END_TEST

START_TEST(evtchn_before_bind_comes_at_once)
{
	unsigned port, irq = RUMPUSER_IRQ_CONSOLE;

	start(_i);
	ck_assert_int_eq(rumpuser_evtchn_alloc(0, &port), 0);
	rumpuser_evtchn_notify(port);
	ck_assert(!upcall(0));
	ck_assert_uint_eq(ndelivered, 0);
	ck_assert_int_eq(rumpuser_evtchn_bind(port, 1, &irq), 0);
	upcall(1);
	ck_assert_uint_eq(ndelivered, 1);
	ck_assert_uint_eq(delivered[0], RUMPUSER_IRQ_CONSOLE);
}
END_TEST

START_TEST(evtchn_pending_at_start_is_kept)
{
	unsigned irq = RUMPUSER_IRQ_CONSOLE;
	evtchn_port_t port;

	ck_assert_int_eq(bind(&port, 0), 0);
	shared.evtchn_pending[0] |= 1ULL << port;
	start(_i);
	ck_assert_int_eq(rumpuser_evtchn_bind(port, 0, &irq), 0);
	upcall(0);
	ck_assert_uint_eq(ndelivered, 1);
	ck_assert_uint_eq(delivered[0], RUMPUSER_IRQ_CONSOLE);
}
END_TEST

START_TEST(evtchn_closed_is_silent_and_its_irq_reused)
{
	unsigned a, b, irq, other, n;

	start(_i);
	a = channel(0, &irq);
	b = channel(0, &other);
	rumpuser_evtchn_notify(a);
	rumpuser_evtchn_notify(b);
	rumpuser_evtchn_close(a);
	upcall(0);
	ck_assert_uint_eq(ndelivered, 1);
	ck_assert_uint_eq(delivered[0], other);
	/* Many times over: numbers are not used up, nor ports. */
	for (n = 0; n < 200; n++) {
		ck_assert_int_eq(rumpuser_evtchn_alloc(0, &a), 0);
		ck_assert_int_eq(rumpuser_evtchn_bind(a, n & 1, &irq), 0);
		rumpuser_evtchn_notify(a);
		upcall(n & 1);
		ck_assert_uint_eq(ndelivered, 1);
		ck_assert_uint_eq(delivered[0], irq);
		rumpuser_evtchn_notify(a);
		rumpuser_evtchn_close(a);
		upcall(n & 1);
		ck_assert_uint_eq(ndelivered, 0);
	}
}
END_TEST

START_TEST(evtchn_of_cpus_and_timers)
{
	start(_i);
	hw_machine_ipi(1, RUMPUSER_IRQ_IPI);
	hw_machine_ipi(1, HW_IRQ_TLB);
	upcall(1);
	ck_assert_uint_eq(ndelivered, 2);
	ck_assert_uint_eq(delivered[0] + delivered[1], RUMPUSER_IRQ_IPI + HW_IRQ_TLB);
	send(1); /* the first that was bound: CPU 0's timer */
	upcall(0);
	ck_assert_uint_eq(ndelivered, 1);
	ck_assert_uint_eq(delivered[0], RUMPUSER_IRQ_TIMER);
}
END_TEST

START_TEST(evtchn_bad_arguments)
{
	unsigned port, irq = 0, n;

	start(_i);
	ck_assert_int_eq(rumpuser_evtchn_alloc(0, &port), 0);
	ck_assert_int_eq(rumpuser_evtchn_bind(0, 0, &irq), EINVAL);
	ck_assert_int_eq(rumpuser_evtchn_bind(EVTCHN_PORTS, 0, &irq), EINVAL);
	ck_assert_int_eq(rumpuser_evtchn_bind(UINT32_MAX, 0, &irq), EINVAL);
	ck_assert_int_eq(rumpuser_evtchn_bind(port, 2, &irq), EINVAL);
	ck_assert_int_eq(rumpuser_evtchn_bind(port, UINT32_MAX, &irq), EINVAL);
	rumpuser_evtchn_close(UINT32_MAX);
	next_irq = HW_IRQ_TLB;
	ck_assert_int_eq(rumpuser_evtchn_bind(port, 0, &irq), ENOSPC);
	for (n = 0; rumpuser_evtchn_alloc(0, &port) == 0; n++)
		ck_assert_uint_lt(n, NPORTS);
	ck_assert_int_eq(rumpuser_evtchn_alloc(0, &port), ENOSPC);
}
END_TEST

/* Loop test: _i / 2 says which ABI there is in the first domain, _i % 2 in the other. */
START_TEST(evtchn_of_another_domain)
{
	unsigned a, b, irq_a, irq_b;

	start(_i / 2);
	a = channel(0, &irq_a);
	b = channel(1, &irq_b);
	rumpuser_evtchn_notify(a);
	rumpuser_evtchn_notify(b);
	xen_parking = true;
	upcall(1);
	ck_assert_uint_eq(parks, 1);
	xen_parking = false;
	rumpuser_evtchn_notify(a); /* pending, or in a queue, when the domain ends */
	memset(ports, 0, sizeof(ports));
	memset(&shared, 0, sizeof(shared));
	memset(vcpus, 0, sizeof(vcpus));
	memset(tails, 0, sizeof(tails));
	words = NULL;
	start(_i % 2);
	ck_assert(!upcall(0) && !upcall(1));
	ck_assert_uint_eq(ndelivered, 0);
	/* As xenbus will have it, with the numbers of before. */
	ck_assert_int_eq(rumpuser_evtchn_alloc(0, &a), 0);
	rumpuser_evtchn_notify(a);
	upcall(0);
	ck_assert_uint_eq(ndelivered, 0); /* not bound yet, whatever the port was once */
	ck_assert_int_eq(rumpuser_evtchn_bind(a, 1, &irq_b), 0);
	upcall(1);
	ck_assert_uint_eq(ndelivered, 1);
	ck_assert_uint_eq(delivered[0], irq_b);
	hw_machine_ipi(0, RUMPUSER_IRQ_IPI);
	upcall(0);
	ck_assert_uint_eq(ndelivered, 1);
	ck_assert_uint_eq(delivered[0], RUMPUSER_IRQ_IPI);
}
END_TEST

/* -------------------------------------------------------------------- grants */

static struct grant_entry_v1 *table[64];
static unsigned nframes, max_frames = 64, pages;

uint64_t rumpkern_page_alloc(void)
{
	__atomic_fetch_add(&pages, 1, __ATOMIC_RELAXED);
	return (uintptr_t)aligned_alloc(RUMPUSER_PAGE_SIZE, RUMPUSER_PAGE_SIZE);
}

void rumpkern_page_free(uint64_t pa)
{
	__atomic_fetch_sub(&pages, 1, __ATOMIC_RELAXED);
	free((void *)(uintptr_t)pa);
}

void *xen_grant_frame(unsigned n, uint64_t pa)
{
	ck_assert_uint_eq(n, nframes);
	if (n == max_frames)
		return NULL;
	nframes++;
	table[n] = (void *)(uintptr_t)pa;
	return memset(table[n], 0, RUMPUSER_PAGE_SIZE); /* Xen's page is there now */
}

static struct grant_entry_v1 *entry(uint32_t ref)
{
	ck_assert_uint_lt(ref / 512, nframes);
	return &table[ref / 512][ref % 512];
}

START_TEST(grant_says_what_was_asked)
{
	uint32_t a, b;

	ck_assert_int_eq(rumpuser_grant(7, 0x123000, false, &a), 0);
	ck_assert_int_eq(rumpuser_grant(0, 0x456000, true, &b), 0);
	ck_assert_uint_ge(a, GNTTAB_NR_RESERVED_ENTRIES);
	ck_assert_uint_ne(a, b);
	ck_assert_uint_eq(entry(a)->flags, GTF_permit_access);
	ck_assert_uint_eq(entry(a)->domid, 7);
	ck_assert_uint_eq(entry(a)->frame, 0x123);
	ck_assert_uint_eq(entry(b)->flags, GTF_permit_access | GTF_readonly);
	ck_assert_uint_eq(entry(b)->frame, 0x456);
	ck_assert_int_eq(rumpuser_grant(0, 1ULL << 44, true, &b), ENOSPC); /* 16 TB */
}
END_TEST

void xen_grant_frame_again(unsigned n, void *frame)
{
	ck_assert_ptr_eq(frame, table[n]);
	memset(frame, 0, RUMPUSER_PAGE_SIZE);
	if (n == 0) /* the tools' */
		table[0][1].frame = 77;
}

START_TEST(grants_of_another_domain)
{
	uint32_t refs[600], ref;
	unsigned n;

	ck_assert_int_eq(rumpuser_grant(0, 0x1000, false, &refs[0]), 0);
	ck_assert_int_eq(xen_grants_room(), 0);
	for (n = 1; n < 600; n++)
		ck_assert_int_eq(rumpuser_grant(0, 0x1000 * (n + 1), n & 1, &refs[n]), 0);
	ck_assert_uint_eq(nframes, 2);
	ck_assert(!xen_grants_keep()); /* there is another frame */
	ck_assert_int_eq(xen_grants_room(), 0);
	entry(refs[3])->flags |= GTF_reading | GTF_writing;
	ck_assert_int_eq(rumpuser_grant_end(refs[5]), 0);
	ck_assert(xen_grants_keep());
	ck_assert_uint_eq(pages, 4);
	xen_grants_again();
	xen_grants_forget();
	ck_assert_uint_eq(pages, 2);
	ck_assert_uint_eq(table[0][1].frame, 77);
	for (n = 0; n < 600; n++) {
		if (n == 5)
			continue;
		ck_assert_uint_eq(entry(refs[n])->frame, n + 1);
		ck_assert_uint_eq(
		    entry(refs[n])->flags, GTF_permit_access | (n & 1 ? GTF_readonly : 0));
		ck_assert_int_eq(rumpuser_grant_end(refs[n]), 0);
	}
	for (n = 0; n < 600; n++)
		ck_assert_int_eq(rumpuser_grant(0, 0x1000, false, &ref), 0);
	ck_assert_uint_eq(nframes, 2);
}
END_TEST

START_TEST(grant_in_use_is_not_taken_back)
{
	uint32_t ref;

	ck_assert_int_eq(rumpuser_grant(0, 0x1000, false, &ref), 0);
	entry(ref)->flags |= GTF_reading;
	ck_assert_int_eq(rumpuser_grant_end(ref), EBUSY);
	entry(ref)->flags |= GTF_writing;
	ck_assert_int_eq(rumpuser_grant_end(ref), EBUSY);
	ck_assert_uint_eq(entry(ref)->frame, 1);
	entry(ref)->flags &= ~(GTF_reading | GTF_writing);
	ck_assert_int_eq(rumpuser_grant_end(ref), 0);
	ck_assert_uint_eq(entry(ref)->flags, 0);
}
END_TEST

START_TEST(grant_end_of_what_is_none)
{
	uint32_t ref, i;

	ck_assert_int_eq(rumpuser_grant_end(8), EINVAL); /* there is no table yet */
	ck_assert_int_eq(rumpuser_grant(0, 0x1000, false, &ref), 0);
	for (i = 0; i < 1024; i++)
		if (i != ref)
			ck_assert_int_eq(rumpuser_grant_end(i), EINVAL);
	ck_assert_int_eq(rumpuser_grant_end(UINT32_MAX), EINVAL);
	ck_assert_int_eq(rumpuser_grant_end(ref), 0);
	ck_assert_int_eq(rumpuser_grant_end(ref), EINVAL);
}
END_TEST

START_TEST(grant_all_and_again)
{
	static uint32_t refs[3 * 512];
	unsigned n, round;

	max_frames = 3;
	for (round = 0; round < 3; round++) {
		for (n = 0; rumpuser_grant(0, n * RUMPUSER_PAGE_SIZE, false, &refs[n]) == 0; n++) {
			ck_assert_uint_eq(entry(refs[n])->frame, n);
			ck_assert_uint_lt(n, 3 * 512);
		}
		ck_assert_uint_eq(n, 3 * 512 - GNTTAB_NR_RESERVED_ENTRIES);
		ck_assert_uint_eq(pages, 3); /* what could not be used went back */
		while (n > 0)
			ck_assert_int_eq(rumpuser_grant_end(refs[--n]), 0);
	}
}
END_TEST

static uint8_t owner[64 * 512];

static void *grants_of_a_thread(void *arg)
{
	uint32_t refs[20], me = (uintptr_t)arg;
	unsigned round, i;

	for (round = 0; round < 5000; round++) {
		for (i = 0; i < 20; i++) {
			ck_assert_int_eq(rumpuser_grant(me, i << 12, false, &refs[i]), 0);
			ck_assert_uint_eq(
			    __atomic_exchange_n(&owner[refs[i]], me, __ATOMIC_RELAXED), 0);
		}
		for (i = 0; i < 20; i++) {
			ck_assert_uint_eq(entry(refs[i])->domid, me);
			ck_assert_uint_eq(entry(refs[i])->frame, i);
			owner[refs[i]] = 0;
			ck_assert_int_eq(rumpuser_grant_end(refs[i]), 0);
		}
	}
	return NULL;
}

START_TEST(grant_by_many_at_once)
{
	pthread_t threads[4];
	uintptr_t i;

	for (i = 0; i < 4; i++)
		ck_assert_int_eq(
		    pthread_create(&threads[i], NULL, grants_of_a_thread, (void *)(i + 1)), 0);
	for (i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	ck_assert_uint_eq(nframes, 1); /* nobody's entry was lost */
}
END_TEST

static Suite *make_suite(void)
{
	Suite *s = suite_create("evtchn");
	TCase *t = tcase_create("both ABIs");

	tcase_add_loop_test(t, evtchn_reaches_its_cpu_only, 0, 2);
	tcase_add_loop_test(t, evtchn_during_its_handler_comes_again, 0, 2);
	tcase_add_loop_test(t, evtchn_before_bind_comes_at_once, 0, 2);
	tcase_add_loop_test(t, evtchn_pending_at_start_is_kept, 0, 2);
	tcase_add_loop_test(t, evtchn_closed_is_silent_and_its_irq_reused, 0, 2);
	tcase_add_loop_test(t, evtchn_of_cpus_and_timers, 0, 2);
	tcase_add_loop_test(t, evtchn_bad_arguments, 0, 2);
	tcase_add_loop_test(t, evtchn_of_another_domain, 0, 4);
	suite_add_tcase(s, t);
	t = tcase_create("grants");
	tcase_set_timeout(t, 60);
	tcase_add_test(t, grant_says_what_was_asked);
	tcase_add_test(t, grant_in_use_is_not_taken_back);
	tcase_add_test(t, grant_end_of_what_is_none);
	tcase_add_test(t, grant_all_and_again);
	tcase_add_test(t, grants_of_another_domain);
	tcase_add_test(t, grant_by_many_at_once);
	suite_add_tcase(s, t);
	return s;
}

CHECK_MAIN(make_suite)
