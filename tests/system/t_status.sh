#!/bin/bash
# How programs end: exit statuses pass through, crashes are told from any of them, and are explained.
. tests/system/lib.sh
bake_program status

for s in 0 1 42 127 137 139 255; do
	run_guest "$work/log" "$work/status.img" -- $s
	[ "$status" = $s ] && ok "exit $s" || fail "exit $s gave $status"
done

# crash HOW SIGNAL: kiln run itself dies of that signal, so the shell (and wait) see 128+SIGNAL and a signal death.
crash() {
	local how=$1 signal=$2 log=$work/$1.log
	run_guest "$log" "$work/status.img" -- "$how"
	if [ "$status" != $((128 + signal)) ]; then
		tail -n 20 "$log"
		fail "$how: status $status, expected death by signal $signal"
		return
	fi
	ok "$how ends by signal $signal"
}


crash null 11
grep -qaE 'kiln: +#[0-9]+ image\+0x[0-9a-f]+.*innermost' "$work/null.log" && ok "null: the backtrace names innermost()" ||
    { tail -n 30 "$work/null.log"; fail "null: no innermost() in the backtrace"; }
grep -qaE 'image\+0x[0-9a-f]+.*middle' "$work/null.log" && ok "null: the backtrace names its caller" ||
    fail "null: no middle() in the backtrace"
grep -qaiE 'rip|rax' "$work/null.log" && ok "null: registers are shown" || fail "null: no registers"
crash abort 6
grep -qaE 'image\+0x[0-9a-f]+.*(abort|raise|main)' "$work/abort.log" && ok "abort: the backtrace has names" ||
    fail "abort: no names in the backtrace"
crash divide 8
crash illegal 4
crash raise 15

# The log of a machine elsewhere, without names, gets them from kiln symbolize.
sed -E 's/(image\+0x[0-9a-f]+).*/\1/' "$work/null.log" > "$work/bare.log"
kiln symbolize "$work/status.img" < "$work/bare.log" | grep -qa innermost && ok "kiln symbolize puts names to a log" ||
    fail "kiln symbolize found no name"
exit $failed
