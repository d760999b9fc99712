#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# The same unbaked programs as sandboxed Linux processes: ends, protection, threads on two CPUs, a network.
# timeout: 400
. tests/system/lib.sh
BAKE_OPTIONS="--platform hosted"

bake_program status
for s in 0 42 255; do
	run_guest "$work/log" "$work/status.img" -- $s
	[ "$status" = $s ] && ok "hosted exit $s" || fail "hosted exit $s gave $status"
done
for end in null:11 abort:6 divide:8 illegal:4 raise:15; do
	run_guest "$work/${end%:*}.log" "$work/status.img" -- "${end%:*}"
	[ "$status" = $((128 + ${end#*:})) ] && ok "hosted ${end%:*} ends by signal ${end#*:}" ||
	    { tail -n 5 "$work/${end%:*}.log"; fail "hosted ${end%:*}: status $status"; }
done

bake_program protect -Wno-infinite-recursion -Wno-array-bounds
for what in write-text write-rodata exec-data exec-rodata exec-stack exec-mmap read-null write-null \
    write-protected overflow-main overflow-thread; do
	run_guest "$work/$what.log" "$work/protect.img" -- $what
	[ "$status" = 139 ] && ! grep -qa FAIL "$work/$what.log" && ok "hosted $what is stopped by SIGSEGV" ||
	    { tail -n 5 "$work/$what.log"; fail "hosted $what: status $status"; }
done

bake_program threads
for cpus in 1 2; do
	run_guest "$work/threads.$cpus" --cpus $cpus "$work/threads.img"
	check_output "hosted threads on $cpus" "$work/threads.$cpus"
	[ "$status" = 0 ] || fail "hosted threads on $cpus: status $status"
done
bake_program torture
for cpus in 1 2; do
	run_guest "$work/torture.$cpus" --cpus $cpus "$work/torture.img"
	check_output "hosted torture on $cpus" "$work/torture.$cpus"
	[ "$status" = 0 ] || fail "hosted torture on $cpus: status $status"
done
bake_program exhaust
run_guest "$work/exhaust.log" -m 32M "$work/exhaust.img"
[ "$status" = 0 ] && ok "hosted exhaust: out of memory is no end" || { tail -n 5 "$work/exhaust.log"; fail "hosted exhaust: status $status"; }

# Servers behind a TAP device in a network namespace of its own.
nginx=build/packages/nginx
echo=build/packages/udp-echo/udp-echo
net=kiln$$
if [ ! -f $nginx/nginx ] || [ ! -f $echo ]; then
	echo "skip hosted nginx: not built"
	exit $failed
fi
if [ "$(id -u)" -ne 0 ] || ! ip netns add $net 2> /dev/null; then
	echo "skip hosted nginx: needs root and network namespaces"
	exit $failed
fi
trap 'kill -KILL $pid 2> /dev/null; ip netns del $net' EXIT
inside() { ip netns exec $net "$@"; }
if ! inside ip tuntap add kiln0 mode tap 2> "$work/tap"; then
	echo "skip hosted nginx: no TAP device: $(cat "$work/tap")"
	exit $failed
fi
inside ip addr add 10.77.0.1/24 dev kiln0
inside ip link set kiln0 up

kiln bake $BAKE_OPTIONS $echo -o "$work/udp-echo.img" || { fail "hosted udp-echo does not bake"; exit 1; }
ip netns exec $net kiln run --net tap=kiln0 --ip 10.77.0.2/24 "$work/udp-echo.img" > "$work/udp-echo.log" 2>&1 < /dev/null &
pid=$!
inside python3 - << 'PY' && ok "hosted udp-echo: 500 datagrams come back" || { tail -n 5 "$work/udp-echo.log"; fail "hosted udp-echo"; }
import socket, sys, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(0.2)
good = 0
for i in range(550):
    m = b"%d" % i + b"x" * (i * 2)
    try:
        s.sendto(m, ("10.77.0.2", 7))
        good += s.recv(2000) == m
    except OSError:
        time.sleep(0.02)  # not up yet
sys.exit(good < 500)
PY
kill -TERM $pid
status=0
wait $pid || status=$?
[ $status = 143 ] && ok "hosted udp-echo: dies of SIGTERM" || fail "hosted udp-echo: status $status after SIGTERM"

kiln bake $BAKE_OPTIONS --root $nginx/root $nginx/nginx -o "$work/nginx.img" || { fail "hosted nginx does not bake"; exit 1; }
ip netns exec $net kiln run --net tap=kiln0 --ip 10.77.0.2/24 -m 32M "$work/nginx.img" > "$work/nginx.log" 2>&1 < /dev/null &
pid=$!
for _ in $(seq 100); do
	inside curl -s -m 1 -o "$work/page" http://10.77.0.2/ && break
	sleep 0.1
done
cmp -s "$work/page" $nginx/root/var/www/html/index.html && ok "hosted nginx: the page is the page" ||
    { tail -n 20 "$work/nginx.log"; fail "hosted nginx: wrong page"; }
n=0
for _ in $(seq 200); do
	inside curl -s -m 5 -o "$work/page" http://10.77.0.2/ && cmp -s "$work/page" $nginx/root/var/www/html/index.html && n=$((n + 1))
done
[ $n = 200 ] && ok "hosted nginx: 200 connections" || fail "hosted nginx: $n of 200 connections"
kill -TERM $pid
status=0
wait $pid || status=$?
[ $status = 0 ] && ok "hosted nginx: stops on SIGTERM with status 0" ||
    { tail -n 20 "$work/nginx.log"; fail "hosted nginx: status $status after SIGTERM"; }
exit $failed
