# Components: each component.mk below becomes build/components/<faction>_<name>.o
# docs/architecture.md ("Components") explains the descriptor's variables.

#
# The flavour "lockdebug" is the same sources with LOCKDEBUG defined, which checks the use of locks and lets
# allocations fail, in build/lockdebug/; KILN_LIB=build/lockdebug/lib/kiln makes `kiln bake` use it. Nothing of it
# is in an ordinary image.  docs/testing.md says more.

COMPONENT_MKS := $(sort $(wildcard rumpcomponents/*/*/component.mk))
ALL_COMPONENTS := $(patsubst rumpcomponents/%/component.mk,%,$(COMPONENT_MKS))
DESCRIPTOR_VARS := DESC PREFIX SRCS NEEDS FOR PLATFORMS RUMPUSER OPT SMALL FLAVOUR
LOCKDEBUG_CFLAGS := -DLOCKDEBUG -fno-optimize-sibling-calls

# Linux ABI structures come from the sysroot's musl, never from the host.
KERN_CFLAGS = -std=gnu11 -g -ffreestanding -nostdinc -isystem $(KERN_GCC_INCLUDE) \
	-isystem build/sysroot/include -isystem build/include/bsd -isystem build/include/linux -isystem build/include/xen \
	-fPIE -mgeneral-regs-only -mno-red-zone -fno-strict-aliasing -fno-common -fno-omit-frame-pointer -mno-omit-leaf-frame-pointer \
	-ffunction-sections -fdata-sections -fno-asynchronous-unwind-tables -fvisibility=hidden \
	-fstack-protector-strong -mstack-protector-guard=tls -mstack-protector-guard-reg=gs \
	-mstack-protector-guard-offset=48 -fmacro-prefix-map=$(CURDIR)/= -ffile-prefix-map=$(CURDIR)/= \
	-D_GNU_SOURCE $(WARNINGS) -Wmissing-prototypes -Wstrict-prototypes -Wvla
KERN_GCC_INCLUDE := $(shell $(CC) -print-file-name=include)

# Headers of Debian packages that kernel code may see, and nothing else of the host's.
build/include/.stamp: rumpcomponents/rumpcomponents.mk
	@rm -rf build/include # what another version of this made: a link there may lead to the host's own headers
	@mkdir -p build/include/bsd/sys build/include/linux
	@ln -sf /usr/include/bsd/sys/queue.h /usr/include/bsd/sys/tree.h build/include/bsd/sys/
	@printf '/* libbsd asks for this name; its macros need nothing from it. */\n#ifndef __offsetof\n#define __offsetof(t, f) __builtin_offsetof(t, f)\n#endif\n#ifndef __containerof\n#define __containerof(x, s, m) ((s *)(void *)((char *)(x) - __builtin_offsetof(s, m)))\n#endif\n' > build/include/bsd/sys/cdefs.h
	@mkdir -p build/include/bsd/bsd/sys && ln -sf ../../sys/cdefs.h build/include/bsd/bsd/sys/cdefs.h
	@ln -sf /usr/include/jsmn.h build/include/bsd/jsmn.h
	@ln -sfn /usr/include/linux build/include/linux/linux
	@ln -sfn /usr/include/x86_64-linux-gnu/asm build/include/linux/asm
	@ln -sfn /usr/include/asm-generic build/include/linux/asm-generic
	@mkdir -p build/include/xen && ln -sfn /usr/include/xen build/include/xen/xen
	@touch $@

# $(call descriptor,component): read its component.mk into variables C.<component>.<VAR>
define descriptor
$(foreach v,$(DESCRIPTOR_VARS),$(eval $v :=))
$(eval include rumpcomponents/$1/component.mk)
$(foreach v,$(DESCRIPTOR_VARS),$(eval C.$1.$v := $($v)))
$(eval C.$1.FACTIONS := $(sort $(dir $1 $(C.$1.NEEDS))))
endef

# $(call view_rules,component)
define view_rules
$(call keep,build/flags/$1,$(CC) $(KERN_CFLAGS) $(foreach v,$(filter-out DESC,$(DESCRIPTOR_VARS)),$v=$(C.$1.$v)))
# The view: the factions it may include, as symbolic links.
build/view/$1/.stamp: build/flags/$1 rumpcomponents/$1/component.mk rumpcomponents/rumpcomponents.mk
	@rm -rf $$(@D) && mkdir -p $$(@D)
	@for f in $(C.$1.FACTIONS:/=); do \
	    [ -d rumpcomponents/include/$$$$f ] || [ $$$$f = $(firstword $(subst /, ,$1)) ] || { echo "$1/component.mk: NEEDS names unknown faction $$$$f" >&2; exit 1; }; \
	    ln -sfn $(CURDIR)/rumpcomponents/include/$$$$f $$(@D)/$$$$f; done
	@$(if $(filter yes,$(C.$1.RUMPUSER)),$(if $(filter kern dev,$(firstword $(subst /, ,$1))),:,echo "$1/component.mk: RUMPUSER is for kern and dev" >&2; exit 1);ln -sf $(CURDIR)/platform/include/rumpuser.h $$(@D)/rumpuser.h,:)
	@touch $$@
