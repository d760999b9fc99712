/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kiln run: boot an image, be its console, pass its end on.
 *
 *   run.c         options, and what becomes of our exit status
 *   run_config.c  the launch document
 *   run_qemu.c    the machine that QEMU makes
 *   run_hosted.c  the image as a process
 *   run_xen.c     the domain that Xen makes
 *   run_domain.c  its keeper
 *   run_guest.c   the life of the guest
 *   run_status.c  its last word
 *   run_core.c    its core
 *   run_profile.c its profile
 *
 * EXIT STATUS.  The program's own status, 0 to 255, is ours.  Every other end of a
 * guest is a death by signal of ours (without a core), which no program's exit
 * status can be mistaken for: the signal that killed the program; SIGABRT for a
 * panic or a guest that ended without a word; the signal that stopped us if
 * the guest had to be stopped; SIGALRM for --timeout.  125 is an error of ours,
 * before there was a guest or because its output cannot be written.  --status-file
 * says the same in words.
 */
#include "run.h"
#include "kiln.h"
#include "profile.h"

#include <err.h>
#include <errno.h>
#include <getopt.h>
#include <net/if.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#define DEFAULT_MEMORY	 (UINT64_C(128) << 20)
#define DEFAULT_GDB_PORT 1234
#define MAX_CPUS	 32

static void usage(void)
{
	printf(
	    "usage: kiln run [option ...] IMAGE [-- argument ...]\n"
	    "       kiln profile [-o NAME] [option ...] IMAGE [-- argument ...]\n\n"
	    "  -p, --port [IP:]HOST:GUEST[/udp]  forward a port of this machine (127.0.0.1 unless "
	    "IP is given)\n"
	    "  -m, --memory SIZE      memory, in MiB: 32M, 1G (default 128M)\n"
	    "  -c, --cpus N           processors (default 1)\n"
	    "  -e, --env NAME=VALUE   environment variable\n"
	    "      --start COMMANDS   of several programs, what is started: \"a 1 | b; c &\"\n"
	    "      --net user|tap=IF|bridge=BR|none   network (default: user if the image has "
	    "one)\n"
	    "      --ip ADDR/LEN, --gw ADDR, --dns ADDR   static address instead of DHCP\n"
	    "      --dhcp             ask the user network's DHCP server instead of knowing its "
	    "answer\n"
	    "      --disk FILE[:ro]   a disk, raw (may be repeated); for an image with dev/disk\n"
	    "      --hostname NAME    host name\n"
	    "      --platform hw|hosted|xen   default: the image's\n"
	    "      --machine pc|q35|microvm   what QEMU emulates (default microvm)\n"
	    "      --accel auto|kvm|tcg   default: kvm if it is usable\n"
	    "      --gdb[=PORT]       wait for gdb and say how to connect (default port 1234)\n"
	    "      --core FILE        if it crashes, or --timeout ends it, write a core for `kiln "
	    "gdb'\n"
	    "      --strace[=A,B]     print system calls, or only some; for an image baked with "
	    "--debug\n"
	    "      --stats[=json]     print a table of counts and peaks at the end; the same\n"
	    "  -o, --profile NAME     sample the CPUs; writes NAME.svg and NAME.folded (kiln "
	    "profile:\n"
	    "                         `profile')\n"
	    "      --rate HZ          so often (default 97)\n"
	    "      --timeout SECONDS  end the guest then\n"
	    "      --grace SECONDS    from the first Ctrl-C to the end (default 10)\n"
	    "      --status-file FILE write how it ended: `exit 0', `signal 11', `panic' ...\n"
	    "      --qemu-arg ARG     one more argument for QEMU (may be repeated)\n"
	    "      --dry-run          print the command instead of running it\n"
	    "  -v, --verbose          print the command, too\n\n"
	    "The exit status is the program's; a crash is a death by signal.  See docs/kiln.md.\n");
}

