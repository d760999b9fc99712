# The host-side command `kiln`.

TOOL_SRCS := $(wildcard app-tools/*.c)
TOOL_OBJS := $(patsubst %.c,build/%.o,$(TOOL_SRCS))
TOOL_CFLAGS = -std=gnu11 -g -O2 -D_GNU_SOURCE -D_FORTIFY_SOURCE=2 -fstack-protector-strong $(WARNINGS) \
	-Wmissing-prototypes -Wstrict-prototypes -DKILN_VERSION='"$(VERSION)"'

build/app-tools/%.o: app-tools/%.c app-tools/app-tools.mk
	@mkdir -p $(@D); echo "  CC      $<"
	$(Q)$(CC) $(TOOL_CFLAGS) -MMD -MP -c -o $@ $<

build/bin/kiln: $(TOOL_OBJS)
	@mkdir -p $(@D); echo "  LD      $@"
	$(Q)$(CC) -o $@ $^ -lelf -lcrypto

-include $(TOOL_OBJS:.o=.d)

# kiln finds what it links in ../lib/kiln from where it is.
build/lib/kiln/.stamp: app-tools/app-tools.mk
	@mkdir -p $(@D) build/sysroot build/components build/platform
	@for d in sysroot components platform; do ln -sfn ../../$$d $(@D)/$$d; done
	@touch $@

app-tools: build/bin/kiln build/lib/kiln/.stamp
tools: app-tools ## build the command kiln

# Everything a user needs, with symbolic links followed.
install: ## copy the commands and what they need to PREFIX (default /usr/local)
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/lib/kiln
	cp -a build/bin/. $(DESTDIR)$(PREFIX)/bin/
	for d in sysroot components platform; do \
	    [ -d build/$$d ] || continue; \
	    rm -rf $(DESTDIR)$(PREFIX)/lib/kiln/$$d; \
	    cp -rL build/$$d $(DESTDIR)$(PREFIX)/lib/kiln/$$d; done

.PHONY: tools app-tools install
