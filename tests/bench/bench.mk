# Benchmarks: figures and ratios, never pass/fail.

build/bench/measure: tests/bench/measure.c
	@mkdir -p $(@D); echo "  HOSTCC  $<"
	$(Q)$(CC) -O2 -D_GNU_SOURCE $(WARNINGS) -o $@ $<

build/bench/%.unbaked: tests/bench/%.c toolchain-tools sysroot
	@mkdir -p $(@D); echo "  CROSSCC $<"
	$(Q)build/bin/cross-cc -O2 -o $@ $<

bench: all build/bench/measure build/bench/getppid.unbaked build/bench/kernel.unbaked build/bench/trivial.elf ## measure every figure beside its peers (about 17 minutes)
	$(Q)tests/bench/bench.sh

bench-xen: all ## the figures of Xen's guests, in the rig (about 10 minutes)
	$(Q)tests/bench/bench-xen.sh

.PHONY: bench bench-xen
