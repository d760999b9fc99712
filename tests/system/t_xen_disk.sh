#!/bin/bash
# Disks of Xen's guests: a disk of domain 0's, a file there, and a back end that goes and comes back.
# timeout: 900
. tests/system/lib.sh
xen_rig

# xen NAME TYPE IMAGE OPTION... -- [LINE...]: a guest; run.sh gets the options; log in $log
xen() {
	local name=$1 type=$2 image=$3 options=()
	shift 3
	while [ "$1" != -- ]; do
		options+=("$1")
		shift
	done
	shift
	log=$work/${name// /-}.log
	XEN_SECONDS=120 XEN_LOG=$log.xen tests/xen/run.sh "${options[@]}" "$rig" "$work/$image" "type='$type'" "$@" > "$log"
	status=$?
	check_output "$name" "$log"
	[ $status = 0 ] && ok "$name: it ends" || {
		tail -n 20 "$log.xen"
		fail "$name: status $status"
	}
}
arguments() { echo "cmdline='{\"args\":[\"$1\",\"$2\"]}'"; }
xvda="disk=['format=raw,vdev=xvda,access=rw,target=/dev/vda']"

BAKE_OPTIONS="--platform xen-pv --with dev/disk"
bake_program disk
mv "$work/disk.img" "$work/disk-pv.img"
BAKE_OPTIONS="--platform xen --with dev/disk"
bake_program disk
bake_program diskload
new_disk "$work/fresh"

for guest in "pv disk-pv.img 2" "pvh disk.img 1" "pvh disk.img 2"; do
	read -r type image vcpus <<< "$guest"
	name="$type, $vcpus processors"
	cp "$work/fresh" "$work/disk"
	xen "$name" $type "$image" -d "$work/disk" -- vcpus=$vcpus "$xvda" "$(arguments /dev/xvda rw)"
	[ "$(dd if="$work/disk" bs=1 skip=3800000 count=20 2> /dev/null | tr -d "\0")" = "written by the guest" ] &&
		cmp -s -i 4194304 -n 4194204 "$work/fresh" "$work/disk" && ok "$name: the host finds what was written" ||
		fail "$name: the host does not find it"
done

# A file, through a loop device; domain 0 looks at it afterwards.
cat > "$work/hook" <<- 'END'
	until xl list guest | awk 'NR == 2 { exit $5 !~ /s/ }'; do sleep 0.2; done
	md5sum < fresh
END
xen "a read-only file" pvh disk.img -h "$work/hook" -f "$work/fresh" -o "$work/out" -- \
	"disk=['format=raw,vdev=xvdb,access=ro,target=/job/fresh']" "$(arguments /dev/xvdb ro)"
grep -q "^$(md5sum < "$work/fresh")" "$work/out/hook.log" && ok "a read-only file is as it was" ||
	fail "a read-only file changed"

# The back end goes and comes again while a program uses the disk: at first it takes up the ring as it is, or
# begins anew, then it has closed and has two queues.  At last the disk is detached.
cat > "$work/hook" <<- 'END'
	back=/local/domain/0/backend/vbd/$GUEST/51712
	front=/local/domain/$GUEST/device/vbd/51712
	driver=/sys/bus/xen-backend/drivers/vbd
	device=vbd-$GUEST-51712
	wait_for() { until [ "$(xenstore-read $back/state)$(xenstore-read $front/state)" = $1 ]; do usleep 200000; done; }
	works() { # transfers are done
		was=$(cat $driver/$device/statistics/rd_req)
		until [ $(cat $driver/$device/statistics/rd_req) -gt $((was + 3)) ]; do usleep 100000; done
		echo "works $1"
	}
	wait_for 44
	works before
	echo $device > $driver/unbind
	usleep 500000
	echo $device > $driver/bind
	usleep 300000
	wait_for 44
	works after
	echo 2 > /sys/module/xen_blkback/parameters/max_queues
	echo $device > $driver/unbind
	xenstore-write $back/state 6
	wait_for 61
	echo $device > $driver/bind
	wait_for 44
	works again
	echo "queues $(xenstore-read $front/multi-queue-num-queues)"
	xl block-detach $GUEST xvda
	until xl list guest | awk 'NR == 2 { exit $5 !~ /s/ }'; do usleep 200000; done
END
xen "a back end that restarts" pvh diskload.img -h "$work/hook" -d "$work/disk" -o "$work/out" -- vcpus=2 "$xvda"
[ "$(grep -c '^works' "$work/out/hook.log")" = 3 ] && grep -q "^queues 2" "$work/out/hook.log" &&
	ok "transfers wait for the back end" || fail "transfers do not wait for the back end"
grep -aq "^end: I/O error" "$log" && ok "a disk that is detached gives EIO" || fail "a disk that is detached"
exit $failed
