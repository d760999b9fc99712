# SPDX-License-Identifier: BSD-2-Clause
# syscalls.awk - what is generated from syscalls.master (see there).
#   awk -v out=KIND -f syscalls.awk syscalls.master
# KIND is one of: sysproto stubs trace tab libc syscallh nrh linkcheck host docs; trace also
# wants -v kinds=rumpcomponents/kern/strace/kinds
#
# The line format is checked strictly: a typing error stops the build here and
# not in a program a year later.

function fail(why)
{
	printf "%s:%d: %s\n", FILENAME, FNR, why > "/dev/stderr"
	failed = 1
	exit 1
}

/^;/ || /^$/ { next }

{
	if (!match($0, /\{ long [a-z0-9_]+\(.*\); \}$/))
		fail("no { long name(parameters); } at the end of the line")
	proto = substr($0, RSTART + 7, RLENGTH - 10)
	name = substr(proto, 1, index(proto, "(") - 1)
	parms = substr(proto, length(name) + 2)
	sub(/\)$/, "", parms)
	if ($1 !~ /^[0-9]+$/ || (n > 0 && $1 + 0 <= nr[n]))
		fail("numbers must be given, and rise")
	if ($2 !~ /^(STD|LEAF|UNIMPL)$/)
		fail("type " $2 " is none of STD LEAF UNIMPL")
	if (($2 == "UNIMPL") != ($3 == "-"))
		fail("a call has a component exactly if it is implemented")
	n++
	nargs[n] = parms == "void" ? 0 : gsub(/,/, ",", parms) + 1
	if (nargs[n] > 6)
		fail("more than six parameters")
	nr[n] = $1 + 0; type[n] = $2; comp[n] = $3; call[n] = name; args[n] = parms
	while (match(parms, /struct [a-z0-9_]+/)) {
		structs[substr(parms, RSTART, RLENGTH)] = 1
		parms = substr(parms, RSTART + RLENGTH)
	}
}

END {
	if (failed)
		exit 1
	if (out == "sysproto") sysproto()
	else if (out == "stubs") stubs()
	else if (out == "trace") trace()
	else if (out == "tab") tab()
	else if (out == "libc") libc()
	else if (out == "syscallh") syscallh()
	else if (out == "nrh") nrh()
	else if (out == "linkcheck") linkcheck()
	else if (out == "host") host()
	else if (out == "docs") docs()
	else { print "syscalls.awk: unknown kind: " out > "/dev/stderr"; exit 1 }
}

function head(what)
{
	print "/* Generated from rumpcomponents/syscalls.master: do not edit. */"
	print "/* " what " */"
}

# <kern/sysproto.h>: what the components implement.
function sysproto(   i, s, list, m)
{
	head("The kernel's side of the system calls: a result, or a negative errno.")
	print "#ifndef KERN_SYSPROTO_H\n#define KERN_SYSPROTO_H\n"
	print "#include <signal.h>\n#include <stddef.h>\n#include <stdint.h>"
	print "#include <sys/select.h>\n#include <sys/types.h>\n"
	for (i = 1; i <= n; i++)
		print "#define SYS_NR_" call[i] " " nr[i]
	print ""
	for (s in structs)
		list[++m] = s
	for (i = 2; i <= m; i++)	# insertion sort: mawk has no asort
		for (j = i; j > 1 && list[j - 1] > list[j]; j--) {
			s = list[j]; list[j] = list[j - 1]; list[j - 1] = s
		}
	for (i = 1; i <= m; i++)
		print list[i] ";"
	print ""
	for (i = 1; i <= n; i++)
		if (type[i] != "UNIMPL")
			print "long do_sys_" call[i] "(" args[i] "); /* " comp[i] " */"
	print "\n#endif"
}

# Entry stubs; the macros are in rumpcomponents/kern/syscall/stub.h.
function stubs(   i)
{
	head("Entry stubs, one section each.")
	print "#include \"stub.h\"\n"
	for (i = 1; i <= n; i++)
		print "SYSCALL_" type[i] "(" nr[i] ", " call[i] ")"
}

# Does a word fit the pattern, where x* fits what begins with x?
function fits(word, pattern)
{
	if (pattern ~ /\*$/)
		return index(word, substr(pattern, 1, length(pattern) - 1)) == 1
	return word == pattern
}

# Lines "type | name | calls | kind" of the file kinds.
function read_kinds(   line, f, i)
{
	while ((getline line < kinds) > 0) {
		if (line ~ /^;/ || line == "")
			continue
		if (split(line, f, / \| /) != 4) {
			print kinds ": not a rule: " line > "/dev/stderr"
			exit 1
		}
		nrules++
		for (i = 1; i <= 4; i++)
			rule[nrules, i] = f[i]
	}
}

function kind_of(ctype, parm, name,   r, calls, c, m)
{
	for (r = 1; r <= nrules; r++) {
		if (!(rule[r, 1] == ctype && fits(parm, rule[r, 2])))
			continue
		m = split(rule[r, 3], calls, " ")
		for (c = 1; c <= m; c++)
			if (fits(name, calls[c]))
				return rule[r, 4]
	}
	# What nothing is known about is an address, to the program's own structures.
	if (ctype ~ /\*/)
		return "PTR"
	if (parm == "=")
		return "LONG"
	print kinds ": no rule for " ctype " | " parm " of " name > "/dev/stderr"
	exit 1
}

