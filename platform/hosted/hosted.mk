# The hosted platform: a Linux process.  What the variables mean: platform/platform.mk
PLATFORM_SRCS.hosted := boot.c config.c console.c cpu.c device.c end.c lib.c memory.c net.c pmap.c reloc.c \
	seccomp.c signal.c time.c start.S
# No canary: the boot code and signal handlers run before and beside kern's GS.  mem* are ours and local.
PLATFORM_CFLAGS.hosted := -fno-stack-protector -fno-tree-loop-distribute-patterns
PLATFORM_FILES.hosted := link.ld link.flags
# Set-up is small; what runs all the time is fast.
PLATFORM_OPT.hosted := -Os
$(foreach f,signal time pmap net cpu,$(eval build/obj/platform/hosted/$f.c.o: PLATFORM_OPT.hosted := -O2))
