/* SPDX-License-Identifier: BSD-2-Clause */
/* Pending signals: which are kept, in which order they come, who is told. */
#include <string.h>

#include <kern/kmem.h>
#include <kern/sysproto.h>

#include "check_main.h"
#include "native.h"
#include "signal_impl.h"

kmutex_t proc_lock;
static struct lwp first = {.l_lid = 1, .l_proc = &proc_first},
		  second = {.l_lid = 2, .l_proc = &proc_first};
static unsigned interrupted[3];

void lwp_interrupt(struct lwp *l)
{
	interrupted[l->l_lid]++;
}

static void setup(void)
{
	native_curlwp = &first;
	first.l_sigctx = second.l_sigctx = NULL;
	ck_assert_int_eq(sig_lwp_create(&first), 0);
	ck_assert_int_eq(sig_lwp_create(&second), 0);
}

static void teardown(void)
{
	sig_lwp_destroy(&second);
	sig_lwp_destroy(&first);
	mutex_enter(&sig_lock);
	sig_flush(proc_first.p_sig, ~UINT64_C(0));
	mutex_exit(&sig_lock);
	ck_assert_uint_eq(native_alloc_live(), 0);
}

static void handler(int signo)
{
}

static void set_action(int signo, void (*h)(int))
{
	struct k_sigaction act = {.handler = h};

	ck_assert_int_eq(do_sys_rt_sigaction(signo, &act, NULL, 8), 0);
}

static void as(struct lwp *l, uint64_t mask)
{
	native_curlwp = l;
	sig_setmask(mask);
	native_curlwp = &first;
}

static int take(struct lwp *l, siginfo_t *info)
{
	return sig_take(l->l_sigctx, ~UINT64_C(0), info, NULL);
}

START_TEST(signal_standard_once_realtime_often)
{
	siginfo_t info;

	set_action(SIGUSR1, handler);
	set_action(40, handler);
	for (int i = 0; i < 3; i++) {
		siginfo_t si = {.si_code = SI_QUEUE};
		si.si_value.sival_int = i;
		sig_send_proc(SIGUSR1, NULL);
		sig_send_proc(40, &si);
	}
	ck_assert_int_eq(take(&first, &info), SIGUSR1);
	ck_assert_int_eq(info.si_signo, SIGUSR1);
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(take(&second, &info), 40);
		ck_assert_int_eq(info.si_value.sival_int, i);
	}
	ck_assert_int_eq(take(&first, &info), 0);
}
END_TEST

START_TEST(signal_order_of_taking)
{
	siginfo_t info;

	for (int signo = 1; signo <= 64; signo++)
		set_action(signo == SIGKILL || signo == SIGSTOP ? SIGUSR1 : signo, handler);
	sig_send_proc(SIGHUP, NULL);
	sig_send_lwp(&first, 50, NULL);
	sig_send_lwp(&first, SIGUSR2, NULL);
	sig_send_lwp(&first, SIGSEGV, NULL);
	ck_assert_int_eq(take(&second, &info), SIGHUP); /* what is first's is not second's */
	sig_send_proc(SIGHUP, NULL);
	ck_assert_int_eq(take(&first, &info), SIGSEGV);
	ck_assert_int_eq(take(&first, &info), SIGUSR2);
	ck_assert_int_eq(take(&first, &info), 50);
	ck_assert_int_eq(take(&first, &info), SIGHUP);
}
END_TEST

START_TEST(signal_ignored_is_dropped)
{
	siginfo_t info;

	sig_send_proc(SIGCHLD, NULL);
	ck_assert_int_eq(take(&first, &info), 0);
	set_action(SIGUSR1, SIG_IGN);
	sig_send_lwp(&first, SIGUSR1, NULL);
	ck_assert_int_eq(take(&first, &info), 0);
	/* Blocked: the action may change before it is seen. */
	as(&first, SIG_BIT(SIGUSR1));
	sig_send_lwp(&first, SIGUSR1, NULL);
	ck_assert_uint_eq(sig_pendingset(first.l_sigctx), SIG_BIT(SIGUSR1));
	ck_assert_int_eq(sig_pending(&first), 0);
	set_action(SIGUSR1, SIG_IGN); /* set again: forgets it */
	ck_assert_uint_eq(sig_pendingset(first.l_sigctx), 0);
	as(&first, 0);
}
END_TEST