# For kern/strace: kinds of result and parameters.
function trace(   i, k, m, parms, p, parm, ctype, list)
{
	read_kinds()
	head("How system calls are shown.")
	print "#include \"strace_impl.h\"\n"
	print "const struct strace_sysent strace_sysents[] = {"
	for (i = 1; i <= n; i++) {
		m = nargs[i] ? split(args[i], parms, /, /) : 0
		list = ""
		for (k = 1; k <= m; k++) {
			p = parms[k]
			if (match(p, /\(\*[a-z]+\)/)) {	# a function
				parm = substr(p, RSTART + 2, RLENGTH - 3)
				ctype = "void *"
			} else {
				match(p, /[a-z_0-9]+$/)
				parm = substr(p, RSTART)
				ctype = substr(p, 1, RSTART - 1)
				sub(/ $/, "", ctype)
			}
			list = list (k > 1 ? ", " : "") "STRACE_" kind_of(ctype, parm, call[i])
		}
		print "\t{" nr[i] ", " m ", STRACE_" kind_of("long", "=", call[i]) ", {" (m ? list : "0") "}, \"" call[i] "\"},"
	}
	print "};\nconst unsigned strace_nsysents = " n ";"
}

# For host tools: number|name|type|component
function tab(   i)
{
	for (i = 1; i <= n; i++)
		print nr[i] "|" call[i] "|" type[i] "|" comp[i]
}

# libc's side: declarations, and the switch that folds for a constant number.
function libc(   i, k, t)
{
	head("System calls as functions.")
	for (i = 1; i <= n; i++) {
		t = nargs[i] ? "" : "void"
		for (k = 1; k <= nargs[i]; k++)
			t = t (k > 1 ? ", " : "") "long"
		print "hidden long sys_" call[i] "(" t ");"
		if (nr[i] >= 1000)
			print "#define SYS_" call[i] " " nr[i]
	}
	print "#define KILN_SYSCALLS(CALL) \\"
	for (i = 1; i <= n; i++)
		print "\tCALL(" nr[i] ", sys_" call[i] ", " nargs[i] ") \\"
	print "\t/* end */"
}

# For programs' syscall(SYS_x, ...) with a constant number.
function syscallh(   i)
{
	head("The system calls as functions, for <sys/syscall.h>.")
	for (i = 1; i <= n; i++)
		if (nr[i] < 1000)
			print "extern long __kiln_nr_" nr[i] "() __asm__(\"sys_" call[i] "\");"
	print "#define __KILN_SYSCALLS(CALL) \\"
	for (i = 1; i <= n; i++)
		if (nr[i] < 1000)
			print "\tCALL(" nr[i] ") \\"
	print "\t/* end */"
}

# bits/syscall.h: the numbers under both customary names.
function nrh(   i)
{
	for (i = 1; i <= n; i++)
		if (nr[i] < 1000)
			print "#define __NR_" call[i] " " nr[i] "\n#define SYS_" call[i] " " nr[i]
}

# A library that satisfies the link check of an unbaked program.
function linkcheck(   i)
{
	head("All system calls, for the link check.")
	print "\t.section .note.GNU-stack,\"\",@progbits\n\t.text"
	for (i = 1; i <= n; i++)
		print "\t.globl sys_" call[i] "\nsys_" call[i] ":"
	print "\t.globl sys_indirect\nsys_indirect:\n\tud2"
}

# The same calls made to a Linux kernel, for configure's test programs; those
# that an image does not have, and fork, fail there too.
function host(   i)
{
	head("System calls made to the build machine's Linux.")
	print "#include \"host.h\"\n"
	for (i = 1; i <= n; i++)
		if (nr[i] < 1000)
			print (type[i] == "UNIMPL" || call[i] == "fork" ? "HOST_UNIMPL(" : "HOST_SYSCALL(") nr[i] ", " call[i] ")"
}

function docs(   i, t, count)
{
	for (i = 1; i <= n; i++)
		count[type[i]]++
	print "# System calls\n"
	print "<!-- Generated from rumpcomponents/syscalls.master by `make docs/syscalls.md`: do not edit. -->\n"
	print "Kiln's interface is that of Linux on x86-64: the same names, numbers, structures and error codes."
	print "Of the " n " calls, " count["STD"] + count["LEAF"] " are served by a component, which an image contains only if the"
	print "program can reach the call. The other " count["UNIMPL"] " name themselves once on the console and fail with `ENOSYS`."
	print "A call marked *leaf* runs on the program's stack and costs no more than a function call.\n"
	print "| number | call | component |\n|---|---|---|"
	for (i = 1; i <= n; i++)
		if (type[i] != "UNIMPL") {
			t = args[i]
			gsub(/\|/, "\\|", t)
			print "| " nr[i] " | `" call[i] "(" t ")` | " comp[i] (type[i] == "LEAF" ? ", *leaf*" : "") " |"
		}
	print "\n## Not implemented\n"
	t = ""
	for (i = 1; i <= n; i++)
		if (type[i] == "UNIMPL") {
			if (length(t) + length(call[i]) > 100) { print t; t = "" }
			t = t (t == "" ? "" : " ") "`" call[i] "`"
		}
	print t
}
