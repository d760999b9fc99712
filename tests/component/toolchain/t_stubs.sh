#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# The system-call stubs do what <kern/syscallframe.h> says.
. "$(dirname "$0")/lib.sh"
objs=$top/build/obj/kern/syscall
make -s -C "$top" build/obj/kern/syscall/{syscall.c,stubs.S,entry.S}.o > make.log 2>&1 ||
	fail "the component compiles" "$(tail -n 3 make.log)"
cat > sysent.ld <<'LD'
SECTIONS {
	.kiln.sysent : { PROVIDE_HIDDEN(__kiln_sysent_start = .); *(.kiln.sysent.*) PROVIDE_HIDDEN(__kiln_sysent_end = .); }
}
INSERT AFTER .rodata;
LD
check "the test links" gcc -std=gnu11 -D_GNU_SOURCE -g -O1 -fno-omit-frame-pointer -fno-stack-protector -fcf-protection=none \
	-static -Wall -Wl,--gc-sections -ffunction-sections -mno-red-zone \
	-I "$top/build/view/kern/syscall" -I "$top/build/gen" -I "$top/platform/include" \
	-o stubs "$here/stubs.c" "$objs"/{syscall.c,stubs.S,entry.S}.o -Wl,-T,sysent.ld
./stubs > log 2>&1
is "stubs, signals, restarts" "0 lwp_exit" "$? $(tail -n 1 log)"
is "an unimplemented call names itself once" 1 "$(grep -c 'system call uselib is not implemented' log)"
is "a call that is not in the image says so once" 1 "$(grep -c 'number 1 is not in this image' log)"
[ "$failures" = 0 ] || cat log
finish
