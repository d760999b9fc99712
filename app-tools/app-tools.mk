# The host-side command `kiln`.

TOOL_SRCS := $(wildcard app-tools/*.c)
TOOL_OBJS := $(patsubst %.c,build/%.o,$(TOOL_SRCS))
TOOL_CFLAGS = -std=gnu11 -g -O2 -D_GNU_SOURCE -D_FORTIFY_SOURCE=2 -fstack-protector-strong $(WARNINGS) \
	-Wmissing-prototypes -Wstrict-prototypes -DKILN_VERSION='"$(VERSION)"'

$(call keep,build/flags/app-tools,$(CC) $(TOOL_CFLAGS))
$(call keep,build/flags/app-tools.list,$(CC) $(TOOL_OBJS))

build/app-tools/%.o: app-tools/%.c app-tools/app-tools.mk build/flags/app-tools
	@mkdir -p $(@D); echo "  CC      $<"
	$(Q)$(CC) $(TOOL_CFLAGS) -MMD -MP -c -o $@ $<

build/bin/kiln: $(TOOL_OBJS) build/flags/app-tools.list
	@mkdir -p $(@D); echo "  LD      $@"
	$(Q)$(CC) -o $@ $(TOOL_OBJS) -lelf -lcrypto

-include $(TOOL_OBJS:.o=.d)

build/lib/kiln/gdb/kiln.py: app-tools/kiln.py
	@mkdir -p $(@D) && cp $< $@

app-tools: build/bin/kiln build/lib/kiln/gdb/kiln.py # it finds what it links in ../lib/kiln (toolchain.mk)
tools: app-tools ## the commands, into build/bin/

# Everything a user needs.  The parts of lib/kiln are links into build/ there, copies here;
# toolchain/ has a link to ../../../bin, which stays one.
install: ## copy the commands and what they need to PREFIX (default /usr/local)
	rm -rf $(DESTDIR)$(PREFIX)/lib/kiln.new
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/lib/kiln.new
	cp -rL $(foreach d,sysroot components platform,$(wildcard build/lib/kiln/$d)) $(DESTDIR)$(PREFIX)/lib/kiln.new/
	cp -a $(wildcard build/lib/kiln/toolchain) build/lib/kiln/gdb $(DESTDIR)$(PREFIX)/lib/kiln.new/
	rm -rf $(DESTDIR)$(PREFIX)/lib/kiln
	mv $(DESTDIR)$(PREFIX)/lib/kiln.new $(DESTDIR)$(PREFIX)/lib/kiln
	cp -a build/bin/. $(DESTDIR)$(PREFIX)/bin/

.PHONY: tools app-tools install
