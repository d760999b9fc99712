/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cross-cc: the host's gcc with our headers, our flags and our linker.
 *
 * kiln.specs gives gcc the start files, libraries and include directories; -B
 * makes it find cross-ld where it looks for ld.  All that gcc's driver knows
 * (response files, several sources, -x, -Wl, -v ...) thus works by itself.
 *
 * A Kiln program is linked into a static position-independent image, so code
 * must be so whatever the program's makefiles say.
 */
#include "cross.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const first[] = {
    "-fPIE",
    "-ffunction-sections",
    "-fdata-sections",
    "-fno-omit-frame-pointer",
    "-mno-omit-leaf-frame-pointer", /* else the backtrace of a crash skips a caller */
    "-fstack-protector-strong",
    "-fcf-protection=none",
    "-fno-asynchronous-unwind-tables",
    "-D__kiln__=1",
};

/* What would make code or a link that no image can use. */
static const char *const dropped[] = {
    "-no-pie",
    "-fno-pie",
    "-fno-PIE",
    "-fno-pic",
    "-fno-PIC",
    "-static-pie",
    "-pie",
    "-nopie",
};

static bool is_dropped(const char *arg)
{
	for (size_t i = 0; i < sizeof(dropped) / sizeof(dropped[0]); i++)
		if (strcmp(arg, dropped[i]) == 0)
			return true;
	/* Link-time optimisation would undo the sections that bake needs. */
	return strncmp(arg, "-flto", 5) == 0;
}

/* Options whose argument is the next word, which is thus no source. */
static bool takes_word(const char *arg)
{
	static const char words[] =
	    " -o -MF -MT -MQ -I -D -U -L -l -T -u -e -z -include -imacros -isystem -iquote "
	    "-idirafter -Xlinker -Xassembler -Xpreprocessor -aux-info -A ";
	const char *at = strstr(words, arg);

	return arg[0] == '-' && at != NULL && at[-1] == ' ' && at[strlen(arg)] == ' ';
}

static bool is_cxx(const char *arg, const char *next)
{
	static const char *const suffixes[] = {
	    ".cc", ".cp", ".cxx", ".cpp", ".CPP", ".c++", ".C", ".ii"};
	const char *dot = strrchr(arg, '.');

	if (strncmp(arg, "-x", 2) == 0) {
		const char *language = arg[2] != '\0' ? arg + 2 : next ? next : "";

		return strncmp(language, "c++", 3) == 0;
	}
	for (size_t i = 0; dot != NULL && i < sizeof(suffixes) / sizeof(suffixes[0]); i++)
		if (arg[0] != '-' && strcmp(dot, suffixes[i]) == 0)
			return true;
	return false;
}

int cross_cc(int argc, char **argv)
{
	struct args a = {0};
	const char *gcc = getenv("KILN_GCC");

	args_add(&a, gcc ? gcc : "gcc");
	args_addf(&a, "-specs=%s/toolchain/kiln.specs", kiln_dir);
	args_addf(&a, "--sysroot=%s/sysroot", kiln_dir);
	args_addf(&a, "-B%s/toolchain/", kiln_dir);
	for (size_t i = 0; i < sizeof(first) / sizeof(first[0]); i++)
		args_add(&a, first[i]);
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "-dumpmachine") == 0) {
			puts(TRIPLET);
			return 0;
		}
		if (is_cxx(argv[i], argv[i + 1]))
			no_cxx();
		if (!is_dropped(argv[i]))
			args_add(&a, argv[i]);
		if (takes_word(argv[i]) && i + 1 < argc)
			args_add(&a, argv[++i]);
	}
	run(&a);
}
