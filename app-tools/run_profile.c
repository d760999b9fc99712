/* SPDX-License-Identifier: BSD-2-Clause */
/* kiln run --profile: when samples are taken, and what becomes of them. */
#include "kiln.h"
#include "profile.h"
#include "run_guest.h"

#include <err.h>
#include <stdlib.h>

void run_profile_start(struct guest *g, int gdb_fd)
{
	struct sampler s;

	/* Not after an hour. */
	profile_check(g->run->profile);
	if (g->symbolizer.symbols == NULL)
		errx(kiln_failure, "--profile %s: no symbols: %s", g->run->profile,
		    g->symbolizer.why_none);
	if (g->hosted)
		profile_hosted(g->pid, &s);
	else
		profile_qemu(gdb_fd, &s);
	g->profile = profile_new(g->symbolizer.symbols, &s);
	g->sample_at = (double)guest_now();
	g->sampling = true;
}

void run_profile_sample(struct guest *g)
{
	if (!g->sampling || g->killing || g->dumping != CORE_NONE ||
	    guest_now() < (int64_t)g->sample_at)
		return;
	g->sampling = profile_sample(g->profile);
	g->sample_at += 1000.0 / g->run->rate;
	if (g->sample_at < (double)guest_now()) /* late: what is missed is missed */
		g->sample_at = (double)guest_now() + 1;
}

void run_profile_write(const struct guest *g)
{
	char *title = xasprintf("%s, %u samples a second", g->run->image.program, g->run->rate);

	profile_write(g->profile, g->run->profile, title);
	free(title);
}