START_TEST(signal_who_is_told)
{
	siginfo_t info;

	set_action(SIGUSR1, handler);
	memset(interrupted, 0, sizeof(interrupted));
	first.l_userret = second.l_userret = 0;
	sig_send_proc(SIGUSR1, NULL);
	ck_assert_uint_eq(interrupted[1], 1);
	ck_assert_uint_eq(interrupted[2], 0);
	ck_assert_uint_eq(first.l_userret, LW_PENDSIG);
	ck_assert_int_eq(sig_pending(&first), ERESTART);
	/* It blocks the signal before it has taken it: then it is the other's. */
	as(&first, SIG_BIT(SIGUSR1));
	ck_assert_uint_eq(interrupted[2], 1);
	ck_assert_int_eq(sig_pending(&second), ERESTART);
	ck_assert_int_eq(sig_pending(&first), 0);
	ck_assert_int_eq(take(&second, &info), SIGUSR1);
	/* Nobody accepts it: it waits until somebody does. */
	as(&second, SIG_BIT(SIGUSR1));
	second.l_userret = 0;
	sig_send_proc(SIGUSR1, NULL);
	ck_assert_uint_eq(second.l_userret, 0);
	as(&second, 0);
	ck_assert_uint_eq(second.l_userret, LW_PENDSIG);
	ck_assert_int_eq(take(&second, &info), SIGUSR1);
	as(&first, 0);
}
END_TEST

/* The signals that one thread leaves to the others may be taken by different ones, or one of them.
 */
START_TEST(signal_all_that_are_left_are_offered)
{
	uint64_t both = SIG_BIT(SIGUSR1) | SIG_BIT(SIGUSR2);

	set_action(SIGUSR1, handler);
	set_action(SIGUSR2, handler);
	as(&second, SIG_BIT(SIGUSR1));
	sig_send_proc(SIGUSR1, NULL);
	sig_send_proc(SIGUSR2, NULL);
	interrupted[2] = second.l_userret = 0;
	as(&first, both);
	ck_assert_uint_eq(interrupted[2], 1);
	ck_assert_uint_eq(second.l_userret, LW_PENDSIG);
	ck_assert_int_eq(sig_pending(&second), ERESTART);
	as(&second, 0);
	as(&first, 0);
}
END_TEST

START_TEST(signal_what_a_waiter_leaves_is_offered)
{
	uint64_t both = SIG_BIT(SIGUSR1) | SIG_BIT(SIGUSR2);
	siginfo_t info;

	set_action(SIGUSR1, handler);
	set_action(SIGUSR2, handler);
	as(&first, both);
	as(&second, both);
	sig_setwait(both);
	native_curlwp = &second;
	sig_setwait(both);
	native_curlwp = &first;
	sig_send_proc(SIGUSR1, NULL);
	sig_send_proc(SIGUSR2, NULL);
	interrupted[2] = second.l_userret = 0;
	ck_assert_int_eq(take(&first, &info), SIGUSR1);
	sig_setwait(0);
	ck_assert_uint_eq(interrupted[2], 1);
	/* Likewise if the other ends. */
	as(&first, both);
	sig_setwait(both);
	interrupted[1] = 0;
	sig_lwp_destroy(&second);
	ck_assert_uint_eq(interrupted[1], 1);
	sig_setwait(0);
	as(&first, 0);
	ck_assert_int_eq(sig_lwp_create(&second), 0);
}
END_TEST

START_TEST(signal_unblockable)
{
	as(&first, ~UINT64_C(0));
	ck_assert_uint_eq(first.l_sigctx->sc_mask & SIG_UNBLOCKABLE, 0);
	as(&first, 0);
	struct k_sigaction act = {.handler = SIG_IGN};
	ck_assert_int_eq(do_sys_rt_sigaction(SIGKILL, &act, NULL, 8), -EINVAL);
	ck_assert_int_eq(do_sys_rt_sigaction(0, &act, NULL, 8), -EINVAL);
	ck_assert_int_eq(do_sys_rt_sigaction(65, &act, NULL, 8), -EINVAL);
	ck_assert_int_eq(do_sys_rt_sigaction(1, &act, NULL, 16), -EINVAL);
	ck_assert_int_eq(do_sys_rt_sigaction(1, (void *)8, NULL, 8), -EFAULT);
}
END_TEST

