# platform/xen: PVH guests of Xen.  They are machines but for their devices: most of it is platform/hw's.
PLATFORM_SRCS.xen := hypercall.c machine.c vcpu.c time.c console.c evtchn.c evtchn_2l.c evtchn_fifo.c grant.c shutdown.c suspend.c memory.c config.c
PLATFORM_SHARED.xen := $(addprefix hw/,$(HW_MACHINE_SRCS))
PLATFORM_OPT.xen := -Os
PLATFORM_CFLAGS.xen := -fno-stack-protector
PLATFORM_INCLUDES.xen := -I platform/hw
PLATFORM_FILES.xen := link.ld link.flags
PLATFORM_FILES_FROM.xen := hw
