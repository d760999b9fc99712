/* SPDX-License-Identifier: BSD-2-Clause */
/* run.h - what the files of `kiln run` share; see run.c. */
#ifndef KILN_RUN_H
#define KILN_RUN_H

#include "image.h"
#include "spec.h"

#include <stdio.h>

#define RUN_QEMU "qemu-system-x86_64"

struct run {
	struct image image;
	const char *platform;

	/* options */
	struct port_forward *forward;
	const char **forward_text; /* as given, for messages */
	size_t nforward;
	uint64_t memory;
	unsigned cpus;
	struct strlist env, args, dns, qemu_args;
	struct strlist disks; /* files; ":ro" behind one that is not to be written */
	bool have_args;
	enum net_mode net;
	const char *net_detail;
	const char *ip, *gateway, *hostname, *start, *machine, *accel, *status_file, *core,
	    *profile;
	const char *strace; /* calls to trace, "" all; NULL: none */
	const char *stats;  /* "table" or "json"; NULL: none */
	bool dhcp, gdb, dry_run, xl, verbose;
	unsigned gdb_port, timeout, grace, rate;

	/* descriptors of the guest's side, -1 if there is none */
	int console_fd, status_fd, qmp_fd, net_fd, gdb_fd;
	bool pipe_input; /* standard input is no terminal: it has an end */

	/* A process of ours that keeps the guest, in place of a command; NULL: there is one. */
	void (*keeper)(struct run *r);
	struct { /* run_xen_check() */
		char *name, *uuid, *mac;
		char *token; /* the guest's last word begins with it; NULL: it has none */
		char *host;  /* address and prefix of our end of the link */
		bool link;   /* the network is a link between guest and domain 0 */
		int *listen; /* sockets of the forwarded ports */
	} xen;
};

/* run.c: ends the command if -m is no good, or too little for the image. */
void run_memory_check(const struct run *r);

/* run_config.c: the launch document (docs/configuration.md). */
void run_config(const struct run *r, struct sbuf *doc);

/* run_qemu.c */
/* Ends the command if QEMU or an accelerator is missing, or a port is taken. */
void run_qemu_check(struct run *r);
/* QEMU's command.  With r->dry_run it is one that works when pasted to a shell. */
void run_qemu_command(const struct run *r, struct strlist *cmd);
/* The socket of the i-th forwarded port, listening or bound; ends the command if it is taken. */
int run_port_take(const struct run *r, size_t i);
/* Ends the command if a disk's file cannot be used. */
void run_disks_check(const struct run *r);
/* The name of a --disk's file, to be freed; *readonly from what is behind it. */
char *run_disk_file(const char *spec, bool *readonly);
/* Write the gdb script and say how to connect. */
void run_qemu_gdb(const struct run *r);

/* run_hosted.c */
/* Open a TAP device; ends the command if it is missing, busy or not permitted. */
int run_tap(const char *name);
void run_hosted_check(struct run *r);
void run_hosted_command(const struct run *r, struct strlist *cmd);

/* run_xen.c */
#define RUN_XEN_FILE "xl.cfg" /* what to call the configuration */
#define RUN_XEN_PART 2000     /* bytes of a stored document in one node of the store */
bool run_on_xen(const struct run *r);
/* Ends the command, with the reason, if no domain can be made here. */
void run_xen_check(struct run *r);
/* xl's configuration, and what of the launch document must go to the store, if any. */
void run_xen_config(const struct run *r, struct sbuf *config, struct sbuf *stored);
/* The same, to be read. */
void run_xen_print(const struct run *r, FILE *to);

/* run_domain.c: make the domain and keep it until its end; never returns. */
void run_domain(struct run *r);
#define RUN_DOMAIN_AWAY 2 /* its exit status: others took the domain away */
/* The keeper, and all that it had started, died: destroy what is left of the domain. */
void run_domain_lost(struct run *r);

/* run_guest.c */
enum outcome {
	END_NONE,
	END_EXIT,    /* program ended; value is its status */
	END_SIGNAL,  /* program killed; value is the signal */
	END_PANIC,   /* kernel gave up */
	END_LOST,    /* guest ended without a word */
	END_REFUSED, /* the machine did not even start */
	END_STOPPED, /* we ended it; value is the signal that asked for it */
	END_AWAY,    /* the domain was saved, moved or destroyed by others */
	END_OUTPUT,  /* standard output cannot be written; value is the error */
};

struct ending {
	enum outcome outcome;
	int value;
};

/*
 * Start the guest, be its console and power button, wait for its end.  command()
 * makes its argv once the descriptors in r are open.
 */
struct ending run_guest(struct run *r, void (*command)(const struct run *, struct strlist *));

/* run_core.c: say that there is a core, if one has been made since the last time. */
void run_core_say(const struct run *r);

/* run_status.c: the guest's last word, as it comes in through a pipe. */
struct status_reader {
	char line[64];
	size_t len;
	bool input; /* the guest listens */
	struct ending ending;
};
void status_feed(struct status_reader *s, const char *data, size_t len);

#endif
