#!/bin/bash
# Guests of Xen that are put away and go on: xl save and xl restore, xl save -c, xl migrate to the same machine.
# timeout: 2400
# XEN_TYPE=pv has the same of PV guests: t_xenpv_suspend.sh.
. tests/system/lib.sh
# What xl gives Xen by itself for the page tables of so small a PVH guest is too little to restore it, page by page.
platform=xen type=${XEN_TYPE:-pvh} tables=shadow_memory=4
[ "$type" = pv ] && platform=xen-pv tables=
xen_rig
BAKE_OPTIONS="--platform $platform --with dev/disk"
bake_program suspend
printf '%s\n' "name='two'" "uuid='00000000-0000-4000-8000-000000000002'" "type='$type'" "kernel='/job/suspend.img'" $tables \
	"vif=['bridge=xenbr0,mac=00:16:3e:00:00:02']" "disk=['format=raw,vdev=xvda,access=rw,target=/dev/vda']" \
	"cmdline='"'{"args":["/dev/xvda"],"net":{"if":[{"mode":"static","address":"10.0.9.2/24"}]}}'"'" > "$work/two.cfg"

# What hooks have in common.
cat > "$work/lib" <<- 'END'
	bad=0
	result() { # STATUS NAME
		if [ "$1" = 0 ]; then echo "ok $2"; else echo "FAIL $2"; bad=1; fi
	}
	# What nothing can follow that makes sense.
	must() { # STATUS NAME
		result "$@"
		[ $bad = 0 ] || exit 1
	}
	# Ticks, blocks written and read, its time; waits for it a while.
	ask() {
		tries=0
		until timeout 5 wget -q -O /run/answer "http://$IP/"; do
			tries=$((tries + 1))
			[ $tries -lt 40 ] || return 1
			usleep 250000
		done
		read -r ticks blocks wall < /run/answer
	}
	# It goes on, with what it had: NAME.
	goes_on() {
		was=$ticks blocks_were=$blocks
		ask && [ "$ticks" -gt "$was" ]
		must $? "$1: it answers again, and has gone on from $was to $ticks"
		tries=0
		until [ "$blocks" -gt $((blocks_were + 20)) ] || [ $tries = 40 ]; do
			usleep 500000
			tries=$((tries + 1))
			ask
		done
		[ "$blocks" -gt $((blocks_were + 20)) ]
		result $? "$1: it uses its disk, $blocks_were blocks before and $blocks after"
		late=$(($(date +%s) - wall))
		[ $late -lt 4 ] && [ $late -gt -4 ]
		result $? "$1: its wall clock is $late s late"
	}
	end() {
		xl shutdown -w two
		usleep 500000
		cat /var/log/xen/console/guest-two*.log > "$OUT/console"
		exit $bad
	}
END

# QEMU 7.2 delivers an interrupt to a guest of its SVM twice if it is disturbed right after VMRUN (helper_vmrun() leaves it
# in exception_index): now and then it is in a save's work, and a PVH guest that finds out ends.  That says nothing of it.
emulator_failed() {
	grep -qa 'kiln: an interrupt while they are off' "$work/log.xen"
}

# suspend NAME LINE...: the hook; what it and the guest say is the result.
suspend() {
	local name=$1 try
	shift
	printf '%s\n' "$@" | cat "$work/two.cfg" - > "$work/cfg/two.cfg"
	for try in 1 2 3; do
		new_disk "$work/disk"
		XEN_SECONDS=900 XEN_LOG=$work/log.xen tests/xen/run.sh -n -h "$work/hook" -f "$work/lib" -f "$work/suspend.img" \
			-f "$work/cfg/two.cfg" -d "$work/disk" -o "$work/out" "$rig" -
		status=$?
		emulator_failed || break
		echo "$name: run $try: an interrupt came twice"
	done
	[ $status = 0 ] && ok "$name: hook" || {
		tail -n 30 "$work/log.xen"
		fail "$name: hook, status $status"
	}
	tr -d '\r' < "$work/log.xen" | grep -E '^(ok|FAIL) ' | sed -E "s/^(ok|FAIL) /\1 $name: /"
	! grep -q '^FAIL ' "$work/log.xen" || failed=1
	check_output "$name" "$work/out/console"
	! grep -a '^kiln:' "$work/out/console" || fail "$name: it complains"
	grep -qa '^paused for [0-9]* s' "$work/out/console" && ok "$name: the wall clock saw a pause" || fail "$name: the wall clock saw no pause"
}
mkdir -p "$work/cfg"

cat > "$work/hook" <<- 'END'
	. ./lib
	xl create two.cfg || exit 1
	ask
	must $? "it answers"
	xl save two /run/saved && ! xl domid two 2> /dev/null
	must $? "xl save"
	sleep 3
	xl restore /run/saved
	must $? "xl restore"
	rm /run/saved
	goes_on "restored"
	end
END
suspend "one processor" memory=24 maxmem=24

# Nothing happens to one that is saved with -c, which goes on as the same domain.  One that migrates is written while it
# runs, which Debian's Xen, having no shadow paging, cannot do to a PV guest: it is saved and restored.  It has less memory
# than it may have.
case $type in
pv) move="xl save two /run/saved && xl restore /run/saved" ;;
*) move="xl migrate -s '' two 'xl migrate-receive'" ;;
esac
echo "move() { $move; }" >> "$work/lib"
cat > "$work/hook" <<- 'END'
	. ./lib
	xl create two.cfg || exit 1
	ask
	must $? "it answers"
	was=$(xl domid two)
	xl save -c two /run/saved && [ "$(xl domid two)" = "$was" ]
	must $? "xl save -c"
	rm /run/saved
	goes_on "saved only"
	move && [ "$(xl domid two)" != "$was" ]
	must $? "it moves"
	goes_on "moved"
	end
END
suspend "two processors" memory=24 maxmem=32 vcpus=2
exit $failed
