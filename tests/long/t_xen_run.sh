#!/bin/bash
# kiln run as it is on a host of Xen: in domain 0 of the rig, on PVH and PV.
# timeout: 900
. tests/system/lib.sh
command -v curl > /dev/null || {
	echo "skip all: no curl"
	exit 0
}
xen_rig

files=(-f "$here/netpeer.py") # anything: bash has no empty arrays under set -u
for platform in xen xen-pv; do
	for name in status cat disk; do
		BAKE_OPTIONS="--platform $platform $([ $name = disk ] && echo --with dev/disk)"
		bake_program $name
		for suffix in "" .debug .json; do
			mv "$work/$name.img$suffix" "$work/$name.$platform.img$suffix"
			files+=(-f "$work/$name.$platform.img$suffix")
		done
	done
	kiln bake --platform $platform --root build/packages/nginx/root build/packages/nginx/nginx \
		-o "$work/nginx.$platform.img" > "$work/bake.log" || fail "nginx does not build"
	files+=(-f "$work/nginx.$platform.img")
done
new_disk "$work/fresh"

cat > "$work/hook" <<- 'END'
	# expect NAME STATUS PATTERN COMMAND...: exit status, and a line of the output
	expect() {
		name="$p, $1" want=$2 pattern=$3
		shift 3
		timeout 60 "$@" > /tmp/out 2>&1 < /dev/null
		got=$?
		if [ $got = "$want" ] && grep -qE -- "$pattern" /tmp/out; then echo "ok $name"; else
			echo "FAIL $name: status $got"
			tail -n 20 /tmp/out
		fi
	}
	is() { if [ "$2" = "$3" ]; then echo "ok $p, $1"; else echo "FAIL $p, $1: $2, not $3"; fi; }
	until_answer() { # COMMAND...
		n=0
		until "$@" > /tmp/answer 2>&1; do
			n=$((n + 1))
			[ $n -lt 40 ] || return 1
			sleep 0.5
		done
	}
	p=rig
	expect "no XSM, as docs/xen.md says" 255 'Flask XSM Disabled' xl getenforce
	expect "no Xen: xenstored" 125 'xenstored does not run' env KILN_XENSTORED=/nosuch kiln run status.xen.img
	for p in xen xen-pv; do
		expect "exit status 7" 7 '^ending: 7$' kiln run -m 4 status.$p.img -- 7
		expect "a crash is a death by signal, with names" 139 '^kiln:  #0 image.* innermost\+0x' kiln run status.$p.img -- null
		expect "a long document" 0 "^ending: x{3000}\\\\ä'\"end\$" kiln run status.$p.img -- "$(head -c 3000 /dev/zero | tr '\0' x)\\ä'\"end"
		is "standard input" "$(printf 'a\020b\n\377' | kiln run cat.$p.img 2>&1 | od -c | tr -d ' \n')" "$(printf 'a\020b\n\377' | od -c | tr -d ' \n')"
		kiln run -p 8080:80 nginx.$p.img > /tmp/nginx.log 2>&1 &
		if until_answer curl -s -f -m 3 http://127.0.0.1:8080/; then echo "ok $p, a forwarded port"; else echo "FAIL $p, a forwarded port"; fi
		kill -INT $!
		wait $!
		is "Ctrl-C: the program ends" $? 0
		kiln run -m 8 status.$p.img -- sleep > /tmp/sleep.log 2>&1 &
		until_answer grep ending /tmp/sleep.log
		kill -KILL $!
		until_answer sh -c '! xl list | grep -q status'
		is "no launcher, no guest" "$(xl list | tail -n +2 | wc -l)" 1
		kiln run -m 8 status.$p.img -- sleep > /tmp/sleep.log 2>&1 &
		until_answer grep ending /tmp/sleep.log
		kill -KILL $(awk '$4 == '$!' { print $1 }' /proc/[0-9]*/stat 2> /dev/null)
		wait $!
		is "no keeper: SIGABRT" $? 134
		is "no keeper, no guest" "$(xl list | tail -n +2 | wc -l)" 1
	done
	p=xen
	kiln run --net bridge=xenbr0 --ip 10.0.9.2/24 -p 8081:80 nginx.$p.img > /tmp/nginx.log 2>&1 &
	if until_answer curl -s -f -m 3 http://10.0.9.2/; then echo "ok a bridge"; else echo "FAIL a bridge"; fi
	if until_answer curl -s -f -m 3 http://127.0.0.1:8081/; then echo "ok a bridge and a port"; else echo "FAIL a bridge and a port"; fi
	kill -TERM $!
	wait $!
	# What a guest may not write it cannot.
	for p in xen xen-pv; do
		cp fresh disk
		expect "a disk" 0 '^ok' kiln run --disk disk disk.$p.img -- /dev/xvda rw
		before=$(md5sum < fresh)
		expect "a read-only disk" 0 '^ok' kiln run --disk fresh:ro disk.$p.img -- /dev/xvda ro
		is "a read-only disk is as it was" "$(md5sum < fresh)" "$before"
		expect "no disk" 1 'No such (file|device)' kiln run disk.$p.img -- /dev/xvda rw
	done
	[ "$(ls -A /tmp | grep -c kiln)" = 0 ] && echo "ok nothing is left behind" || echo "FAIL $(ls -A /tmp)"
	true
END
XEN_SECONDS=500 XEN_LOG=$work/xen.log tests/xen/run.sh -n -h "$work/hook" -x build/bin/kiln -x curl "${files[@]}" -f "$work/fresh" \
	-o "$work/out" "$rig" -
status=$?
check_output "run" "$work/out/hook.log"
[ $status = 0 ] || { tail -n 20 "$work/xen.log"; fail "the hook: status $status"; }
exit $failed
