# The commands that build programs for Kiln, and the libraries they link with.
include rumpcomponents/syscalls.mk

HOST_CFLAGS := -std=gnu11 -O2 -g -D_GNU_SOURCE $(WARNINGS) -Wmissing-prototypes -Wstrict-prototypes
CROSS_SRCS := toolchain/cross.c toolchain/cross_cc.c toolchain/cross_ld.c
CROSS_TOOLS := c++ ld ar ranlib nm strip objcopy objdump readelf size strings as pkg-config
TRIPLET := x86_64-kiln-linux-musl
# Every name of the one program.
CROSS_LINKS := $(addprefix cross-,$(CROSS_TOOLS)) \
	$(addprefix $(TRIPLET)-,cc gcc g++ $(CROSS_TOOLS))

build/bin/cross-cc: $(CROSS_SRCS) toolchain/cross.h
	@mkdir -p $(@D); echo "  HOSTCC  cross-cc"
	$(Q)$(CC) $(HOST_CFLAGS) -o $@ $(CROSS_SRCS)

build/bin/cross-configure: toolchain/cross-configure
	@mkdir -p $(@D) && cp $< $@

$(addprefix build/bin/,$(CROSS_LINKS)): build/bin/cross-cc
	@ln -sf cross-cc $@

# lib/kiln beside bin/, as after make install.
build/lib/kiln/.stamp: build/bin/cross-cc toolchain/kiln.specs toolchain/kiln.cmake toolchain/kiln.meson
	@mkdir -p $(@D)/toolchain
	@ln -sfn ../../sysroot $(@D)/sysroot
	@ln -sfn ../../components $(@D)/components
	@ln -sfn ../../platform $(@D)/platform
	@cp toolchain/kiln.specs toolchain/kiln.cmake toolchain/kiln.meson $(@D)/toolchain/
	@ln -sf ../../../bin/cross-ld $(@D)/toolchain/ld
	@touch $@

toolchain-tools: build/bin/cross-cc build/bin/cross-configure $(addprefix build/bin/,$(CROSS_LINKS)) build/lib/kiln/.stamp
tools: toolchain-tools

build/sysroot/lib/unbaked.o: toolchain/unbaked.S
	@mkdir -p $(@D)
	$(Q)$(CC) -c -o $@ $<
build/obj/toolchain/linkcheck.o: build/gen/linkcheck.S
	@mkdir -p $(@D)
	$(Q)$(CC) -c -o $@ $<
build/obj/toolchain/host.o: toolchain/host.S toolchain/host.h build/gen/host_syscalls.inc
	@mkdir -p $(@D)
	$(Q)$(CC) -I toolchain -I build/gen -c -o $@ $<
build/sysroot/lib/libkilncheck.a: build/obj/toolchain/linkcheck.o
	@mkdir -p $(@D); rm -f $@; ar rc $@ $<
build/sysroot/lib/libkilnhost.a: build/obj/toolchain/host.o
	@mkdir -p $(@D); rm -f $@; ar rc $@ $<

sysroot: build/sysroot/lib/libkilncheck.a build/sysroot/lib/libkilnhost.a build/sysroot/lib/unbaked.o

.PHONY: tools toolchain-tools
