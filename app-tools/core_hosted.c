/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The core of a hosted image: its threads are the CPUs, its mappings what is in memory.  The
 * kernel's own memory and the program's are the same file, mapped twice, and so are in the core
 * twice.
 */
#include "core.h"
#include "tracee.h"
#include "util.h"

#include <elf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool read_memory(void *arg, uint64_t va, void *buf, size_t len)
{
	return tracee_read(arg, va, buf, len);
}

static void add_mapping(struct core *c, uint64_t lo, uint64_t hi, const char *perms)
{
	unsigned flags = (perms[0] == 'r' ? PF_R : 0) | (perms[1] == 'w' ? PF_W : 0) |
			 (perms[2] == 'x' ? PF_X : 0);

	c->memory = grow(c->memory, c->nmemory, sizeof(*c->memory));
	c->memory[c->nmemory++] = (struct core_memory){lo, hi - lo};
	c->segment = grow(c->segment, c->nsegment, sizeof(*c->segment));
	c->segment[c->nsegment++] = (struct core_segment){lo, hi - lo, lo, flags};
}

/* Rising addresses, as /proc has them. */
static bool read_mappings(struct core *c, pid_t pid)
{
	char *path = xasprintf("/proc/%d/maps", (int)pid), line[512], perms[5];
	FILE *f = fopen(path, "re");
	uint64_t lo, hi;

	free(path);
	if (f == NULL)
		return false;
	while (fgets(line, sizeof(line), f) != NULL)
		if (sscanf(line, "%lx-%lx %4s", &lo, &hi, perms) == 3 && perms[0] == 'r' &&
		    strstr(line, "[v") == NULL) /* vdso, vvar, vsyscall */
			add_mapping(c, lo, hi, perms);
	fclose(f);
	return c->nsegment > 0;
}

bool core_from_process(pid_t pid, const struct symbols *s, const char *program, int signo,
    const char *path, const char **why)
{
	struct tracee t = {.pid = pid};
	struct core c = {.symbols = s, .program = program, .signo = signo, .read = read_memory};
	bool good;

	if (!tracee_stop(&t)) {
		*why = "the process is gone, or may not be looked at";
		return false;
	}
	c.arg = &t;
	c.cpu = t.regs;
	c.ncpu = t.n;
	*why = strerror(ENOENT);
	good = read_mappings(&c, pid) && core_write(&c, path, why, NULL);
	tracee_go(&t);
	free(c.memory);
	free(c.segment);
	return good;
}