enum {
	OPT_NET = 256,
	OPT_IP,
	OPT_GW,
	OPT_DNS,
	OPT_DHCP,
	OPT_DISK,
	OPT_HOSTNAME,
	OPT_PLATFORM,
	OPT_MACHINE,
	OPT_ACCEL,
	OPT_GDB,
	OPT_CORE,
	OPT_STRACE,
	OPT_STATS,
	OPT_PROFILE,
	OPT_RATE,
	OPT_TIMEOUT,
	OPT_GRACE,
	OPT_STATUS,
	OPT_QEMU,
	OPT_DRY,
	OPT_XL,
	OPT_START,
	OPT_HELP,
};

static const struct option options[] = {
    {"port", required_argument, NULL, 'p'},
    {"memory", required_argument, NULL, 'm'},
    {"cpus", required_argument, NULL, 'c'},
    {"env", required_argument, NULL, 'e'},
    {"net", required_argument, NULL, OPT_NET},
    {"ip", required_argument, NULL, OPT_IP},
    {"gw", required_argument, NULL, OPT_GW},
    {"dns", required_argument, NULL, OPT_DNS},
    {"dhcp", no_argument, NULL, OPT_DHCP},
    {"disk", required_argument, NULL, OPT_DISK},
    {"hostname", required_argument, NULL, OPT_HOSTNAME},
    {"start", required_argument, NULL, OPT_START},
    {"platform", required_argument, NULL, OPT_PLATFORM},
    {"machine", required_argument, NULL, OPT_MACHINE},
    {"accel", required_argument, NULL, OPT_ACCEL},
    {"gdb", optional_argument, NULL, OPT_GDB},
    {"profile", required_argument, NULL, OPT_PROFILE},
    {"rate", required_argument, NULL, OPT_RATE},
    {"core", required_argument, NULL, OPT_CORE},
    {"strace", optional_argument, NULL, OPT_STRACE},
    {"stats", optional_argument, NULL, OPT_STATS},
    {"timeout", required_argument, NULL, OPT_TIMEOUT},
    {"grace", required_argument, NULL, OPT_GRACE},
    {"status-file", required_argument, NULL, OPT_STATUS},
    {"qemu-arg", required_argument, NULL, OPT_QEMU},
    {"dry-run", no_argument, NULL, OPT_DRY},
    {"xl", no_argument, NULL, OPT_XL}, /* of kiln inspect */
    {"verbose", no_argument, NULL, 'v'},
    {"help", no_argument, NULL, OPT_HELP},
    {NULL, 0, NULL, 0},
};

/* End the command unless accepted is NULL. */
static void check(const char *option, const char *accepted)
{
	if (accepted != NULL)
		spec_fail(option, optarg, accepted);
}

static const char *one_of(const char *value, const char *words)
{
	struct strlist l = {0};

	strlist_split(&l, words, ", ");
	return strlist_has(&l, value) ? NULL : words;
}

static void add_forward(struct run *r, const char *text)
{
	size_t n = r->nforward++;

	r->forward = grow(r->forward, n, sizeof(*r->forward));
	r->forward_text = grow(r->forward_text, n, sizeof(*r->forward_text));
	r->forward_text[n] = text;
	check("-p", spec_forward(text, &r->forward[n]));
}

