#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# t_machine.sh: boots a stand-in for kern (teststub.c) on platform/hw, on each
# machine type and CPU model, in 4 MiB, and looks at how it ends.
cd "$(dirname "$0")/../../.." || exit 2
make --no-print-directory -s build/tests/hw/stub.elf || { echo "FAIL hw_build"; exit 1; }
image=build/tests/hw/stub.elf
work=${TEST_WORK:-$(mktemp -d)}
bad=0

ok() { echo "ok $1"; }
fail() { echo "FAIL $1 ${*:2}"; bad=1; }

# boot MACHINE CPU CMDLINE [QEMU OPTION]...: console in $work/console, status line in $status
boot() {
	rm -f "$work/status" "$work/console"
	timeout -k 2 40 qemu-system-x86_64 -accel ${accel:-tcg} -cpu "$2" -machine "$1" -m 4 -nodefaults -no-user-config -vga none \
	    -display none -no-reboot -serial "${serial:-file:$work/console}" -kernel $image -append "$3" \
	    -chardev file,id=kiln-status,path="$work/status" -device isa-debugcon,iobase=0x8900,chardev=kiln-status \
	    "${@:4}" </dev/null >"$work/qemu" 2>&1
	rc=$?
	status=$(cat "$work/status" 2>/dev/null)
}
debug_exit="-device isa-debug-exit,iobase=0x501,iosize=4"

# Everything that ends well.
for machine in pc q35 microvm; do
	for run in "max 1" "max 2" "qemu64 2"; do
		read -r cpu n <<<"$run"
		boot $machine "$cpu" all -smp "$n" $debug_exit
		if [ "$status" = "kiln: exit 0" ] && [ "$(grep -c '^ok ' "$work/console")" = 9 ]; then
			ok "hw_all $machine -cpu $cpu -smp $n"
		else
			fail "hw_all $machine -cpu $cpu -smp $n" "$(grep FAIL "$work/console" | tr '\n' ' ') status '$status' rc $rc"
		fi
	done
done

# The same with hardware virtualisation, where there is any: its clock, x2APIC and deadline timer are others.
if accel=kvm boot microvm host exit $debug_exit; [ "$status" = "kiln: exit 255" ]; then
	for machine in pc microvm; do
		accel=kvm boot $machine host all -smp 2 $debug_exit
		if [ "$status" = "kiln: exit 0" ]; then ok "hw_kvm $machine"
		else fail "hw_kvm $machine" "$(grep FAIL "$work/console" | tr '\n' ' ') status '$status' rc $rc"; fi
	done
else
	echo "skip hw_kvm no usable /dev/kvm"
fi

# A processor that says nothing of a hypervisor: its timers' rates are measured.
boot pc max,-hypervisor all -smp 2 $debug_exit
[ "$status" = "kiln: exit 0" ] && boot pc max,-hypervisor smp -smp 2 $debug_exit # no deadline before CPU 1
if [ "$status" = "kiln: exit 0" ]; then ok hw_calibrated; else fail hw_calibrated "$(grep FAIL "$work/console" | tr '\n' ' ') status '$status'"; fi

# From a disk with GRUB, by multiboot2.
if command -v grub-mkrescue >/dev/null && command -v xorriso >/dev/null; then
	mkdir -p "$work/iso/boot/grub"
	objcopy --strip-debug $image "$work/iso/boot/kiln"
	printf 'set timeout=0\nmultiboot2 /boot/kiln all\nboot\n' >"$work/iso/boot/grub/grub.cfg"
	grub-mkrescue -o "$work/grub.iso" "$work/iso" >"$work/grub.log" 2>&1
	rm -f "$work/console" "$work/status"
	timeout -k 2 90 qemu-system-x86_64 -accel tcg -cpu max -machine q35 -m 64 -smp 2 -nodefaults -vga none -display none \
	    -no-reboot -serial file:"$work/console" -cdrom "$work/grub.iso" $debug_exit \
	    -chardev file,id=kiln-status,path="$work/status" -device isa-debugcon,iobase=0x8900,chardev=kiln-status </dev/null >"$work/qemu" 2>&1
	status=$(cat "$work/status" 2>/dev/null)
	if [ "$status" = "kiln: exit 0" ]; then ok hw_grub; else fail hw_grub "status '$status' $(tail -c 300 "$work/console" | tr -dc '[:print:]')"; fi
else
	echo "skip hw_grub no grub-mkrescue"
fi

