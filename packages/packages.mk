# Real software, built by its own build systems through the wrapper toolchain.
#
# A recipe is a folder: build.sh unpacks, configures and compiles.
#
#   packages/NAME/build.sh SOURCE OUT      run with cross-* in PATH; OUT is
#                                          build/packages/NAME
#
# A library installs into build/sysroot, where cross-cc and pkg-config find it; a
# program leaves the unbaked OUT/NAME and, if it has files, OUT/root/.
# OUT/NAME.img is baked from these by the rule below.

PACKAGE_LIBS := zlib pcre2
PACKAGE_PROGRAMS := hello udp-echo nginx
# From Debian's source packages; the others are here.
PACKAGE_SOURCES := zlib pcre2 nginx
NGINX_NEEDS := build/packages/zlib/.done build/packages/pcre2/.done

build/sources/%/.stamp:
	@echo "  SOURCE  $*"; rm -rf $(@D)
	$(Q)toolchain/fetch-source.sh $* $(CURDIR)/$(@D)
	@touch $@

# What every recipe is compiled with; a newer cross-cc alone rebuilds nothing.
PACKAGE_PREREQS := build/sysroot/lib/libc.a | toolchain-tools sysroot

# $(call package_rules,name)
define package_rules
$(call keep,build/flags/packages/$1,$(wildcard packages/$1/*.sh packages/$1/*.c packages/$1/*.patch))
build/packages/$1/.done: build/flags/packages/$1 $(wildcard packages/$1/*.sh packages/$1/*.c packages/$1/*.patch) \
    $(if $(filter $1,$(PACKAGE_SOURCES)),build/sources/$1/.stamp) $(if $(filter nginx,$1),$(NGINX_NEEDS)) $(PACKAGE_PREREQS)
	@echo "  PACKAGE $1"; mkdir -p $$(@D); rm -rf $$(@D)/root $$(@D)/own-root
	$(Q)PATH="$(CURDIR)/build/bin:$$$$PATH" packages/$1/build.sh $(CURDIR)/$(if $(filter $1,$(PACKAGE_SOURCES)),build/sources/$1,packages/$1) \
	    $(CURDIR)/$$(@D) $(CURDIR)/build/sysroot > $$(@D)/build.log 2>&1 || \
	    { tail -n 30 $$(@D)/build.log >&2; echo "packages/$1: failed; all of it is in $$(@D)/build.log" >&2; exit 1; }
	@if [ -d $$(@D)/root ]; then mv $$(@D)/root $$(@D)/own-root; fi
	@touch $$@
packages/$1: build/packages/$1/.done
.PHONY: packages/$1
endef
$(foreach p,$(PACKAGE_LIBS) $(PACKAGE_PROGRAMS),$(eval $(call package_rules,$p)))

# What an image is baked from besides the program: kernel and platforms.
IMAGE_PREREQS := build/bin/kiln build/components/index $(COMPONENT_OBJS) \
	$(foreach p,$(PLATFORMS),build/platform/$p/platform.o $(foreach f,$(PLATFORM_FILES.$p),build/platform/$p/$f))

# $(call image_rules,name): the root is what build.sh left, and packages/NAME/root over it.
define image_rules
$(call keep,build/flags/packages/$1.root,root: $(shell cd packages/$1/root 2>/dev/null && find . -printf '%p:%y%m%l\n' | sort))
build/packages/$1/$1.img: build/packages/$1/.done build/flags/packages/$1.root $(IMAGE_PREREQS) $(shell find packages/$1/root -type f 2>/dev/null)
	@echo "  BAKE    $1"
	$(Q)rm -rf $$(@D)/root; for d in $$(@D)/own-root packages/$1/root; do \
	    if [ -d $$$$d ]; then mkdir -p $$(@D)/root && cp -r $$$$d/. $$(@D)/root/; fi; done
	$(Q)build/bin/kiln bake $$$$([ -d $$(@D)/root ] && echo --root $$(@D)/root) -o $$@ $$(@D)/$1
endef
$(foreach p,$(PACKAGE_PROGRAMS),$(eval $(call image_rules,$p)))

packages: $(foreach p,$(PACKAGE_PROGRAMS),build/packages/$p/$p.img) ## build the software in packages/ and bake it

.PHONY: packages
