#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# t_base.sh: kern/base in an image without a libc: programs that call the kernel directly.
cd "$(dirname "$0")/../../.." || exit 2
components="base config futex mem proc syscall"
objects=$(printf 'build/components/kern_%s.o ' $components)
make --no-print-directory -s $objects build/platform/hw/platform.o build/platform/hosted/platform.o ||
    { echo "FAIL base_build"; exit 1; }
work=${TEST_WORK:-$(mktemp -d)}
bad=0

# link NAME PLATFORM: NAME.c becomes $work/NAME.PLATFORM
link() {
	gcc -O2 -g -Wall -Wextra -Werror -Wno-array-bounds -fPIE -ffreestanding -fno-stack-protector -fno-omit-frame-pointer \
	    -c -o "$work/$1.o" "tests/component/kern/$1.c" &&
	    ld $(cat "build/platform/$2/link.flags") -T "platform/$2/link.ld" --gc-sections -o "$work/$1.$2" \
		"build/platform/$2/platform.o" $objects "$work/$1.o"
}

# result NAME STATUS LOG
result() {
	if [ "$2" = "kiln: exit 0" ]; then
		echo "ok $1"
	else
		echo "FAIL $1 $2: $(grep -a FAIL "$3" | head -n 3 | tr '\n' ' ')"
		bad=1
	fi
}

for name in functions lwps; do
	link $name hw || { echo "FAIL base_$name does not link"; bad=1; continue; }
	for run in "max 1" "max 2" "qemu64 2"; do
		read -r cpu n <<<"$run"
		timeout -k 2 120 qemu-system-x86_64 -accel tcg -cpu "$cpu" -machine pc -m 8 -smp "$n" -nodefaults -vga none \
		    -display none -no-reboot -serial file:"$work/log" -kernel "$work/$name.hw" \
		    -chardev file,id=kiln-status,path="$work/status" -device isa-debugcon,iobase=0x8900,chardev=kiln-status \
		    </dev/null >"$work/qemu" 2>&1
		result "base_$name -cpu $cpu -smp $n" "$(cat "$work/status")" "$work/log"
	done
	link $name hosted || { echo "FAIL base_$name does not link for hosted"; bad=1; continue; }
	timeout -k 2 60 "$work/$name.hosted" </dev/null >"$work/log" 2>&1
	result "base_$name hosted" "kiln: exit $?" "$work/log"
done
exit $bad