START_TEST(signal_queue_is_bounded)
{
	siginfo_t info = {.si_code = SI_QUEUE};
	int error = 0, n = 0;

	set_action(45, handler);
	info.si_signo = 45;
	while ((error = sig_queue(proc_first.p_sig, &info, true)) == 0 && n < 100000)
		n++;
	ck_assert_int_eq(error, EAGAIN);
	ck_assert_int_ge(n, 32); /* _POSIX_SIGQUEUE_MAX */
	/* The kernel's own still arrive, with less to say. */
	set_action(SIGTERM, handler);
	sig_send_proc(SIGTERM, NULL);
	ck_assert_int_eq(take(&first, &info), SIGTERM);
	for (int i = 0; i < n; i++)
		ck_assert_int_eq(take(&first, &info), 45);
	ck_assert_int_eq(take(&first, &info), 0);
}
END_TEST

static struct ksiginfo timers_entry;
static unsigned gone, forgotten;

static void on_gone(siginfo_t *info)
{
	ck_assert(!timers_entry.ksi_queued);
	if (info)
		info->si_overrun = 7;
	*(info ? &gone : &forgotten) += 1;
}

static int send_timers(int signo, int lid)
{
	timers_entry.ksi_info = (siginfo_t){.si_signo = signo, .si_code = SI_TIMER};
	timers_entry.ksi_proc = proc_first.p_sig;
	timers_entry.ksi_gone = on_gone;
	return sig_send_timer(&timers_entry, lid);
}

START_TEST(signal_of_a_timer_is_pending_once)
{
	siginfo_t info;

	set_action(45, handler);
	ck_assert_int_eq(send_timers(45, 0), 0);
	ck_assert_int_eq(send_timers(45, 0), EBUSY);
	ck_assert_int_eq(take(&first, &info), 45);
	ck_assert_int_eq(info.si_code, SI_TIMER);
	ck_assert_int_eq(info.si_overrun, 7);
	ck_assert_uint_eq(gone, 1);
	ck_assert_int_eq(take(&first, &info), 0);
	ck_assert_int_eq(send_timers(45, 2), 0);
	ck_assert_int_eq(take(&first, &info), 0);
	ck_assert_int_eq(take(&second, &info), 45);
	ck_assert_int_eq(send_timers(45, 99), ESRCH);
	ck_assert_int_eq(send_timers(SIGCHLD, 0), ECANCELED);
	/* Forgotten with the action, and with the thread. */
	ck_assert_int_eq(send_timers(45, 0), 0);
	set_action(45, SIG_IGN);
	ck_assert_uint_eq(forgotten, 1);
	set_action(45, handler);
	ck_assert_int_eq(send_timers(45, 2), 0);
	sig_lwp_destroy(&second);
	ck_assert_uint_eq(forgotten, 2);
	ck_assert_int_eq(sig_lwp_create(&second), 0);
	/* Its timer goes; what others have sent stays. */
	ck_assert_int_eq(send_timers(45, 2), 0);
	sig_unsend_timer(&timers_entry);
	ck_assert_uint_eq(sig_pendingset(second.l_sigctx), 0);
	ck_assert_int_eq(send_timers(45, 0), 0);
	sig_send_proc(45, NULL);
	sig_unsend_timer(&timers_entry);
	ck_assert_int_eq(take(&first, &info), 45);
	ck_assert_int_eq(info.si_code, SI_KERNEL);
	ck_assert_int_eq(take(&first, &info), 0);
	ck_assert_uint_eq(gone, 2);
}
END_TEST

START_TEST(signal_full_queue_lets_cancellation_through)
{
	siginfo_t info = {.si_signo = 45, .si_code = SI_QUEUE};

	set_action(45, handler);
	set_action(33, handler);
	as(&first, SIG_BIT(45));
	while (sig_queue(proc_first.p_sig, &info, true) == 0)
		continue;
	ck_assert_int_eq(do_sys_tkill(2, 45), -EAGAIN);
	ck_assert_int_eq(do_sys_tkill(2, 33), 0); /* libc's SIGCANCEL */
	ck_assert_int_eq(send_timers(45, 2), 0);
	ck_assert_int_eq(take(&second, &info), 33);
	ck_assert_int_eq(take(&second, &info), 45);
	ck_assert_int_eq(info.si_code, SI_TIMER);
	as(&first, 0);
}
END_TEST

