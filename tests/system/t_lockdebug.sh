#!/bin/bash
# The flavour "lockdebug": its checks see what they are for, and the kernel passes them under the other tests'
# programs.  LOCKDEBUG_LONG=1 (tests/long/t_lockdebug_all.sh): all of them, everywhere.
# timeout: 600
. tests/system/lib.sh
export KILN_LIB=build/lockdebug/lib/kiln
[ -e $KILN_LIB/components/kern_lockdebug.o ] || { fail "not built: make lockdebug"; exit 1; }
long=${LOCKDEBUG_LONG:-}

# Each way of using locks wrongly, and the complaint.  Some of them every kernel dies of.
declare -A complaint=(
	[lockorder]='locks in both orders: other and one' [lockchain]='earlier: one taken .* with other held'
	[lockclass]='two locks of one class: pair taken' [locksleep]='may sleep .*with spin lock spin held since crashtest'
	[lockhalt]='locks in both orders: one and image' [lockcopy]='may sleep .program memory. with spin lock spin held' [lockleave]='one is held on return to the program'
	[lockfree]='memory is freed with m in it' [lockdestroy]='&one is destroyed at .* while it is held'
	[lockunlock]='&one is released at .* who does not hold it' [locktwice]='one is taken at .* by who holds it since'
)
BAKE_OPTIONS="--platform hosted" bake_program kcrash
for way in "${!complaint[@]}"; do
	run_guest "$work/$way.log" --platform hosted "$work/kcrash.img" -- "$way"
	if ! grep -qa "^kiln: lockdebug: WRONG: .*" "$work/$way.log" || ! grep -qaE "${complaint[$way]}" "$work/$way.log" ||
	    ! grep -qaE "do_sys_kiln_crash|syscall_exit|sys_kiln_crash" "$work/$way.log"; then
		cat "$work/$way.log"
		fail "$way is not complained of"
	else
		ok "$way"
	fi
done

# under PLATFORM CPUS PROGRAM [ARGUMENTS]: it was baked already.
under() {
	local log=$work/$3-$1-$2.log name="$3 on $1, $2 CPUs" platform=$1 cpus=$2 program=$3
	shift 3
	run_guest "$log" --platform "$platform" --cpus "$cpus" -m 256M "$work/$program.img" "$@"
	if grep -qa '^kiln: lockdebug: .* 0 complaints' "$log" && ! grep -qaE '^kiln: (lockdebug: WRONG|panic)' "$log"; then
		ok "$name: $(grep -a '^kiln: lockdebug: ' "$log" | tr -d '\r' | cut -d' ' -f3-)"
	else
		grep -aE -A24 -m1 '^kiln: (lockdebug|panic)' "$log" || tail "$log"
		fail "$name: status $status"
	fi
	# Other tests judge the programs' own results; what depends on time may fail in this slow kernel.
	grep -aE '^FAIL ' "$log" | sed 's/^/    /'
}

mkdir -p "$work/root/etc" "$work/root/tmp"
printf '127.0.0.1\tlocalhost\n192.0.2.33\tbakery  oven\n' > "$work/root/etc/hosts"
bake_for() { # PLATFORM PROGRAM
	BAKE_OPTIONS="--platform $1"
	case $2 in
	sockets)
		BAKE_OPTIONS+=" -r $work/root -e HOSTS_NAME=oven -e HOSTS_ADDRESS=192.0.2.33"
		bake_program sockets -D_GNU_SOURCE "$here"/programs/sockets_*.c
		;;
	*) bake_program "$2" -w ;;
	esac
}
run_under() { # PLATFORM CPUS PROGRAM
	case $3 in
	sockets) under "$1" "$2" sockets -- guest ;;
	files) under "$1" "$2" files -- /tmp ;;
	clocks) under "$1" "$2" clocks -- set ;;
	*) under "$1" "$2" "$3" ;;
	esac
}
# all PLATFORM "CPUS..." PROGRAMS
all() {
	local platform=$1 counts=$2 program cpus
	shift 2
	for program; do
		bake_for "$platform" "$program"
		for cpus in $counts; do run_under "$platform" "$cpus" "$program"; done
	done
}
GUEST_SECONDS=200
if [ -n "$long" ]; then
	programs="threads signals files sockets races mqueue sysvipc cancel clocks proc mlock torture"
	all hosted "1 2" $programs
	all hw "1 2" $programs
	mkdir -p "$work/disk"
	LOCKDEBUG_LOOK=1 TEST_WORK=$work/disk timeout 600 tests/system/t_disk.sh > "$work/disk.log" 2>&1
	if grep -A16 -B1 'lockdebug: WRONG' "$work/disk.log"; then fail "disks: locks"; else ok "disks"; fi
else
	all hosted 2 threads files sockets mqueue sysvipc
	all hw 2 threads
fi
exit $failed