static void parse_option(struct run *r, int c)
{
	switch (c) {
	case 'p':
		add_forward(r, optarg);
		break;
	case 'm':
		check("-m", spec_size(optarg, &r->memory));
		break;
	case 'c':
		check("--cpus", spec_number(optarg, 1, MAX_CPUS, &r->cpus));
		break;
	case 'e':
		check("-e", spec_env(optarg));
		strlist_setenv(&r->env, optarg);
		break;
	case 'v':
		r->verbose = true;
		break;
	case OPT_NET:
		check("--net", spec_net(optarg, &r->net, &r->net_detail));
		break;
	case OPT_IP:
		check("--ip", spec_prefix(optarg));
		r->ip = optarg;
		break;
	case OPT_GW:
		check("--gw", spec_address(optarg));
		r->gateway = optarg;
		break;
	case OPT_DNS:
		check("--dns", spec_address(optarg));
		strlist_add(&r->dns, optarg);
		break;
	case OPT_DHCP:
		r->dhcp = true;
		break;
	case OPT_DISK:
		strlist_add(&r->disks, optarg);
		break;
	case OPT_START:
		r->start = optarg;
		break;
	case OPT_HOSTNAME:
		check("--hostname", spec_hostname(optarg));
		r->hostname = optarg;
		break;
	case OPT_PLATFORM:
		check("--platform", one_of(optarg, "hw, hosted, xen, xen-pv"));
		r->platform = optarg;
		break;
	case OPT_MACHINE:
		check("--machine", one_of(optarg, "pc, q35, microvm"));
		r->machine = optarg;
		break;
	case OPT_ACCEL:
		check("--accel", one_of(optarg, "auto, kvm, tcg"));
		r->accel = optarg;
		break;
	case OPT_GDB:
		r->gdb = true;
		if (optarg != NULL)
			check("--gdb", spec_number(optarg, 1, 65535, &r->gdb_port));
		break;
	case OPT_CORE:
		r->core = optarg;
		break;
	case OPT_STRACE:
		r->strace = optarg ? optarg : "";
		break;
	case OPT_STATS:
		r->stats = optarg ? optarg : "table";
		check("--stats", one_of(r->stats, "table, json"));
		break;
	case OPT_PROFILE:
	case 'o':
		r->profile = optarg;
		break;
	case OPT_RATE:
		check("--rate", spec_number(optarg, 1, PROFILE_RATE_MAX, &r->rate));
		break;
	case OPT_TIMEOUT:
		check("--timeout", spec_number(optarg, 1, 999999, &r->timeout));
		break;
	case OPT_GRACE:
		check("--grace", spec_number(optarg, 0, 999999, &r->grace));
		break;
	case OPT_STATUS:
		r->status_file = optarg;
		break;
	case OPT_QEMU:
		strlist_add(&r->qemu_args, optarg);
		break;
	case OPT_XL:
		r->xl = r->dry_run = true;
		break;
	case OPT_DRY:
		r->dry_run = true;
		break;
	case OPT_HELP:
		usage();
		exit(0);
	default:
		usage_error(kiln_failure, NULL);
	}
}

/* Returns the image's path. */
static const char *parse_options(struct run *r, int argc, char **argv)
{
	int c, dashes = argc;

	for (int i = 1; i < argc; i++)
		if (strcmp(argv[i], "--") == 0) {
			dashes = i;
			r->have_args = true;
			break;
		}
	while ((c = getopt_long(dashes, argv, "p:m:c:e:o:v", options, NULL)) != -1)
		parse_option(r, c);
	if (optind >= dashes)
		usage_error(kiln_failure, "which image?");
	if (optind + 1 < dashes)
		errx(kiln_failure, "%s: arguments of the program come after --", argv[optind + 1]);
	for (int i = dashes + 1; i < argc; i++)
		strlist_add(&r->args, argv[i]);
	return argv[optind];
}

/* Platform any is hw and xen. */
static bool runs_on(const struct run *r, const char *platform)
{
	return strcmp(r->image.platform, platform) == 0 ||
	       (strcmp(r->image.platform, "any") == 0 &&
		   (strcmp(platform, "hw") == 0 || strcmp(platform, "xen") == 0));
}

void run_memory_check(const struct run *r)
{
	const uint64_t mib = 1 << 20;
	/* A PC's low megabyte holds no image. */
	uint64_t least = (r->image.memory + 2 * mib - 1) / mib;

	if (r->memory % mib != 0)
		errx(kiln_failure, "-m %luK: must be whole MiB, such as %luM", r->memory >> 10,
		    r->memory / mib + 1 > least ? r->memory / mib + 1 : least);
	if (r->memory < least * mib)
		errx(kiln_failure, "-m %luM: too little; %s needs %luM at least", r->memory / mib,
		    r->image.path, least);
}

/* An option that only an image with the component can serve. */
static void need(const struct run *r, const char *option, const char *component)
{
	if (!strlist_has(&r->image.components, component))
		errx(kiln_failure,
		    "%s: %s does not have what it needs; bake it again with --debug, or --with %s",
		    option, r->image.path, component);
}

