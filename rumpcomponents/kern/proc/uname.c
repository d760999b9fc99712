/* SPDX-License-Identifier: BSD-2-Clause */
/* The names of system and host.  Configuration: "hostname". */
#include <sys/utsname.h>
#include <kern/config.h>
#include <kern/proc.h>
#include <kern/sysproto.h>
#include <kern/systm.h>

/* Programs ask for the Linux version to learn which calls they may expect. */
#define RELEASE "6.1.0-kiln"

static char hostname[65], domainname[65] = "(none)";
static bool hostname_set;

CONFIG_KEY(hostname, "hostname", CONFIG_STRING);

static bool good_name(const char *name)
{
	size_t len = 0;

	for (; name[len] != '\0'; len++) {
		char c = name[len];

		if (!(c >= '0' && c <= '9') && !((c | 32) >= 'a' && (c | 32) <= 'z') && c != '-' &&
		    c != '.')
			return false;
	}
	return len > 0 && len < sizeof(hostname);
}

const char *proc_hostname(void)
{
	const char *name;

	if (!hostname_set) {
		name = config_string("hostname");
		if (name != NULL && !good_name(name)) {
			config_complain(
			    "hostname", name, "letters, digits, hyphens and dots, 64 at most");
			name = NULL;
		}
		strlcpy(hostname, name != NULL ? name : "kiln", sizeof(hostname));
		hostname_set = true;
	}
	return hostname;
}

long do_sys_uname(struct utsname *name)
{
	struct utsname u;
	int error;

	memset(&u, 0, sizeof(u));
	mutex_enter(&proc_lock);
	strlcpy(u.sysname, "Linux", sizeof(u.sysname));
	strlcpy(u.nodename, proc_hostname(), sizeof(u.nodename));
	strlcpy(u.release, RELEASE, sizeof(u.release));
	strlcpy(u.version, "Kiln", sizeof(u.version));
	strlcpy(u.machine, "x86_64", sizeof(u.machine));
	strlcpy(u.domainname, domainname, sizeof(u.domainname));
	mutex_exit(&proc_lock);
	error = copyout(&u, name, sizeof(u));
	return sysret(error, 0);
}

static int set(char *to, const char *from, size_t len)
{
	char buf[65];
	int error;

	if (len > 64)
		return EINVAL;
	error = copyin(from, buf, len);
	if (error == 0) {
		mutex_enter(&proc_lock);
		memcpy(to, buf, len);
		to[len] = '\0';
		mutex_exit(&proc_lock);
	}
	return error;
}

long do_sys_sethostname(const char *name, size_t len)
{
	(void)proc_hostname();
	return sysret(set(hostname, name, len), 0);
}

long do_sys_setdomainname(const char *name, size_t len)
{
	return sysret(set(domainname, name, len), 0);
}
