#!/bin/bash
# An image starts from a disk, with GRUB and multiboot2, and gets its configuration from GRUB's menu.
# timeout: 200
. tests/system/lib.sh
if ! command -v grub-mkrescue > /dev/null || ! command -v xorriso > /dev/null; then
	echo "skip grub: no grub-mkrescue or xorriso"
	exit 0
fi
bake_program arguments

# boot NAME CONFIGURATION-AS-IN-GRUB.CFG EXPECTED
boot() {
	local iso=$work/$1.d
	mkdir -p "$iso/boot/grub"
	cp "$work/arguments.img" "$iso/boot/arguments"
	printf 'set timeout=0\nmultiboot2 /boot/arguments %s\nboot\n' "$2" > "$iso/boot/grub/grub.cfg"
	grub-mkrescue -o "$work/$1.iso" "$iso" > "$work/$1.mkrescue" 2>&1 || { fail "$1: grub-mkrescue"; return; }
	timeout -k 2 90 qemu-system-x86_64 -accel tcg -cpu qemu64 -machine q35 -m 64 -nodefaults -no-user-config -vga none \
	    -display none -no-reboot -serial "file:$work/$1.log" -cdrom "$work/$1.iso" < /dev/null > "$work/$1.qemu" 2>&1
	tr -d '\r' < "$work/$1.log" | grep -a '^[0-9]* ' > "$work/$1.got"
	if [ "$(cat "$work/$1.got")" = "$3" ]; then ok "grub: $1"; else
		tail -n 5 "$work/$1.log"
		fail "grub: $1: the program got $(tr '\n' ';' < "$work/$1.got")"
	fi
}

boot "no configuration" "" "0 arguments"
boot "one word" "'{\"args\":[\"one\",\"two\"]}'" "0 arguments
1 one
2 two"
boot "spaces, quotes and backslashes" "'{\"args\": [\"a b\", \"\\\"c\\\" \\\\\"]}'" '0 arguments
1 a b
2 "c" \'
exit $failed
