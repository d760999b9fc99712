#!/bin/bash
# The kernel itself fails: what the console shows, how kiln run ends, and that it ends at all.
. tests/system/lib.sh
bake_program kcrash
mv "$work/kcrash.img" "$work/hw.img" && mv "$work/kcrash.img.debug" "$work/hw.img.debug"
BAKE_OPTIONS="--platform hosted" bake_program kcrash
mv "$work/kcrash.img" "$work/hosted.img" && mv "$work/kcrash.img.debug" "$work/hosted.img.debug"

# kcrash PLATFORM CPUS ARGUMENTS: log in $log, name in $name; fails unless it ended as a panic does.
kcrash() {
	local platform=$1 cpus=$2
	shift 2
	name="$platform-$cpus $*" log=$work/$platform-$cpus-${*// /-}.log
	rm -f "$work/status"
	GUEST_SECONDS=30 run_guest "$log" --platform "$platform" --cpus "$cpus" --status-file "$work/status" \
	    "$work/$platform.img" -- "$@"
	[ "$status" = 134 ] && [ "$(cat "$work/status")" = panic ] && return
	tail -n 20 "$log"
	fail "$name: status $status, $(cat "$work/status")"
	return 1
}

# says PATTERN...: all are in the log, in this order.
says() {
	local at=0 n pattern
	for pattern; do
		n=$(tail -n +$((at + 1)) "$log" | grep -anm1 -E -- "$pattern") || {
			cat "$log"
			fail "$name: no '$pattern' in its place"
			return
		}
		at=$((at + ${n%%:*}))
	done
	ok "$name"
}

# What each way has to say first, and whom the backtrace must name.
declare -A first=(
	[assert]='assertion "bad_pointer == 0" failed: crashtest.c:[0-9]+$' [panic]='asked for by kiln_crash, pointer 10$'
	[null]='page fault in the kernel' [overflow]='kernel stack overflow' [text]='page fault in the kernel'
	[jump]='page fault in the kernel' [data]='page fault in the kernel' [frame]='page fault in the kernel'
	[buffer]='a stack buffer of the kernel has overflowed' [spin]='page fault in the kernel' [callout]='page fault in the kernel'
	[interrupt]='page fault in the kernel')
declare -A names=(
	[assert]='crash_assert.*crashtest.c:' [panic]='crash_panic.*crashtest.c:' [null]='crash_null.*crashtest.c:'
	[overflow]='recurse' [text]='crash_text' [jump]='crash_jump' [data]='crash_data' [frame]='crash_frame'
	[buffer]='crash_buffer' [spin]='crash_spin' [callout]='softint_thread' [interrupt]='crash_interrupt')

for platform in hw hosted; do
	for cpus in 1 2; do
		for how in "${!first[@]}"; do
			kcrash $platform $cpus "$how" || continue
			says "^kiln: panic: ${first[$how]}" '^kiln: lwp -?[0-9]+ \(.*\) on CPU [01], image at' \
			    '^kiln: rip [0-9a-f]{16} rsp' '^kiln:  #0 (image\+)?0x' "^kiln:  #[0-9]+ image.*${names[$how]}"
		done
		# The address is in the report.
		kcrash $platform $cpus null && says 'trap 14 error [0-9a-f]+ address 10$'
		# A report that fails itself ends, and says where.
		kcrash $platform $cpus nested && says '^kiln: panic: outer' '^kiln: and failed again.* strnlen'
		# Others print at the same time; nothing of theirs comes in between, or after.
		for how in assert spin overflow; do
			kcrash $platform $cpus $how 0 print || continue
			sed -n '/kiln: panic:/,$p' "$log" | grep -qa '^line' &&
			    fail "$name: the other thread went on" || says '^line 20$' 'kiln: panic: ' "^kiln:  #[0-9]+ image.*${names[$how]}"
		done
		# Two fail at once: one report.
		kcrash $platform $cpus panic 0 panic && says 'kiln: panic: asked for' '^kiln:  #[0-9]+ .*kiln_crash'
		n=$(grep -ac 'kiln: panic:' "$log")
		[ "$n" = 1 ] || fail "$name: $n reports"
	done
	# A CPU other than the first; one that hears nothing.
	kcrash $platform 2 assert 1 && says "panic: ${first[assert]}" 'on CPU 1, image at' "${names[assert]}"
	kcrash $platform 2 null 0 hold && says 'CPU 1 does not stop' "panic: ${first[null]}" 'on CPU 0, image' "${names[null]}"
	grep -qa 'does not stop' "$work/$platform-2-assert 1.log" && fail "$platform: CPU 0 did not stop"

	# Not to be mistaken: the program's own exit status 134.
	run_guest "$work/own.log" --platform $platform --status-file "$work/status" "$work/$platform.img" -- nonsense
	[ "$status" = 134 ] && [ "$(cat "$work/status")" = "exit 134" ] || fail "$platform: own status 134: $status, $(cat "$work/status")"
	python3 - "$work/$platform.img" $platform << 'PY' && ok "$platform: wait(2) tells a panic from exit status 134" || fail "$platform: not told apart"
import subprocess, sys
def run(how):
    return subprocess.run(["kiln", "run", "--net", "none", "--platform", sys.argv[2], sys.argv[1], "--", how],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=60).returncode
sys.exit(not (run("null") == -6 and run("nonsense") == 134))
PY
done

# It costs nobody else anything.
kiln inspect build/packages/hello/hello.img | grep -q crashtest && fail "crashtest is in hello" || ok "crashtest is in no image that does not ask for it"
exit $failed
