#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# The hosted platform under a stand-in kernel: traps, mapping, preemption, two CPUs, network, console, confinement.
set -eu
cd "$(dirname "$0")/../../.."
here=tests/component/hosted out=${TEST_WORK:-build/tests/work/t_hosted} platform=build/platform/hosted
mkdir -p "$out"
for f in platform.o link.ld link.flags; do
	[ -f $platform/$f ] || { echo "skip hosted $platform/$f is not built"; exit 0; }
done
flags="-std=gnu11 -g -O2 -ffreestanding -fPIE -fno-stack-protector -fno-asynchronous-unwind-tables -I platform/include -Wall -Wextra -Werror -Wno-unused-parameter"
gcc $flags -mgeneral-regs-only -mno-red-zone -fno-tree-loop-distribute-patterns -c -o "$out/stub.o" $here/stub.c
gcc $flags -c -o "$out/prog.o" $here/prog.c
# shellcheck disable=SC2046
ld $(cat $platform/link.flags) -T $platform/link.ld --gc-sections -o "$out/stub" "$out/stub.o" "$out/prog.o" $platform/platform.o
python3 $here/t_hosted.py "$out/stub"
