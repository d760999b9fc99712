#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# cross-cc as makefiles use it, and what it makes of a link.
. "$(dirname "$0")/lib.sh"

cat > hello.c <<'C'
#include <stdio.h>
int main(int argc, char **argv) { printf("Hello, %s!\n", argc > 1 ? argv[1] : "world"); return 7; }
C
cat > two.c <<'C'
int answer(void);
int answer(void) { return 42; }
C
cat > one.c <<'C'
int answer(void);
static const char text[] = "@(#)x";
int main(void) { return answer() == 42 && text[0] == '@' ? 0 : 1; }
C

check "compiles and links in one go" cross-cc -O2 hello.c -o hello
is "a program that prints needs eight system calls" \
	"sys_arch_prctl sys_close sys_exit_group sys_ioctl sys_lseek sys_mmap sys_set_tid_address sys_writev" \
	"$(undefined hello)"
check "the result is marked as unbaked" sh -c 'readelf -SW hello | grep -q "\.kiln\.unbaked"'
check "and is a relocatable file" sh -c 'readelf -h hello | grep -q "REL (Relocatable"'
check "and is executable for install(1)" test -x hello
check "functions keep sections of their own" sh -c 'readelf -SW hello | grep -q "\.text\.printf_core"'
is "nothing else is left behind" "hello hello.c one.c out two.c" "$(ls | tr '\n' ' ' | sed 's/ $//')"

check "-c" cross-cc -c one.c two.c
check "objects" cross-cc one.o two.o -o both
check "several sources" cross-cc one.c two.c -o both
check "an archive" sh -c 'cross-ar rcs libtwo.a two.o && cross-cc one.c -L. -ltwo -o both'
check "-S" cross-cc -S hello.c
check "-E" sh -c 'cross-cc -E hello.c | grep -q printf'
check "-MMD" sh -c 'cross-cc -MMD -MF x.d -c two.c && grep -q two.c x.d'
check "from standard input" sh -c 'cross-cc -x c - -o both < hello.c'
echo '-O2 one.c two.c -o "both"' > args
check "a response file" cross-cc @args
check "-static" cross-cc -static one.c two.c -o both
check "-no-pie and -fno-pic are harmless" cross-cc -no-pie -fno-pic one.c two.c -o both
check "-flto is harmless" cross-cc -flto=auto -O2 one.c two.c -o both
check "code is position-independent all the same" sh -c '! readelf -rW both | grep -qE "R_X86_64_(32S|GOT32) "'
check "-Wl,-s leaves what bake needs" sh -c 'cross-cc -s -Wl,--gc-sections,-O1,-z,now one.c two.c -o both && nm both | grep -q " T main"'
check "-Wl,-Map" sh -c 'cross-cc one.c two.c -Wl,-Map=both.map -o both && test -s both.map'
check "-r stays a plain relocatable link" sh -c 'cross-cc -r -nostdlib one.o -o part.o && cross-cc part.o two.o -o both'
is "-dumpmachine" x86_64-kiln-linux-musl "$(cross-cc -dumpmachine)"
check "--version" cross-cc --version
check "the name with the triplet" x86_64-kiln-linux-musl-gcc one.c two.c -o both
check "common symbols" sh -c 'echo "int c; int main(void) { return c; }" > com.c; echo "int c;" > com2.c; cross-cc -fcommon com.c com2.c -o com'
check "constructors keep their order of priority" sh -c 'cat > ctor.c <<-C
	static int n;
	__attribute__((constructor(102))) static void b(void) { n = n * 10 + 2; }
	__attribute__((constructor(101))) static void a(void) { n = n * 10 + 1; }
	int main(void) { return n; }
	C
	KILN_CONFIGURE=1 cross-cc ctor.c -o ctor && { ./ctor; test $? = 12; }'

refuses "an undefined function" "undefined reference to .no_such_function'" \
	sh -c 'echo "int no_such_function(void); int main(void) { return no_such_function(); }" > u.c; cross-cc u.c -o u'
check "and then there is no output" test ! -e u -a ! -e u.kiln-check
refuses "a missing library" "cannot find -lnosuch" cross-cc one.c two.c -lnosuch -o u
refuses "the host's libraries are not ours" "cannot find -lelf" cross-cc one.c two.c -lelf -o u
for lib in nsl ssl crypto elf bsd anl curses; do
	refuses "nor is the host's lib$lib" "cannot find -l$lib" cross-cc one.c two.c -l$lib -o u
	refuses "nor for configure" "cannot find -l$lib" env KILN_CONFIGURE=1 cross-cc one.c two.c -l$lib -o u
done
refuses "a symbol defined twice" "multiple definition" cross-cc one.c two.c two.o -o u
refuses "a program's own sys_read()" "multiple definition of .sys_read'" \
	sh -c 'echo "#include <unistd.h>
	long sys_read(void) { return 0; } int main(void) { char c; return read(0, &c, 1) + sys_read(); }" > u.c; cross-cc u.c -o u'
refuses "a shared library" "shared library cannot be made" cross-cc -shared -fPIC two.c -o two.so
refuses "C++" "C\\+\\+ is not supported yet" cross-c++ one.c -o u
for s in cc cpp cxx C c++; do
	refuses "a C++ source, .$s" "^cross-cc: C\\+\\+ is not supported yet" cross-cc -c "x.$s" -o u.o
done
refuses "-x c++" "C\\+\\+ is not supported yet" cross-cc -x c++ -c one.c -o u.o
check "an output called .cc" cross-cc -c one.c -o u.cc -MMD -MF u.cpp -I . -D X
rm -f u.cc u.cpp
refuses "the host's headers" "elf-not-there|No such file" sh -c 'echo "#include <gnu/libc-version.h>" | cross-cc -E -'

check "linux headers" sh -c 'echo "#include <linux/if_packet.h>
#include <asm/ioctls.h>" | cross-cc -c -x c - -o l.o'
check "cross-strip drops debugging data only" sh -c 'cross-cc -g hello.c -o h && cross-strip h && nm h | grep -q " T main" && ! readelf -SW h | grep -q debug_info'
check "pkg-config does not see the host's packages" sh -c '! cross-pkg-config --exists libelf'
check "thread-local data" sh -c 'echo "__thread int t = 5; int main(void) { return t; }" > tls.c; KILN_CONFIGURE=1 cross-cc tls.c -o tls && { ./tls; test $? = 5; }'

# The same program as configure would run it.
check "with KILN_CONFIGURE a program runs here" sh -c 'KILN_CONFIGURE=1 cross-cc -O2 hello.c -o native && { ./native you > out2; test $? = 7; } && grep -qx "Hello, you!" out2'

# Installed elsewhere, it finds its files.
check "make install" make -s -C "$top" install PREFIX="$work/inst"
check "the installed cross-cc" sh -c 'PATH=/usr/bin:/bin && inst/bin/cross-cc one.c two.c -o both2'
finish
