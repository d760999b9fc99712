/* SPDX-License-Identifier: BSD-2-Clause */
#include <sys/prctl.h>
#include <kern/cpu.h>
#include <kern/lwp.h>
#include <kern/sysproto.h>
#include <kern/systm.h>

#define ARCH_SET_GS 0x1001
#define ARCH_SET_FS 0x1002
#define ARCH_GET_FS 0x1003
#define VA_MAX	    0x7ffffffff000UL

static int set_name(const char *uname)
{
	char name[sizeof(curlwp->l_name)];
	int error = copyinstr(uname, name, sizeof(name), NULL);

	if (error == ENAMETOOLONG) { /* is cut, not refused */
		name[sizeof(name) - 1] = '\0';
		error = 0;
	}
	if (error == 0)
		strlcpy(curlwp->l_name, name, sizeof(name));
	return error;
}

long do_sys_prctl(
    int option, unsigned long arg2, unsigned long arg3, unsigned long arg4, unsigned long arg5)
{
	static bool dumpable = true, no_new_privs;
	int zero = 0;

	switch (option) {
	case PR_SET_NAME:
		return sysret(set_name((const char *)arg2), 0);
	case PR_GET_NAME:
		return sysret(copyout(curlwp->l_name, (void *)arg2, sizeof(curlwp->l_name)), 0);
	case PR_GET_DUMPABLE:
		return dumpable;
	case PR_SET_DUMPABLE:
		if (arg2 > 1)
			return sysret(EINVAL, 0);
		dumpable = arg2;
		return 0;
	case PR_SET_NO_NEW_PRIVS:
		no_new_privs = true;
		return 0;
	case PR_GET_NO_NEW_PRIVS:
		return no_new_privs;
	case PR_GET_PDEATHSIG:
		return sysret(copyout(&zero, (void *)arg2, sizeof(zero)), 0);
	case PR_CAPBSET_READ:
		return 1;
	case PR_SET_PDEATHSIG: /* there is no parent */
	case PR_SET_KEEPCAPS:
	case PR_GET_KEEPCAPS:
	case PR_SET_TIMERSLACK:
	case PR_SET_CHILD_SUBREAPER:
		return 0;
	}
	return sysret(EINVAL, 0);
}

long do_sys_arch_prctl(int code, unsigned long addr)
{
	switch (code) {
	case ARCH_SET_FS:
		if (addr >= VA_MAX)
			return sysret(EPERM, 0);
		lwp_set_tls(addr);
		return 0;
	case ARCH_GET_FS:
		return sysret(copyout(&curlwp->l_tls, (void *)addr, sizeof(curlwp->l_tls)), 0);
	case ARCH_SET_GS: /* the kernel's own */
		return sysret(EPERM, 0);
	}
	return sysret(EINVAL, 0);
}

long do_sys_personality(unsigned long persona)
{
	return persona == 0 || persona == 0xffffffff ? 0 : sysret(EINVAL, 0);
}