/* What follows from several options, or from options and image. */
static void settle(struct run *r)
{
	bool has_net = strlist_has(&r->image.components, "net/core");
	bool hosted;

	if (r->platform == NULL)
		r->platform = r->xl && runs_on(r, "xen") ? "xen"
			      : runs_on(r, "hw")	 ? "hw"
							 : r->image.platform;
	if (!runs_on(r, r->platform))
		errx(kiln_failure,
		    "--platform %s: %s was baked for %s; bake it again with --platform %s",
		    r->platform, r->image.path, r->image.platform, r->platform);
	hosted = strcmp(r->platform, "hosted") == 0;
	if (!hosted && !run_on_xen(r) && strcmp(r->platform, "hw") != 0)
		errx(kiln_failure,
		    "%s was baked for platform %s, which kiln run cannot start; "
		    "accepted: hw, hosted, xen",
		    r->image.path, r->platform);
	if (r->xl && !run_on_xen(r))
		errx(kiln_failure, "--xl: %s was baked for %s; bake it again with --platform xen",
		    r->image.path, r->platform);
	if (r->net == NET_AUTO)
		r->net = !hosted && (r->nforward > 0 || has_net) ? NET_USER : NET_NONE;
	if (r->nforward > 0 && !has_net)
		errx(kiln_failure, "-p %s: %s has no network: its program calls nothing of one",
		    r->forward_text[0], r->image.path);
	if (r->nforward > 0 && r->net != NET_USER && r->net != NET_BRIDGE && !hosted)
		errx(kiln_failure, "-p %s: only --net user forwards ports", r->forward_text[0]);
	if (r->net == NET_TAP && !r->dry_run && if_nametoindex(r->net_detail) == 0)
		errx(kiln_failure,
		    "--net tap=%s: no such interface; create it: ip tuntap add %s mode tap user "
		    "$USER",
		    r->net_detail, r->net_detail);
	if (r->disks.n > 0 && hosted)
		errx(kiln_failure, "--disk %s: platform hosted has no disks", r->disks.v[0]);
	if (r->disks.n > 0 && !strlist_has(&r->image.components, "dev/disk"))
		errx(kiln_failure, "--disk %s: %s knows no disks: bake it --with dev/disk",
		    r->disks.v[0], r->image.path);
	if (r->core != NULL && run_on_xen(r))
		errx(kiln_failure, "--core %s: for a domain: xl dump-core", r->core);
	if (r->start != NULL && !strlist_has(&r->image.components, "kern/exec"))
		errx(kiln_failure, "--start %s: %s has one program only", r->start, r->image.path);
	if (r->strace != NULL)
		need(r, "--strace", "kern/strace");
	if (r->stats != NULL)
		need(r, "--stats", "kern/stats");
	if (r->profile != NULL && run_on_xen(r))
		errx(kiln_failure, "--profile %s: not for a domain of Xen", r->profile);
	if (r->profile != NULL && r->gdb)
		errx(kiln_failure, "--profile %s: there is one gdb server only, for --gdb",
		    r->profile);
	if (r->dhcp && r->ip != NULL)
		errx(kiln_failure, "--dhcp and --ip %s contradict each other", r->ip);
	if (r->gateway != NULL && r->ip == NULL)
		errx(kiln_failure, "--gw %s: needs --ip ADDRESS/LEN", r->gateway);
}

/* --------------------------------------------------------------- the end */

static void write_status(const struct run *r, struct ending e)
{
	static const char *const words[] = {[END_EXIT] = "exit",
	    [END_SIGNAL] = "signal",
	    [END_PANIC] = "panic",
	    [END_LOST] = "lost",
	    [END_REFUSED] = "refused",
	    [END_STOPPED] = "stopped",
	    [END_AWAY] = "away",
	    [END_OUTPUT] = "output"};
	struct sbuf s = {0};

	if (r->status_file == NULL)
		return;
	sbuf_puts(&s, words[e.outcome]);
	if (e.outcome == END_EXIT || e.outcome == END_SIGNAL || e.outcome == END_STOPPED)
		sbuf_printf(&s, " %d", e.value);
	sbuf_puts(&s, "\n");
	write_file(r->status_file, s.s, s.len);
	sbuf_free(&s);
}

/* Die by a signal, as if it had hit us; 128 + n if it is one that doesn't kill. */
static int die_by(int sig)
{
	sigset_t set;

	fflush(NULL);
	scratch_close();
	prctl(PR_SET_DUMPABLE, 0); /* a core of the launcher would help nobody */
	setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
	signal(sig, SIG_DFL);
	sigemptyset(&set);
	sigaddset(&set, sig);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	if (sig != SIGSTOP && sig != SIGTSTP && sig != SIGTTIN && sig != SIGTTOU)
		raise(sig);
	return 128 + sig;
}

