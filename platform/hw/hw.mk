# platform/hw: x86-64 machines.
# What any x86-64 machine is, also a guest of Xen, and what is a PC's (machine.h).
HW_MACHINE_SRCS := entry.S vectors.S early.c bootproto.c mem.c entropy.c pmap.c extract.c tlb.c cpu.c block.c xstate.c ap.c irq.c timer.c \
	pvclock.c wall.c misc.c lib.c main.c
HW_PC_SRCS := acpi.c clock.c console.c fwcfg.c intr.c kvm.c lapic.c pc.c power.c rtc.c sipi.c virtio_mmio.c
PLATFORM_SRCS.hw := $(HW_MACHINE_SRCS) $(HW_PC_SRCS)
# Most of it runs once, and under emulation each byte of new code costs time.
PLATFORM_OPT.hw := -Oz
$(foreach f,irq intr timer lapic clock pvclock pmap tlb,$(eval build/obj/platform/hw/$f.c.o: PLATFORM_OPT.hw := -Os))
# GS is not set when the first of this code runs, and switches while some of it does.
PLATFORM_CFLAGS.hw := -fno-stack-protector
PLATFORM_FILES.hw := link.ld link.flags

# A kernel of a few instructions, to measure what a machine costs before ours starts.
build/bench/trivial.elf: tests/bench/trivial/trivial.S tests/bench/trivial/trivial.ld
	@mkdir -p $(@D); echo "  LD      trivial"
	$(Q)$(CC) -c -o $(@:.elf=.o) $< && ld -static -z noseparate-code --build-id=none -T tests/bench/trivial/trivial.ld -o $@ $(@:.elf=.o)

# The stand-in for kern that tests/component/hw boots.  It sees into the platform.
HW_TEST_OBJS := $(patsubst tests/component/hw/%.c,build/tests/hw/%.o,$(wildcard tests/component/hw/*.c)) \
	$(patsubst %,build/obj/platform/hw/%.o,$(PLATFORM_SRCS.hw))
$(call keep,build/flags/tests/hw,$(HW_TEST_OBJS))
-include $(patsubst %.o,%.d,$(filter build/tests/hw/%,$(HW_TEST_OBJS)))
build/tests/hw/%.o: tests/component/hw/%.c tests/component/hw/teststub.h platform/include/rumpuser.h build/flags/platform/hw | build/sysroot/include/.stamp
	@mkdir -p $(@D); echo "  CC      tests/component/hw/$*.c"
	$(Q)$(CC) $(KERN_CFLAGS) -fno-stack-protector -O2 -I platform/include -I tests/component/hw -MD -MP -c -o $@ $<
build/tests/hw/stub.elf: $(HW_TEST_OBJS) build/platform/hw/link.ld build/platform/hw/link.flags build/flags/tests/hw
	@echo "  LD      hw test stub"
	$(Q)ld $$(cat build/platform/hw/link.flags) -T build/platform/hw/link.ld --gc-sections -o $@ $(HW_TEST_OBJS)
