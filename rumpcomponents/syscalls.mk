# Files made from syscalls.master.  One that comes out the same is left as it was, so
# that a change of the generator does not compile the libc anew.
SYSCALLS := rumpcomponents/syscalls.master rumpcomponents/syscalls.awk
STRACE_KINDS := rumpcomponents/kern/strace/kinds
syscalls_gen = awk -v out=$1 -v kinds=$(STRACE_KINDS) -f rumpcomponents/syscalls.awk rumpcomponents/syscalls.master

# $(call syscalls_rule,file,kind)
define syscalls_rule
$1: $(SYSCALLS)
	@mkdir -p $$(@D)
	@$(call syscalls_gen,$2) > $$@.tmp
	@if cmp -s $$@.tmp $$@; then rm $$@.tmp; else mv $$@.tmp $$@; fi
endef
$(eval $(call syscalls_rule,build/gen/kern/sysproto.h,sysproto))
$(eval $(call syscalls_rule,build/gen/syscall_stubs.inc,stubs))
$(eval $(call syscalls_rule,build/gen/strace_calls.inc,trace))
build/gen/strace_calls.inc: $(STRACE_KINDS)
build/obj/kern/strace/calls.c.o: build/gen/strace_calls.inc
$(eval $(call syscalls_rule,build/gen/syscalls.tab,tab))
$(eval $(call syscalls_rule,build/gen/kiln_syscalls.h,libc))
$(eval $(call syscalls_rule,build/gen/kiln_syscall_const.h,syscallh))
$(eval $(call syscalls_rule,build/gen/kiln_syscall_nr.h,nrh))
$(eval $(call syscalls_rule,build/gen/linkcheck.S,linkcheck))
$(eval $(call syscalls_rule,build/gen/host_syscalls.inc,host))
$(eval $(call syscalls_rule,docs/syscalls.md,docs))

syscalls: build/gen/kern/sysproto.h build/gen/syscalls.tab docs/syscalls.md ## regenerate what comes from syscalls.master

# docs/syscalls.md is committed, so that it can be read without a build.
check-syscalls-doc:
	@$(call syscalls_gen,docs) | cmp -s - docs/syscalls.md || \
	    { echo "docs/syscalls.md is out of date: run make docs/syscalls.md" >&2; exit 1; }

.PHONY: syscalls check-syscalls-doc
