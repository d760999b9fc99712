# Platforms: platform/<name>/<name>.mk says what each consists of, or for a variant of another
# platform/<folder>/<variant>/<name>.mk: its name is the makefile's, its folder where that is.  From it come
#
#   build/platform/<name>/platform.o   everything, joined; globals are only those that cross the line
#   build/platform/<name>/link.flags, link.ld ...   how an image for it is linked (PLATFORM_FILES)
#
#   PLATFORM_SRCS.<name>    .c and .S files in the folder
#   PLATFORM_SHARED.<name>  sources of other platforms whose objects it has, too: folder/file.c
#   PLATFORM_ALSO.<name>    such sources that are compiled anew, with its options
#   PLATFORM_OBJS.<name>    further objects, for which it has rules
#   PLATFORM_OPT.<name>     optimisation, -O2 if absent
#   PLATFORM_CFLAGS.<name>  further compiler options; PLATFORM_INCLUDES.<name> where headers are
#   PLATFORM_FILES.<name>   files that are copied as they are, from its folder or from
#   PLATFORM_FILES_FROM.<name>  another's
# and PLATFORM_DIR.<name> is its folder, below platform/.

PLATFORM_MKS := $(sort $(wildcard platform/*/*.mk)) $(sort $(wildcard platform/*/*/*.mk))
PLATFORMS := $(basename $(notdir $(PLATFORM_MKS)))
$(foreach m,$(PLATFORM_MKS),$(eval PLATFORM_DIR.$(basename $(notdir $m)) := $(patsubst platform/%/,%,$(dir $m))))
include $(PLATFORM_MKS)

# Names that an image's other parts, the linker or the loader may use.
PLATFORM_GLOBALS := rumpuser_* rumpkern_* __kiln_*

# One object may have flags of its own ($1.mk), which no list shows.
PLATFORM_PREREQS = build/flags/platform/$1 platform/platform.mk build/include/.stamp

# $(call platform_rules,name,folder)
define platform_rules
$(call keep,build/flags/platform/$1,$(CC) $(KERN_CFLAGS) $(PLATFORM_CFLAGS.$1) $(PLATFORM_OPT.$1) $(PLATFORM_SRCS.$1) $(PLATFORM_ALSO.$1) $(PLATFORM_SHARED.$1))
P.$1.OBJS := $(addprefix build/obj/platform/$2/,$(addsuffix .o,$(PLATFORM_SRCS.$1))) \
	$(addprefix build/obj/platform/$2/also/,$(addsuffix .o,$(PLATFORM_ALSO.$1))) \
	$(addprefix build/obj/platform/,$(addsuffix .o,$(PLATFORM_SHARED.$1))) $(PLATFORM_OBJS.$1)

build/obj/platform/$2/%.c.o: platform/$2/%.c platform/$2/$1.mk $(PLATFORM_PREREQS) | build/sysroot/include/.stamp
	@mkdir -p $$(@D); echo "  CC      platform/$2/$$*.c"
	$(Q)$$(CC) $$(KERN_CFLAGS) $$(PLATFORM_CFLAGS.$1) $$(PLATFORM_INCLUDES.$1) $$(or $$(PLATFORM_OPT.$1),-O2) -I platform/include -I platform/$2 -MD -MP -c -o $$@ $$<
build/obj/platform/$2/also/%.c.o: platform/%.c platform/$2/$1.mk $(PLATFORM_PREREQS) | build/sysroot/include/.stamp
	@mkdir -p $$(@D); echo "  CC      platform/$$*.c ($1)"
	$(Q)$$(CC) $$(KERN_CFLAGS) $$(PLATFORM_CFLAGS.$1) $$(PLATFORM_INCLUDES.$1) $$(or $$(PLATFORM_OPT.$1),-O2) -I platform/include -MD -MP -c -o $$@ $$<
build/obj/platform/$2/%.S.o: platform/$2/%.S platform/$2/$1.mk $(PLATFORM_PREREQS) | build/sysroot/include/.stamp
	@mkdir -p $$(@D); echo "  AS      platform/$2/$$*.S"
	$(Q)$$(CC) $$(KERN_CFLAGS) $$(PLATFORM_CFLAGS.$1) $$(PLATFORM_INCLUDES.$1) -D__ASSEMBLER__ -I platform/include -I platform/$2 -MD -MP -c -o $$@ $$<

build/platform/$1/platform.o: $$(P.$1.OBJS) build/flags/platform/$1
	@mkdir -p $$(@D); echo "  LD      platform/$1"
	$(Q)ld -r -o $$@.tmp $$(P.$1.OBJS)
	$(Q)objcopy -w $(foreach g,$(PLATFORM_GLOBALS),--keep-global-symbol='$g') $$@.tmp $$@ && rm -f $$@.tmp

$(foreach f,$(PLATFORM_FILES.$1),build/platform/$1/$f): build/platform/$1/%: platform/$(or $(PLATFORM_FILES_FROM.$1),$2)/%
	@mkdir -p $$(@D) && cp $$< $$@

platforms: build/platform/$1/platform.o $(foreach f,$(PLATFORM_FILES.$1),build/platform/$1/$f)

-include $$(P.$1.OBJS:.o=.d)
endef
$(foreach p,$(PLATFORMS),$(eval $(call platform_rules,$p,$(PLATFORM_DIR.$p))))

LEFT_PLATFORMS = $(filter-out $(addprefix build/platform/,$(PLATFORMS)),$(patsubst %/,%,$(wildcard build/platform/*/)))
platforms: ## compile the platforms
	$(if $(LEFT_PLATFORMS),@rm -rf $(LEFT_PLATFORMS))
.PHONY: platforms
