#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# The libc: no way around the direct calls, and nothing drawn in needlessly.  The port's
# logic (threads, cancellation, signals) runs here on the build machine's kernel.
. "$(dirname "$0")/lib.sh"
lib=$top/build/sysroot/lib

is "no syscall instruction in libc.a" 0 "$(objdump -d "$lib/libc.a" | grep -cE '\s(syscall|sysenter|int +\$0x80)\b')"
is "calls by number only in syscall(3)" syscall.o \
	"$(nm -A "$lib/libc.a" 2> nm.err | sed -n 's/.*:\(.*\):.* U sys_indirect$/\1/p' | tr '\n' ' ' | sed 's/ $//')"
is "every call that libc makes is in the table" "" \
	"$(nm "$lib/libc.a" 2> nm.err | awk '$1 == "U" && $2 ~ /^sys_/ { print substr($2, 5) }' | sort -u |
		grep -vx indirect | while read -r c; do grep -q "|$c|" "$top/build/gen/syscalls.tab" || echo "$c"; done)"

# Each part of libc draws in only its own calls.
calls() { # NAME EXPECTED, beyond those of every program; program on stdin
	cat > p.c
	cross-cc -O2 p.c -o p 2> out || { fail "$1" "$(head -n 3 out)"; return; }
	is "$1" "$2" "$(undefined p | sed -E 's/\bsys_(arch_prctl|exit_group|mmap|set_tid_address)\b *//g; s/ $//')"
}
calls "an empty program" "" <<< 'int main(void) { return 0; }'
calls "read()" "sys_read" <<< '#include <unistd.h>
int main(void) { char c; return (int)read(0, &c, 1); }'
calls "malloc() and free()" "sys_brk sys_madvise sys_mprotect sys_mremap sys_munmap" <<< '#include <stdlib.h>
#include <string.h>
int main(int argc, char **argv) { void *p = malloc(argc * 100); p = realloc(p, argc * 1000); int r = p == 0; free(p); return r; }'
calls "a mutex draws in no threads" "sys_clock_gettime sys_futex sys_set_robust_list" <<< '#include <pthread.h>
int main(void) { static pthread_mutex_t m; pthread_mutex_lock(&m); return pthread_mutex_unlock(&m); }'
calls "setuid()" "sys_setuid" <<< '#include <unistd.h>
int main(void) { return setuid(1); }'
calls "syscall() with a number known to the compiler" "sys_gettid" <<< '#define _GNU_SOURCE
#include <unistd.h>
#include <sys/syscall.h>
int main(void) { return syscall(SYS_gettid) == 0; }'
calls "socket()" "sys_fcntl sys_socket" <<< '#include <sys/socket.h>
int main(void) { return socket(AF_INET, SOCK_STREAM, 0); }'

check "threads, cancellation and signals compile" env KILN_CONFIGURE=1 cross-cc -O2 -Wall "$here/threads.c" -o threads
check "and work" timeout 60 ./threads
check "copying and filling compile" env KILN_CONFIGURE=1 cross-cc -O2 -fno-builtin -Wall "$here/copy.c" -o copy
check "and work" ./copy
check "docs/syscalls.md is current" make -s -C "$top" check-syscalls-doc
check "the table agrees with Linux's numbers" sh -c '
	sed -n "s/^#define __NR_\([a-z0-9_]*\) \([0-9]*\)$/\2|\1/p" /usr/include/x86_64-linux-gnu/asm/unistd_64.h | sort > linux
	cut -d"|" -f1,2 '"$top"'/build/gen/syscalls.tab | sort > ours
	test "$(wc -l < linux)" -gt 300 && join -t"|" linux ours | awk -F"|" "\$2 != \$3 { print; bad = 1 } END { exit bad }"'
finish
