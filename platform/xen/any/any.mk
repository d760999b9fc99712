# platform/xen/any: a PC or micro-VM, or a PVH guest of Xen; the image finds out when it starts.  What each of the
# two has for itself (platform/hw/machine.h) is joined, and where both have something, names get a prefix;
# choose.S has a function by the name itself, which goes to the one or the other.
ANY := build/obj/platform/xen/any
PLATFORM_SRCS.any := any.c
PLATFORM_SHARED.any := $(addprefix hw/,$(HW_MACHINE_SRCS))
PLATFORM_OBJS.any := $(ANY)/pc.o $(ANY)/xen.o $(ANY)/choose.o
PLATFORM_OPT.any := -Oz
PLATFORM_CFLAGS.any := -fno-stack-protector
PLATFORM_INCLUDES.any := -I platform/hw -I platform/xen
PLATFORM_FILES.any := link.ld link.flags
PLATFORM_FILES_FROM.any := hw

$(ANY)/pc.joined: $(HW_PC_SRCS:%=build/obj/platform/hw/%.o) $(ANY)/notxen.c.o
$(ANY)/xen.joined: $(PLATFORM_SRCS.xen:%=build/obj/platform/xen/%.o)
$(ANY)/%.joined: build/flags/platform/any
	@mkdir -p $(@D)
	$(Q)ld -r -o $@ $(filter %.o,$^)
$(ANY)/both: $(ANY)/pc.joined $(ANY)/xen.joined
	$(Q)names() { nm -g --defined-only "$$1" | awk '{ print $$3 }' | LC_ALL=C sort; }; \
	    LC_ALL=C comm -12 <(names $<) <(names $(word 2,$^)) > $@
$(ANY)/pc.o $(ANY)/xen.o: $(ANY)/%.o: $(ANY)/%.joined $(ANY)/both
	$(Q)objcopy --redefine-syms=<(sed 's/.*/& $*_&/' $(ANY)/both) $< $@
# any.c chooses when hw_machine_start() is called.
$(ANY)/choose.S: $(ANY)/both platform/xen/any/any.mk
	$(Q)for f in $$(grep -vx hw_machine_start $<); do \
	    printf '\t.section .text.any.%s, "ax"\n\t.globl %s\n\t.type %s, @function\n%s:\n' $$f $$f $$f $$f; \
	    printf '\tcmpb $$0, any_is_xen(%%rip)\n\tjne xen_%s\n\tjmp pc_%s\n' $$f $$f; \
	done > $@; echo '	.section .note.GNU-stack, "", @progbits' >> $@
$(ANY)/choose.o: $(ANY)/choose.S
	$(Q)$(CC) -c -o $@ $<