# ends NAME CMDLINE STATUS [TEXT]: how the end is told
ends() {
	boot pc max "$2" $debug_exit
	if [ "$status" = "$3" ] && { [ -z "${4-}" ] || grep -qF -- "$4" "$work/console"; }; then ok "$1"
	else fail "$1" "status '$status' console $(head -c 200 "$work/console")"; fi
}
ends hw_exit_status exit "kiln: exit 255"
ends hw_exit_signal signal "kiln: signal 11"
ends hw_exit_panic panic "kiln: panic"
ends hw_stack_overflow overflow "kiln: panic" "fatal: kernel stack overflow"
ends hw_fault_in_interrupt nested "kiln: panic" "fatal: trap in an interrupt handler"
ends hw_double_fault double "kiln: panic" "fatal: double fault"

# A CPU that does not answer, but comes when nobody waits for it any more.
for machine in pc microvm; do
	boot $machine max late $debug_exit -smp 2
	if [ "$status" = "kiln: exit 0" ]; then ok "hw_late_cpu $machine"
	else fail "hw_late_cpu $machine" "$(grep FAIL "$work/console") status '$status'"; fi
done

# A machine with nothing to measure time against but the APIC.
boot microvm,pit=off,pic=off,rtc=off max timer $debug_exit
if [ "$status" = "kiln: exit 0" ]; then ok hw_no_timers; else fail hw_no_timers "$(grep FAIL "$work/console")"; fi

# A configuration that is too long for the command line.
for machine in pc microvm; do
	boot $machine max fw_cfg:opt/kiln/config $debug_exit -fw_cfg name=opt/kiln/config,string="exit$(printf '%020000d' 0)"
	if [ "$status" = "kiln: exit 255" ]; then ok "hw_fw_cfg $machine"; else fail "hw_fw_cfg $machine" "status '$status'"; fi
done

# Without the debug device the machine turns itself off.
for machine in pc q35 microvm; do
	boot $machine max exit -smp 2
	if [ $rc = 0 ] && [ "$status" = "kiln: exit 255" ]; then ok "hw_poweroff $machine"; else fail "hw_poweroff $machine" "rc $rc"; fi
done

# Another base every time, with and without a random instruction.
for cpu in max qemu64; do
	: >"$work/bases"
	for _ in 1 2 3 4 5; do
		boot microvm $cpu base $debug_exit
		cat "$work/console" >>"$work/bases"
	done
	images=$(cut -d' ' -f1 "$work/bases" | sort -u | wc -l) maps=$(cut -d' ' -f2 "$work/bases" | sort -u | wc -l)
	if [ "$images" = 5 ] && [ "$maps" = 5 ]; then ok "hw_random_base -cpu $cpu"; else fail "hw_random_base -cpu $cpu" "$(cat "$work/bases")"; fi
done

# More memory than 4 GB, and much of it in one piece.
boot q35 max all $debug_exit -m 6G -smp 2
if [ "$status" = "kiln: exit 0" ]; then ok hw_large_memory; else fail hw_large_memory "$(grep FAIL "$work/console")"; fi

# The power button, and console input by interrupt.
for machine in pc q35 microvm; do
	mon=$work/mon.$machine
	rm -f "$mon"
	boot $machine max power $debug_exit -monitor unix:"$mon",server=on,wait=off &
	for _ in $(seq 100); do grep -qs waiting "$work/console" && break; sleep 0.1; done
	python3 - "$mon" <<'PY'
import socket, sys, time
s = socket.socket(socket.AF_UNIX)
s.connect(sys.argv[1])
s.sendall(b"system_powerdown\n")
time.sleep(0.3)
PY
	wait
	status=$(cat "$work/status")
	if [ "$status" = "kiln: exit 42" ]; then ok "hw_power_button $machine"; else fail "hw_power_button $machine" "status '$status'"; fi
done
for machine in pc microvm; do
	sock=$work/serial.$machine
	rm -f "$sock"
	serial=unix:$sock,server=on,wait=on boot $machine max echo $debug_exit &
	python3 - "$sock" <<'PY'
import socket, sys, time
s = socket.socket(socket.AF_UNIX)
for _ in range(100):
    try:
        s.connect(sys.argv[1])
        break
    except OSError:
        time.sleep(0.1)
got = b""
while b"waiting\n" not in got:
    got += s.recv(100)
for c in b"hello":
    s.sendall(bytes([c]))
    time.sleep(0.02)
while b"hello" not in got:
    got += s.recv(100)
s.sendall(b"q")
time.sleep(0.3)
PY
	wait
	status=$(cat "$work/status")
	# It says when it begins to listen, for the launcher to wait for.
	if [ "$status" = "kiln: input"$'\n'"kiln: exit 7" ]; then ok "hw_console_input $machine"; else fail "hw_console_input $machine" "status '$status'"; fi
done
exit $bad
