# The program's libc: musl from Debian's source package with the port in this
# folder, and the sysroot that cross-cc compiles against.
#
#   build/musl/src    musl with our files in place of its own
#   build/musl/obj    musl's own build, out of tree
#   build/sysroot     include/ and lib/
#
# Compiling it takes a minute, so the finished lib/ is kept in the cache under
# a digest of all that goes into it.  The cache may be deleted at any time.

KILN_CACHE := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/kiln
LIBC_PORT := $(sort $(shell find libc/arch libc/src libc/include -type f 2>/dev/null))
LIBC_CFLAGS := -fPIE -ffunction-sections -fdata-sections -fno-omit-frame-pointer \
	-fno-asynchronous-unwind-tables -fno-unwind-tables -fcf-protection=none -fno-common -Wno-return-local-addr \
	-g1 -ffile-prefix-map=$(CURDIR)/build/musl/src=musl

# A file of the port that is taken away gives musl's own back.
$(call keep,build/flags/libc-port,$(LIBC_PORT))
$(call keep,build/flags/libc,$(CC) $(LIBC_CFLAGS))

# What Debian calls musl 1.2.3-1; a newer one is for us to look at first.
build/sources/musl/.stamp:
	@echo "  SOURCE  musl"; rm -rf $(@D)
	$(Q)toolchain/fetch-source.sh musl $(@D)
	@touch $@

build/musl/src/.stamp: build/sources/musl/.stamp $(LIBC_PORT) build/flags/libc-port libc/prepare.sh build/gen/kiln_syscalls.h build/gen/kiln_syscall_nr.h
	@echo "  PORT    musl"
	$(Q)libc/prepare.sh $(CURDIR)/build/sources/musl build/musl/src build/gen/kiln_syscalls.h build/gen/kiln_syscall_nr.h
	@touch $@

# Musl's makefile compiles nothing anew for a change of flags or of most headers.
build/musl/obj/config.mak: build/musl/src/.stamp build/flags/libc libc/libc.mk
	@mkdir -p $(@D) && rm -rf $(@D)/obj $(@D)/lib
	$(Q)cd $(@D) && CC=$(CC) CFLAGS='$(LIBC_CFLAGS)' ../src/configure --target=x86_64-linux-musl \
	    CROSS_COMPILE= --disable-shared --prefix=/ > configure.log 2>&1 || { cat configure.log >&2; exit 1; }

# Headers alone, which the kernel's sources wait for.  One that stays as it was compiles nothing anew.
build/sysroot/include/.stamp: build/musl/obj/config.mak build/gen/kiln_syscall_const.h libc/headers.sh toolchain/linux-headers.sh
	@echo "  HEADERS musl"; rm -rf build/musl/headers
	$(Q)$(MAKE) -s -C build/musl/obj DESTDIR=$(CURDIR)/build/musl/headers install-headers
	$(Q)cp build/gen/kiln_syscall_const.h build/musl/headers/include/bits/kiln_syscalls.h
	$(Q)libc/headers.sh build/musl/headers/include build/sysroot/include build/musl/headers.list
	$(Q)toolchain/linux-headers.sh build/sysroot/include
	@touch $@

build/sysroot/lib/libc.a: build/sysroot/include/.stamp libc/build.sh
	@echo "  LIBC    musl"; mkdir -p $(@D)
	$(Q)libc/build.sh "$(KILN_CACHE)/libc" build/musl build/sysroot/lib "$(CC)"

sysroot: build/sysroot/lib/libc.a ## the libc and headers that programs are built with

.PHONY: sysroot
