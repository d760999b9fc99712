#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# prepare.sh MUSL-SOURCE DEST SYSCALL-HEADER NR-HEADER
#
# Make DEST from musl's source and our port: a file here replaces musl's of the
# same name, whatever its suffix (clone.c for clone.s).  Then check that no
# way into the kernel is left but the port's.
set -eu
musl=$1 dest=$2 syscalls=$3 numbers=$4
port=$(dirname "$0")
die() { echo "libc/prepare.sh: $*" >&2; exit 1; }

rm -rf "$dest"
mkdir -p "$(dirname "$dest")"
cp -rp "$musl" "$dest"
(cd "$port" && find arch src include -type f 2>/dev/null) | while read -r f; do
	rm -f "$dest/${f%.*}".*
	mkdir -p "$dest/$(dirname "$f")"
	cp "$port/$f" "$dest/$f"
done
cp "$syscalls" "$dest/arch/x86_64/kiln_syscalls.h"
# musl derives SYS_x from __NR_x itself.
grep '^#define __NR_' "$numbers" > "$dest/arch/x86_64/bits/syscall.h.in"

# hlt stops nothing where the program is privileged.
sed -i 's/"hlt"/"ud2"/' "$dest/arch/x86_64/atomic_arch.h"
grep -q '"ud2"' "$dest/arch/x86_64/atomic_arch.h" || die "a_crash() in atomic_arch.h has changed: adapt this script"

# Two inline functions of pthread_impl.h are ours: src/internal/kiln_futex.h.
h=$dest/src/internal/pthread_impl.h
awk '/^static inline void __(wake|futexwait)\(/ { skip = 1; n++ }
	!skip { print }
	skip && /^}/ { skip = 0; if (n == 1) print "#include \"kiln_futex.h\"" }
	END { exit n != 2 }' "$h" > "$h.new" || die "pthread_impl.h has changed: adapt this script"
mv "$h.new" "$h"

# posix_spawn() starts its child by a function of ours: src/process/kiln_spawn.c.
f=$dest/src/process/posix_spawn.c
sed -i -e 's/__clone(child,/__kiln_spawn(child,/' \
	-e 's/^#include "fdop.h"$/&\nhidden int __kiln_spawn(int (*)(void *), void *, int, void *);/' "$f"
[ "$(grep -c __kiln_spawn "$f")" = 2 ] || die "posix_spawn.c has changed: adapt this script"

# Stacks of threads are mapped by a function of ours: src/thread/kiln_stack.c.
f=$dest/src/thread/pthread_create.c
sed -i -e 's/__mmap(0, size, \(.*\), MAP_PRIVATE|MAP_ANON, -1, 0)/__kiln_map_stack(size, \1)/' \
	-e 's/^#include "pthread_impl.h"$/&\nhidden void *__kiln_map_stack(size_t, int);/' "$f"
[ "$(grep -c __kiln_map_stack "$f")" = 3 ] || die "pthread_create.c has changed: adapt this script"

left=$(cd "$dest" && grep -lE '"syscall["\\;]|^[[:space:]]*syscall[[:space:]]*($|[/;#])' \
	arch/x86_64/*.h crt/*.c crt/x86_64/* src/*/*.c src/*/x86_64/*.s || true)
[ -z "$left" ] || die "syscall instructions are left in:" $left
