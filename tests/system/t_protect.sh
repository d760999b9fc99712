#!/bin/bash
# What must not be possible, tried: W^X, page zero, guard pages; what must differ between boots.
# timeout: 400
. tests/system/lib.sh
bake_program protect -Wno-infinite-recursion -Wno-array-bounds

for what in write-text write-rodata exec-data exec-rodata exec-stack exec-mmap read-null write-null \
    write-protected overflow-main overflow-thread; do
	run_guest "$work/$what.log" "$work/protect.img" -- $what
	if [ "$status" = 139 ] && grep -qa "trying $what" "$work/$what.log" && ! grep -qa FAIL "$work/$what.log"; then
		ok "$what is stopped by SIGSEGV"
	else
		tail -n 5 "$work/$what.log"
		fail "$what: status $status"
	fi
done

for what in overflow-main overflow-thread; do
	thread=1
	[ $what = overflow-thread ] && thread=2
	if grep -qa "kiln: stack overflow of thread $thread\$" "$work/$what.log" &&
	    grep -qaE 'kiln:  \.\.\. [0-9]{2,} more of image\+0x[0-9a-f]+ [a-z_]+' "$work/$what.log"; then
		ok "$what is said in words, its frames once"
	else
		tail -n 20 "$work/$what.log"
		fail "$what: the report"
	fi
done
grep -lqa 'stack overflow' "$work/read-null.log" "$work/exec-stack.log" "$work/write-text.log" &&
	fail "another fault is taken for a stack overflow" || ok "no other fault is a stack overflow"

for boot in 1 2 3; do
	run_guest "$work/where.$boot" "$work/protect.img" -- where
	[ "$status" = 0 ] || fail "where: status $status"
done
for value in canary main stack mmap; do
	n=$(grep -ah "^$value " "$work"/where.? | sort -u | wc -l)
	[ "$n" = 3 ] && ok "$value differs between boots" || fail "$value: $n different values in 3 boots"
done
grep -aqE '^canary 0*$' "$work"/where.? && fail "a canary is zero" || ok "canaries are not zero"
exit $failed
