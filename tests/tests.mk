# Tests.  `make check` runs them all; docs/testing.md says how to add one.
#
#   tests/unit/t_x.mk     UNIT := t_x    a Check program, built natively with ASan and UBSan
#   tests/fuzz/f_x.mk     FUZZ := f_x    a libFuzzer target, built natively with ASan and UBSan
#   tests/component/*/t_*.sh, tests/system/t_*.sh     scripts that print ok, FAIL and skip lines
#
# A descriptor sets UNIT or FUZZ, SRCS (paths from the top), NEEDS (components whose faction's shared
# headers are visible) and, rarely, DEFS (compiler options) and LIBS.

TEST_MKS := $(sort $(wildcard tests/unit/*.mk tests/fuzz/*.mk))
TEST_VARS := UNIT FUZZ SRCS NEEDS DEFS LIBS

NATIVE_CC = $(CLANG)
NATIVE_SAN := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
# Only two of libbsd's headers stand in for the host's; the rest are the host's own.
NATIVE_CFLAGS = -std=gnu11 -g -O1 -DKILN_NATIVE -D_GNU_SOURCE -fno-strict-aliasing $(NATIVE_SAN) $(WARNINGS) \
	-isystem build/tests/include -I tests/unit/support -I build/gen

$(call keep,build/flags/tests/native,$(NATIVE_CC) $(NATIVE_CFLAGS))

build/tests/include/.stamp:
	@mkdir -p $(@D)/sys
	@ln -sf /usr/include/bsd/sys/queue.h /usr/include/bsd/sys/tree.h $(@D)/sys/
	@touch $@

# ------------------------------------------------- support for native tests

SUPPORT_SRCS := $(wildcard tests/unit/support/*.c)
SUPPORT_OBJS := $(patsubst tests/unit/support/%.c,build/tests/support/%.o,$(SUPPORT_SRCS))

$(call keep,build/flags/tests/support,$(SUPPORT_OBJS))

build/tests/support/%.o: tests/unit/support/%.c build/tests/include/.stamp build/flags/tests/native
	@mkdir -p $(@D); echo "  CC      test support/$*.c"
	$(Q)$(NATIVE_CC) $(NATIVE_CFLAGS) -I rumpcomponents/include -I platform/include -MMD -MP -c -o $@ $<

build/tests/libsupport.a: $(SUPPORT_OBJS) build/flags/tests/support
	@rm -f $@
	$(Q)ar rcs $@ $(SUPPORT_OBJS)

-include $(SUPPORT_OBJS:.o=.d)

# ------------------------------------------------------ unit and fuzz programs

# $(call test_descriptor,file): read it into variables T.<name>.<VAR>
define test_descriptor
$(foreach v,$(TEST_VARS),$(eval $v :=))
$(eval include $1)
$(eval T.NAME := $(or $(UNIT),$(FUZZ),$(error $1: sets neither UNIT nor FUZZ)))
$(foreach v,$(TEST_VARS),$(eval T.$(T.NAME).$v := $($v)))
$(eval T.$(T.NAME).MK := $1)
$(eval T.$(T.NAME).OBJS := $(patsubst %,build/tests/obj/$(T.NAME)/%.o,$(SRCS)))
$(eval T.$(T.NAME).FACTIONS := $(sort $(foreach f,$(patsubst rumpcomponents/%,%,$(filter rumpcomponents/%,$(SRCS)) $(NEEDS)),$(firstword $(subst /, ,$f)))))
$(eval $(if $(UNIT),UNITS += $(UNIT),FUZZERS += $(FUZZ)))
endef

# $(call test_rules,name,extra compiler options,extra libraries,output)
define test_rules
build/tests/view/$1/.stamp: $(T.$1.MK) tests/tests.mk
	@rm -rf $$(@D) && mkdir -p $$(@D)
	@for f in $(T.$1.FACTIONS); do \
	    ln -sfn $(CURDIR)/rumpcomponents/include/$$$$f $$(@D)/$$$$f; done
	@ln -sf $(CURDIR)/platform/include/rumpuser.h $$(@D)/rumpuser.h
	@touch $$@

build/tests/obj/$1/%.c.o: %.c build/tests/view/$1/.stamp build/tests/include/.stamp build/flags/tests/native | $(NATIVE_GEN)
	@mkdir -p $$(@D); echo "  CC      $1: $$*.c"
	$(Q)$$(NATIVE_CC) $$(NATIVE_CFLAGS) $2 $(T.$1.DEFS) -I build/tests/view/$1 $(addprefix -I ,$(sort $(dir $(T.$1.SRCS)))) -MMD -MP -c -o $$@ $$<

$4: $(T.$1.OBJS) build/tests/libsupport.a
	@mkdir -p $$(@D); echo "  LD      $1"
	$(Q)$$(NATIVE_CC) $(NATIVE_SAN) $2 -o $$@ $(T.$1.OBJS) build/tests/libsupport.a $(T.$1.LIBS) $3

-include $(T.$1.OBJS:.o=.d)
endef

UNITS :=
FUZZERS :=
NATIVE_GEN := $(KERN_GEN)
$(foreach m,$(TEST_MKS),$(call test_descriptor,$m))
$(foreach u,$(UNITS),$(eval $(call test_rules,$u,,-lcheck -lsubunit -lrt -lm -lpthread,build/tests/unit/$u)))
$(foreach f,$(FUZZERS),$(eval $(call test_rules,$f,-fsanitize=fuzzer,-lpthread,build/tests/fuzz/$f)))

UNIT_BINS := $(addprefix build/tests/unit/,$(UNITS))
FUZZ_BINS := $(addprefix build/tests/fuzz/,$(FUZZERS))

tests-build: $(UNIT_BINS) $(FUZZ_BINS) build/gen/syscalls.tab lockdebug ## build the unit tests and fuzz targets, run nothing

# -------------------------------------------------------------------- running

# Seconds per fuzz target: 60 in CI, else a glance.
FUZZ_SECONDS ?= $(if $(filter true,$(CI)),60,10)

setup: ## install the Debian packages that building and testing need (as root or with sudo)
	@toolchain/setup.sh

check: ## install what is missing, build everything, run all tests
	@$(MAKE) --no-print-directory setup
	@$(MAKE) --no-print-directory all tests-build
	@FUZZ_SECONDS=$(FUZZ_SECONDS) tests/run.sh

check-unit: $(UNIT_BINS) ## run the unit tests only
	@tests/run.sh unit

check-fuzz: $(FUZZ_BINS) ## run the fuzz targets only, FUZZ_SECONDS=60 for long
	@FUZZ_SECONDS=$(FUZZ_SECONDS) tests/run.sh fuzz

check-component: ## run the scripts of tests/component only
	@tests/run.sh component

check-long: ## everything that takes longer than a check may: Xen in an emulated machine; FUZZ_SECONDS=600
	@$(MAKE) --no-print-directory setup
	@$(MAKE) --no-print-directory all tests-build
	@FUZZ_SECONDS=$(or $(filter-out 10 60,$(FUZZ_SECONDS)),600) tests/run.sh all long

check-system: lockdebug ## run the scripts of tests/system only: boots images
	@tests/run.sh system

# ----------------------------------------------------------------------- lint

# clang sees every C file of components, platforms and tools with the flags gcc sees, and its own headers.
LINT_STAMPS :=
LINT_CC = $(CLANG) -Wno-unknown-warning-option -fsyntax-only -MD -MP -MF $(@:.ok=.d) -MT $@
# $(call lint_rule,folder,flags,prerequisites,files)
define lint_rule
build/lint/$1/%.ok: $1/% $3
	@mkdir -p $$(@D)
	$(Q)$$(LINT_CC) $2 $$<
	@touch $$@
LINT_STAMPS += $(patsubst %,build/lint/$1/%.ok,$(filter %.c,$4))
endef
$(foreach c,$(ALL_COMPONENTS),$(eval $(call lint_rule,rumpcomponents/$c,$$(KERN_CFLAGS) $(if $(C.$c.FLAVOUR),$(LOCKDEBUG_CFLAGS)) -I build/view/$c -I build/gen -I rumpcomponents/$c,build/view/$c/.stamp $$(KERN_PREREQS),$(C.$c.SRCS))))
$(foreach p,$(PLATFORMS),$(eval $(call lint_rule,platform/$(PLATFORM_DIR.$p),$$(KERN_CFLAGS) $(PLATFORM_INCLUDES.$p) -I platform/include -I platform/$(PLATFORM_DIR.$p),$$(KERN_PREREQS),$(PLATFORM_SRCS.$p))))
$(eval $(call lint_rule,app-tools,$$(TOOL_CFLAGS),,$(notdir $(wildcard app-tools/*.c))))
$(eval $(call lint_rule,toolchain,$$(HOST_CFLAGS),,$(notdir $(wildcard toolchain/*.c))))
-include $(LINT_STAMPS:.ok=.d)
# musl's limits.h before clang's, which knows no musl when freestanding.
lint-clang: KERN_GCC_INCLUDE = build/sysroot/include -isystem $(shell $(CLANG) -print-resource-dir)/include
lint-clang: $(LINT_STAMPS) ## everything compiles without a warning with clang, too

lint-docs: $(if $(wildcard rumpcomponents/syscalls.master),docs/syscalls.md)
	@if git ls-files --error-unmatch docs/syscalls.md >/dev/null 2>&1; then git diff --exit-code -- docs/syscalls.md; fi

format: ## clang-format every C file of the tree in place
	@tests/lint.sh format

lint: ## formatting, cppcheck, clang, generated documentation
	@tests/lint.sh

.PHONY: tests-build setup check check-long check-unit check-fuzz check-component check-system format lint lint-clang lint-docs
