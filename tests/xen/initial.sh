#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# initial.sh XEN IMAGE [MEGABYTES [CPUS [ARGUMENTS]]]: have XEN, a hypervisor (rig.sh OUT xen), boot IMAGE as the kernel of
# its initial domain, a PV guest with nothing around it.  Prints what Xen and the guest print.  Exit
# status: 0 the guest ended, in whatever way; 124 it took longer than $GUEST_SECONDS (180).
set -u
xen=$1 image=$2 memory=${3:-32} cpus=${4:-2} arguments=${5:-}
# Commas in QEMU's list of files are doubled.  The end of the initial domain is a restart of the machine.
timeout -k 5 "${GUEST_SECONDS:-180}" qemu-system-x86_64 -accel tcg -cpu qemu64 -smp 2 -m $((memory + 500)) -nodefaults -display none \
	-no-reboot -serial stdio -kernel "$xen/xen" \
	-append "console=com1 com1=115200,8n1 loglvl=warning dom0_mem=${memory}M dom0_max_vcpus=$cpus" \
	-initrd "$image ${arguments//,/,,}" < /dev/null 2>&1 | tr -d '\r'
exit "${PIPESTATUS[0]}"