static int finish(const struct run *r, struct ending e)
{
	write_status(r, e);
	switch (e.outcome) {
	case END_EXIT:
		return e.value;
	case END_SIGNAL:
		warnx("%s was killed by signal %d (%s)", r->image.program, e.value,
		    strsignal(e.value));
		run_core_say(r);
		return die_by(e.value);
	case END_PANIC:
		warnx("%s: the kernel panicked", r->image.path);
		run_core_say(r);
		return die_by(SIGABRT);
	case END_REFUSED:
		errx(kiln_failure, "%s could not be started (-v shows the command)",
		    strcmp(r->platform, "hosted") == 0 ? r->image.path : "the machine");
	case END_STOPPED:
		run_core_say(r);
		return die_by(e.value);
	case END_AWAY:
		errx(kiln_failure, "%s: the domain was saved, moved away or destroyed by others",
		    r->image.program);
	case END_OUTPUT:
		errno = e.value;
		err(kiln_failure, "standard output");
	case END_LOST:
	case END_NONE:
		break;
	}
	warnx("%s ended without a word: it crashed before it could say so", r->image.path);
	run_core_say(r);
	return die_by(SIGABRT);
}

static int run_with(int argc, char **argv, const char *profile)
{
	struct run r = {.memory = 0,
	    .profile = profile,
	    .cpus = 1,
	    .machine = "microvm",
	    .accel = getenv("KILN_ACCEL") ? getenv("KILN_ACCEL") : "auto",
	    .grace = 10,
	    .rate = PROFILE_RATE,
	    .gdb_port = DEFAULT_GDB_PORT,
	    .console_fd = -1,
	    .status_fd = -1,
	    .qmp_fd = -1,
	    .net_fd = -1,
	    .gdb_fd = -1};
	void (*command)(const struct run *, struct strlist *);
	struct strlist cmd = {0};
	struct sbuf text = {0};
	const char *path;

	kiln_failure = EXIT_LAUNCH;
	path = parse_options(&r, argc, argv);
	if (one_of(r.accel, "auto, kvm, tcg") != NULL)
		spec_fail("KILN_ACCEL", r.accel, "auto, kvm, tcg");
	image_open(path, &r.image);
	settle(&r);
	/* Nobody shall read how an earlier guest ended if we are killed. */
	if (r.status_file != NULL && !r.dry_run)
		write_file(r.status_file, "", 0);
	if (r.memory == 0) /* a root file system in the image counts, too */
		r.memory = DEFAULT_MEMORY + ((r.image.memory + (1 << 20) - 1) & ~UINT64_C(0xfffff));
	if (strcmp(r.platform, "hosted") == 0) {
		run_hosted_check(&r);
		command = run_hosted_command;
	} else if (run_on_xen(&r)) {
		run_xen_check(&r);
		r.keeper = run_domain;
		command = NULL;
		if (r.dry_run || r.verbose)
			run_xen_print(&r, r.dry_run ? stdout : stderr);
		if (r.dry_run)
			return 0;
	} else {
		run_qemu_check(&r);
		command = run_qemu_command;
	}
	if (r.keeper == NULL && (r.dry_run || r.verbose)) {
		bool dry_run = r.dry_run;

		r.dry_run = true;
		command(&r, &cmd);
		strlist_shell(&cmd, &text);
		fprintf(dry_run ? stdout : stderr, "%s\n", text.s ? text.s : "");
		sbuf_free(&text);
		r.dry_run = dry_run;
		if (dry_run)
			return 0;
	}
	if (r.gdb)
		run_qemu_gdb(&r);
	if (r.core != NULL && !r.gdb) /* which has a scratch directory already */
		scratch_open(r.core);
	return finish(&r, run_guest(&r, command));
}

int run_main(int argc, char **argv)
{
	return run_with(argc, argv, NULL);
}

int profile_main(int argc, char **argv)
{
	return run_with(argc, argv, "profile");
}
