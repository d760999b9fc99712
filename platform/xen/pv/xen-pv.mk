# platform/xen/pv: 64-bit PV guests of Xen.  They have no machine of their own; what other guests have in
# common with them is compiled for them anew (KILN_XEN_PV).
PLATFORM_SRCS.xen-pv := entry.S vectors.S boot.c main.c cpu.c ap.c intr.c pmap.c memory.c machine.c
PLATFORM_ALSO.xen-pv := hw/early.c hw/mem.c hw/entropy.c hw/wall.c hw/pvclock.c hw/irq.c hw/timer.c hw/xstate.c hw/block.c hw/extract.c \
	xen/time.c xen/console.c xen/evtchn.c xen/evtchn_2l.c xen/evtchn_fifo.c xen/grant.c xen/shutdown.c xen/suspend.c xen/config.c
PLATFORM_SHARED.xen-pv := hw/lib.c
PLATFORM_OPT.xen-pv := -Os
PLATFORM_CFLAGS.xen-pv := -fno-stack-protector
PLATFORM_INCLUDES.xen-pv := -DKILN_XEN_PV -I platform/hw -I platform/xen
PLATFORM_FILES.xen-pv := link.ld link.flags
PLATFORM_FILES_FROM.xen-pv := hw