START_TEST(signal_without_memory)
{
	siginfo_t info = {.si_code = SI_QUEUE, .si_signo = 45};

	set_action(SIGUSR1, handler);
	set_action(45, handler);
	native_alloc_fail(0);
	sig_send_proc(SIGUSR1, NULL);
	ck_assert_int_eq(take(&first, &info), SIGUSR1);
	info.si_signo = 45;
	native_alloc_fail(0);
	ck_assert_int_eq(sig_queue(proc_first.p_sig, &info, true), EAGAIN);
	native_alloc_fail(-1);
}
END_TEST

START_TEST(signal_sending_calls)
{
	ck_assert_int_eq(do_sys_kill(1, 0), 0);
	ck_assert_int_eq(do_sys_kill(2, 0), -ESRCH);
	ck_assert_int_eq(do_sys_kill(-1, 0), 0);
	ck_assert_int_eq(do_sys_kill(-2, 0), -ESRCH);
	ck_assert_int_eq(do_sys_kill(1, 65), -EINVAL);
	ck_assert_int_eq(do_sys_kill(1, -1), -EINVAL);
	ck_assert_int_eq(do_sys_tkill(2, 0), 0);
	ck_assert_int_eq(do_sys_tkill(3, 0), -ESRCH);
	ck_assert_int_eq(do_sys_tkill(0, 0), -EINVAL);
	ck_assert_int_eq(do_sys_tgkill(1, 2, 0), 0);
	ck_assert_int_eq(do_sys_tgkill(2, 2, 0), -ESRCH);
	ck_assert_int_eq(do_sys_tgkill(-1, 2, 0), -EINVAL);
}
END_TEST

START_TEST(signal_death_passes_it_on)
{
	siginfo_t info;

	set_action(SIGUSR1, handler);
	as(&first, SIG_BIT(SIGUSR1));
	sig_send_proc(SIGUSR1, NULL); /* second is told */
	as(&first, 0);
	first.l_userret = 0;
	interrupted[1] = 0;
	sig_lwp_destroy(&second);
	ck_assert_uint_eq(first.l_userret, LW_PENDSIG);
	ck_assert_uint_eq(interrupted[1], 1);
	ck_assert_int_eq(take(&first, &info), SIGUSR1);
	ck_assert_int_eq(sig_lwp_create(&second), 0);
}
END_TEST

START_TEST(signal_reset_hand)
{
	struct k_sigaction act = {.handler = handler, .flags = SA_RESETHAND}, got;
	siginfo_t info;

	ck_assert_int_eq(do_sys_rt_sigaction(SIGUSR1, &act, NULL, 8), 0);
	sig_send_proc(SIGUSR1, NULL);
	ck_assert_int_eq(sig_take(first.l_sigctx, ~UINT64_C(0), &info, &got), SIGUSR1);
	ck_assert_ptr_eq(got.handler, handler);
	ck_assert_int_eq(do_sys_rt_sigaction(SIGUSR1, NULL, &got, 8), 0);
	ck_assert(got.handler == SIG_DFL);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *s = suite_create("signal");
	TCase *tc = tcase_create("signal");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, signal_standard_once_realtime_often);
	tcase_add_test(tc, signal_order_of_taking);
	tcase_add_test(tc, signal_ignored_is_dropped);
	tcase_add_test(tc, signal_who_is_told);
	tcase_add_test(tc, signal_all_that_are_left_are_offered);
	tcase_add_test(tc, signal_what_a_waiter_leaves_is_offered);
	tcase_add_test(tc, signal_unblockable);
	tcase_add_test(tc, signal_queue_is_bounded);
	tcase_add_test(tc, signal_of_a_timer_is_pending_once);
	tcase_add_test(tc, signal_full_queue_lets_cancellation_through);
	tcase_add_test(tc, signal_without_memory);
	tcase_add_test(tc, signal_sending_calls);
	tcase_add_test(tc, signal_death_passes_it_on);
	tcase_add_test(tc, signal_reset_hand);
	suite_add_tcase(s, tc);
	return s;
}

CHECK_MAIN(make_suite)
