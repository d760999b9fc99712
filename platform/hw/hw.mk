# platform/hw: x86-64 machines.
PLATFORM_SRCS.hw := entry.S vectors.S early.c bootproto.c mem.c entropy.c pmap.c tlb.c cpu.c ap.c intr.c lapic.c \
	acpi.c clock.c rtc.c power.c console.c misc.c main.c
# Boot-time code is small; what runs all the time is fast.
PLATFORM_OPT.hw := -Os
$(foreach f,intr lapic clock pmap tlb,$(eval build/obj/platform/hw/$f.c.o: PLATFORM_OPT.hw := -O2))
# GS is not set when the first of this code runs, and switches while some of it does.
PLATFORM_CFLAGS.hw := -fno-stack-protector
PLATFORM_FILES.hw := link.ld link.flags

# A kernel of a few instructions, to measure what a machine costs before ours starts.
build/bench/trivial.elf: tests/bench/trivial/trivial.S tests/bench/trivial/trivial.ld
	@mkdir -p $(@D); echo "  LD      trivial"
	$(Q)$(CC) -c -o $(@:.elf=.o) $< && ld -static -z noseparate-code --build-id=none -T tests/bench/trivial/trivial.ld -o $@ $(@:.elf=.o)