endef

# $(call component_rules,component,build or build/lockdebug,compiler options,what the messages say)
define component_rules
$2/obj/$1/%.c.o: rumpcomponents/$1/%.c build/view/$1/.stamp $(KERN_PREREQS)
	@mkdir -p $$(@D); echo "  CC      $1/$$*.c$4"
	$(Q)$$(CC) $$(KERN_CFLAGS) $3 $$(if $$(filter $$*.c,$(C.$1.SMALL)),-Oz,$(or $(C.$1.OPT),-O2)) -I build/view/$1 -I build/gen -I rumpcomponents/$1 -MD -MP -c -o $$@ $$<
$2/obj/$1/%.S.o: rumpcomponents/$1/%.S build/view/$1/.stamp $(KERN_PREREQS)
	@mkdir -p $$(@D); echo "  AS      $1/$$*.S$4"
	$(Q)$$(CC) $$(KERN_CFLAGS) $3 -D__ASSEMBLER__ -I build/view/$1 -I build/gen -I rumpcomponents/$1 -MD -MP -c -o $$@ $$<

$2/components/$(subst /,_,$1).o: $(patsubst %,$2/obj/$1/%.o,$(C.$1.SRCS)) rumpcomponents/namespace.sh
	@mkdir -p $$(@D); echo "  RUMP    $1$4"
	@$(foreach n,$(C.$1.NEEDS),$(if $(filter $n,$(ALL_COMPONENTS)),,echo "rumpcomponents/$1/component.mk: NEEDS names unknown component $n" >&2; exit 1;)):
	$(Q)rumpcomponents/namespace.sh "$1" "$(C.$1.PREFIX)" $$@ $(patsubst %,$2/obj/$1/%.o,$(C.$1.SRCS))

-include $(patsubst %,$2/obj/$1/%.d,$(C.$1.SRCS))
endef

$(foreach c,$(ALL_COMPONENTS),$(call descriptor,$c))
COMPONENTS := $(foreach c,$(ALL_COMPONENTS),$(if $(C.$c.FLAVOUR),,$c))
# What must exist before any kernel source compiles.
KERN_GEN := build/gen/kern/sysproto.h build/gen/syscall_stubs.inc
KERN_PREREQS := build/include/.stamp | build/sysroot/include/.stamp $(KERN_GEN)
$(foreach c,$(ALL_COMPONENTS),$(eval $(call view_rules,$c)))
$(foreach c,$(COMPONENTS),$(eval $(call component_rules,$c,build)))
$(foreach c,$(ALL_COMPONENTS),$(eval $(call component_rules,$c,build/lockdebug,$(LOCKDEBUG_CFLAGS), (lockdebug))))

COMPONENT_OBJS := $(foreach c,$(COMPONENTS),build/components/$(subst /,_,$c).o)

# The index that bake reads: name|object|needs|for|platforms|description
index_of = $(subst $() $(NEWLINE),$(NEWLINE),$(foreach c,$1,$(if $(filter $(firstword $1),$c),,$(NEWLINE))$(strip \
	$c|$(subst /,_,$c).o|$(C.$c.NEEDS)|$(C.$c.FOR)|$(C.$c.PLATFORMS)|$(C.$c.DESC))))
$(call keep,build/components/index,$(call index_of,$(COMPONENTS)))
$(call keep,build/lockdebug/components/index,$(call index_of,$(ALL_COMPONENTS)))

# Of components that are no more.
LEFT_COMPONENTS = $(filter-out $(COMPONENT_OBJS),$(wildcard build/components/*.o))
components: $(COMPONENT_OBJS) build/components/index ## compile all kernel components
	$(if $(LEFT_COMPONENTS),@rm -f $(LEFT_COMPONENTS))

# Like build/lib/kiln, which says what the links are for.
build/lockdebug/lib/kiln/.stamp: build/lib/kiln/.stamp
	@mkdir -p $(@D)
	@ln -sfn ../../components $(@D)/components
	@for d in sysroot platform toolchain; do ln -sfn ../../../lib/kiln/$$d $(@D)/$$d; done
	@touch $@

lockdebug: $(foreach c,$(ALL_COMPONENTS),build/lockdebug/components/$(subst /,_,$c).o) build/lockdebug/components/index \
    build/lockdebug/lib/kiln/.stamp platforms tools ## compile the flavour that checks the use of locks (KILN_LIB=build/lockdebug/lib/kiln)
ifdef LOCKDEBUG
all: lockdebug
endif

help-components: ## list the components and what they are
	@: $(foreach c,$(COMPONENTS),$(info $c: $(C.$c.DESC)))

.PHONY: components lockdebug help-components
