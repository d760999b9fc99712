# lib.sh: what system tests share.  Sourced by t_*.sh, which run from the top of the tree.
# shellcheck shell=bash
#
# TEST_WORK is the test's own folder.  Results are lines: ok NAME, FAIL NAME why, skip NAME why.

here=tests/system
work=${TEST_WORK:?run me through tests/run.sh, or set TEST_WORK}
PATH=$PWD/build/bin:$PATH
failed=0

ok() { echo "ok $*"; }
fail() {
	echo "FAIL $*"
	failed=1
}

# bake_program NAME [CROSS-CC OPTIONS...]: programs/NAME.c becomes $work/NAME.img; BAKE_OPTIONS go to bake.
bake_program() {
	local name=$1
	shift
	cross-cc -O2 -Wall -Werror -o "$work/$name" "$here/programs/$name.c" "$@" &&
	    kiln bake $BAKE_OPTIONS "$work/$name" -o "$work/$name.img" > "$work/$name.bake" 2>&1 || {
		cat "$work/$name.bake"
		fail "$name does not build"
		exit 1
	}
}
BAKE_OPTIONS=

# run_guest LOG KILN-RUN-ARGUMENTS...: console output to LOG, status in $status (128+n: killed by signal n).
run_guest() {
	local log=$1
	shift
	# In a shell of its own, which alone would speak of a signal's death.  In the foreground: a Ctrl-C is
	# for the guest, too, which dies with kiln run.
	(timeout --foreground -k 5 "${GUEST_SECONDS:-60}" kiln run --net none "$@" > "$log" 2>&1 < /dev/null; exit $?) 2> /dev/null
	status=$?
	# Another test runs this one under the checks on the use of locks.
	if [ -n "${LOCKDEBUG_LOOK:-}" ] && grep -aA16 '^kiln: lockdebug: WRONG' "$log"; then fail "locks: kiln run $*"; fi
}

# native NAME [CC OPTIONS...]: the same program on the host's libc: tests the test.
native_program() {
	local name=$1
	shift
	gcc -O2 -Wall -o "$work/$name.native" "$here/programs/$name.c" "$@" -lpthread ||
	    fail "$name does not build natively"
}

# check_output NAME LOG: the programs' own convention, a line "ok WHAT" or "FAIL WHAT" per case.
# Prints them with NAME in front.
check_output() {
	grep -aE '^(ok|FAIL) ' "$2" | tr -d '\r' | sed -E "s/^(ok|FAIL) /\1 $1 /" || true
	grep -qaE '^FAIL ' "$2" && failed=1
	grep -qaE '^ok ' "$2" || {
		tail -n 5 "$2"
		fail "$1 printed no result"
	}
}

# program_everywhere NAME [CC OPTIONS...]: programs/NAME.c on the host's libc, which tests the test, on machines
# with one CPU and two (or with each of $HW_CPUS), and hosted with one and two.  It says "ok" and "FAIL", and
# exits with 0 if all is well; the images' programs get $ARGUMENTS.
program_everywhere() {
	local name=$1 platform cpus all
	native_program "$@"
	"$work/$name.native" > "$work/native" 2>&1 || fail "$name: native status $?"
	check_output native "$work/native"
	for platform in hw hosted; do
		BAKE_OPTIONS="--platform $platform" bake_program "$@"
		all="1 2"
		[ $platform = hw ] && all=${HW_CPUS:-$all}
		for cpus in $all; do
			run_guest "$work/$platform.$cpus" --cpus "$cpus" "$work/$name.img" ${ARGUMENTS:+-- "$ARGUMENTS"}
			check_output "$platform $cpus" "$work/$platform.$cpus"
			[ "$status" = 0 ] || fail "$name: $platform, $cpus CPUs: status $status"
		done
	done
}

# new_disk FILE: what programs/disk.c wants to find, 8 MiB whose byte 8 n holds the number n.
new_disk() {
	python3 -c 'import struct, sys; open(sys.argv[1], "wb").write(b"".join(struct.pack("<Q", i) for i in range(1 << 20)))' "$1"
}

free_port() {
	local p=$((20000 + RANDOM % 20000))
	while (exec 3<> "/dev/tcp/127.0.0.1/$p") 2> /dev/null; do p=$((p + 1)); done
	echo $p
}

# wait_http PORT [TENTHS]: until something answers.
wait_http() {
	for _ in $(seq "${2:-200}"); do
		curl -s -m 1 -o /dev/null "http://127.0.0.1:$1/" && return
		sleep 0.1
	done
	return 1
}

# wait_text LOG TEXT [TENTHS]
wait_text() {
	for _ in $(seq "${3:-200}"); do
		grep -qa -- "$2" "$1" 2> /dev/null && return
		sleep 0.1
	done
	return 1
}

# xen_rig [xen]: Xen and a control domain for it, or just Xen, in $rig.  Without the packages the script ends here.
xen_rig() {
	rig=$PWD/build/xen-${1:-rig}
	tests/xen/rig.sh "$rig" "$@" > "$work/rig.log" 2>&1
	case $? in
	0) ;;
	3)
		echo "skip all: $(tail -n 1 "$work/rig.log")"
		exit 0
		;;
	*)
		tail -n 20 "$work/rig.log"
		fail "the rig cannot be built"
		exit 1
		;;
	esac
}
