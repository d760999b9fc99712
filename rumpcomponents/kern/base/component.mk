DESC     := Heart of the kernel: lwps, scheduler, locks, callouts, interrupts, traps, start-up
PREFIX   := base_ mutex_ rw_ cv_ callout_ softint_ intr_ lwp_ cpu_ sched_ sleepq_ spin_ kthread_ proc_ alllwp kern_ \
            mem str copyin copyout ufetch_ ustore_ ucas_ kprintf kvprintf ksnprintf kvsnprintf panic kassert_failed \
            nanouptime nanotime timespec_to_ns ns_to_timespec __stack_chk_fail
SRCS     := start.c program.c cpu.c softint.c sched.c sleepq.c mutex.c rwlock.c condvar.c callout.c lwp.c proc.c trap.c \
            crash.c fpu.c kprintf.c string.c ktime.c layout.c mem.S copy.S switch.S
NEEDS    := kern/config
RUMPUSER := yes
SMALL    := start.c program.c lwp.c proc.c trap.c crash.c fpu.c kprintf.c string.c rwlock.c callout.c condvar.c cpu.c ktime.c sched.c sleepq.c softint.c
