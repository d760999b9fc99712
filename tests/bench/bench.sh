#!/bin/bash
# bench.sh [PART...]: measure Kiln's figures beside their peers, in one run.
#
# Parts: rebuild size memory boot http requests loaded syscall kernel (all of them without arguments).
# Every figure is printed with the bar it has to reach and the command that
# measured it; QEMU runs under software emulation with the same flags for all.
# Figures of different runs must not be compared: the machine is shared.
set -euo pipefail
cd "$(dirname "$0")/../.."
parts=${*:-rebuild size memory boot http requests loaded syscall kernel}
out=build/bench
guest=$out/linux
flags="-accel tcg -cpu max -nodefaults -no-user-config -vga none -display none -no-reboot -serial stdio"
qemu="qemu-system-x86_64 $flags"
linux_append='console=ttyS0 quiet loglevel=3 panic=-1 tsc=reliable'
runs=${RUNS:-7}
port=${PORT:-18080}
rows=$out/figures.txt
: > "$rows"

say() { printf '\n== %s\n' "$*" >&2; }

# row WHAT REACHED BAR COMMAND
row() {
	printf '%s|%s|%s|%s\n' "$1" "$2" "$3" "$4" >> "$rows"
	printf '   %-46s %-18s bar %s\n' "$1" "$2" "$3" >&2
}

ratio() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.2f", a / b }'; }
kiln_net_config='{"net":{"if":[{"mode":"static","address":"10.0.2.15/24","gateway":"10.0.2.2"}]}}'
# machine NAME: the options that make a pc or microvm with a network card
machine() {
	local card=virtio-net-pci,romfile=
	[ "$1" = microvm ] && card=virtio-net-device
	echo "-machine $1 -global virtio-mmio.force-legacy=false -m 256" \
	    "-netdev user,id=n0,hostfwd=tcp:127.0.0.1:$port-:80 -device $card,netdev=n0"
}
linux_nginx() { # MACHINE
	echo $qemu $(machine "$1") -kernel $guest/vmlinuz -initrd $guest/nginx.cpio
}
kiln_nginx() { # MACHINE
	echo $qemu $(machine "$1") -kernel build/packages/nginx/nginx.img
}

need_guest() {
	[ -f "$guest/nginx.cpio" ] && [ "$guest/kernel.cpio" -nt tests/bench/kernel.c ] ||
	    tests/bench/linux/build.sh "$guest" \
	    build/packages/nginx/root/etc/nginx/nginx.conf build/packages/nginx/root/var/www/html/index.html >&2
}

part_rebuild() {
	say "one changed kernel file to a new image of nginx"
	local start
	touch rumpcomponents/kern/base/sched.c
	start=$(date +%s%N)
	make --no-print-directory build/packages/nginx/nginx.img >&2
	row "rebuild after a change of kern/base/sched.c" "$((($(date +%s%N) - start) / 1000000)) ms" "<= 5000 ms" \
	    "touch rumpcomponents/kern/base/sched.c; time make build/packages/nginx/nginx.img"
}

part_size() {
	say "image sizes (stripped, without debug sections)"
	local root
	row "hello image" "$(stat -c %s build/packages/hello/hello.img) bytes" "<= 81920" \
	    "stat -c %s build/packages/hello/hello.img"
	row "UDP echo image" "$(stat -c %s build/packages/udp-echo/udp-echo.img) bytes" "<= 188416" \
	    "stat -c %s build/packages/udp-echo/udp-echo.img"
	row "nginx image without its root directory" \
	    "$(build/bin/kiln inspect --size build/packages/nginx/nginx.img) bytes" "<= 1258291" \
	    "kiln inspect --size build/packages/nginx/nginx.img"
}

part_memory() {
	say "least guest memory"
	local m
	m=$($out/measure least 1 64 "Hello" -- $qemu -machine pc -m @MEM@ -kernel build/packages/hello/hello.img)
	row "hello: least -m" "$m MiB" "<= 4" "measure least 1 64 Hello -- qemu ... -m @MEM@ -kernel hello.img"
	m=$($out/measure least 1 64 ":$port" -- $qemu -machine pc -m @MEM@ -kernel build/packages/nginx/nginx.img \
	    -append "$kiln_net_config" -netdev user,id=n0,hostfwd=tcp:127.0.0.1:$port-:80 -device virtio-net-pci,netdev=n0)
	row "nginx: least -m" "$m MiB" "<= 8" "measure least 1 64 :$port -- qemu ... -m @MEM@ -kernel nginx.img"
}

part_boot() {
	local machine opts
	need_guest
	for machine in pc microvm; do
		say "QEMU start to first byte of hello's main(), $machine, median of $runs"
		mapfile -t ms < <($out/measure marker "$runs" "" -- \
		    $qemu -machine $machine -m 64 -kernel build/bench/trivial.elf --- \
		    $qemu -machine $machine -m 64 -kernel build/packages/hello/hello.img)
		row "boot, $machine: hello over trivial (${ms[0]} ms)" \
		    "+$(awk -v a="${ms[1]}" -v b="${ms[0]}" 'BEGIN { printf "%.1f", a - b }') ms" "<= +25 ms" \
		    "measure marker $runs \"\" -- qemu -machine $machine ... trivial.elf --- ... hello.img"
	done
	say "the same for the Linux guest, 3 runs"
	ms=$($out/measure marker 3 "Hello" -- $qemu -machine pc -m 256 -kernel $guest/vmlinuz \
	    -initrd $guest/hello.cpio -append "$linux_append")
	row "boot, pc: Linux guest's hello" "$ms ms" "(peer)" "measure marker 3 Hello -- qemu ... vmlinuz"
}

part_http() {
	need_guest
	local machine
	for machine in pc microvm; do
		say "QEMU start to first HTTP 200 of nginx, $machine, median of $runs, in turns"
		mapfile -t ms < <($out/measure http "$runs" "$port" -- $(kiln_nginx $machine) -append "$kiln_net_config" \
		    --- $(linux_nginx $machine) -append "$linux_append")
		row "nginx, $machine: start to first 200 (${ms[0]} ms; Linux ${ms[1]} ms)" \
		    "1/$(ratio "${ms[1]}" "${ms[0]}")" "<= 1/20" \
		    "measure http $runs $port -- qemu -machine $machine ... nginx.img --- ... vmlinuz"
	done
}

# requests GUEST CONNECTIONS: boot, wait, warm up, measure; prints requests per second.
requests() {
	local cmd append log=$out/requests-$1-$2.log
	case $1 in
	kiln) cmd=$(kiln_nginx pc) append=$kiln_net_config ;;
	linux) cmd=$(linux_nginx pc) append=$linux_append ;;
	esac
	$cmd -append "$append" < /dev/null > "$log" 2>&1 &
	local pid=$!
	for _ in $(seq 200); do
		curl -s -m 1 -o /dev/null "http://127.0.0.1:$port/" && break
		sleep 0.1
	done
	wrk -t1 -c"$2" -d1s "http://127.0.0.1:$port/" > /dev/null
	wrk -t1 -c"$2" -d"${SECONDS_EACH:-4}s" "http://127.0.0.1:$port/" | tee -a "$log" |
	    awk '/Requests\/sec/ { r = $2 } /Socket errors|Non-2xx/ { e = $0 } END { print r, e }'
	kill $pid 2> /dev/null || true
	wait $pid 2> /dev/null || true
}

median() { sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }

part_requests() {
	need_guest
	local c bar boots=${BOOTS:-4}
	for c in 1 16; do
		say "nginx requests/s, wrk -t1 -c$c, $boots fresh boots each in turns"
		: > $out/kiln-$c.txt
		: > $out/linux-$c.txt
		for _ in $(seq "$boots"); do
			requests kiln "$c" | tee -a $out/kiln-$c.txt >&2
			requests linux "$c" | tee -a $out/linux-$c.txt >&2
		done
		local k l
		k=$(median < $out/kiln-$c.txt) l=$(median < $out/linux-$c.txt)
		[ "$c" = 1 ] && bar=2 || bar=3.5
		row "nginx requests/s, $c connections ($k; Linux $l)" "$(ratio "$k" "$l") x" ">= $bar x" \
		    "tests/bench/bench.sh requests (wrk -t1 -c$c -d${SECONDS_EACH:-4}s)"
	done
}

# A TAP device in a network namespace of its own: QEMU without its user network.
netns=kiln-bench-$$
tap_up() {
	ip netns add $netns && trap 'ip netns del $netns' EXIT
	ip netns exec $netns ip link set lo up
	ip netns exec $netns ip tuntap add kiln0 mode tap
	ip netns exec $netns ip addr add 10.77.0.1/24 dev kiln0
	ip netns exec $netns ip link set kiln0 up
}

# loaded NET: one boot under load; prints connections that failed, worst answer in ms, requests/s
loaded() {
	local url=http://127.0.0.1:$port/ in= config=$kiln_net_config log=$out/loaded-$1.log
	local card="-netdev user,id=n0,hostfwd=tcp:127.0.0.1:$port-:80 -device virtio-net-pci,romfile=,netdev=n0"
	if [ "$1" = tap ]; then
		url=http://10.77.0.2/ in="ip netns exec $netns"
		config='{"net":{"if":[{"mode":"static","address":"10.77.0.2/24","gateway":"10.77.0.1"}]}}'
		card="-netdev tap,id=n0,ifname=kiln0,script=no,downscript=no -device virtio-net-pci,romfile=,netdev=n0"
	fi
	$in $qemu -machine pc -m 256 -kernel build/packages/nginx/nginx.img $card -append "$config" < /dev/null > "$log" 2>&1 &
	local pid=$!
	for _ in $(seq 200); do
		$in curl -s -m 1 -o /dev/null "$url" && break
		sleep 0.05
	done
	$in wrk -t1 -c16 -d"${SECONDS_EACH:-4}s" --timeout 10s "$url" | tee -a "$log" | awk '
	    function ms(t) { return t ~ /us$/ ? t / 1000 : t ~ /ms$/ ? t + 0 : t * 1000 }
	    $1 == "Latency" { worst = ms($4) }
	    /Socket errors/ { gsub(",", ""); bad = $4 + $6 + $8 + $10 }
	    /Non-2xx/ { bad += $NF }
	    /Requests\/sec/ { rate = $2 }
	    END { printf "%d %d %d\n", bad, worst, rate }'
	kill $pid 2> /dev/null || true
	wait $pid 2> /dev/null || true
}

part_loaded() {
	local net boots=${LOADED_BOOTS:-20} stall=${STALL_MS:-500}
	tap_up
	for net in user tap; do
		say "$boots boots under load, wrk -t1 -c16, network: $net"
		for _ in $(seq "$boots"); do loaded $net; done | tee "$out/loaded-$net.txt" >&2
		row "$boots loaded boots, $net: failed connections" \
		    "$(awk '{ n += $1 } END { print n + 0 }' "$out/loaded-$net.txt")" "0" \
		    "tests/bench/bench.sh loaded (wrk -t1 -c16 -d${SECONDS_EACH:-4}s)"
		row "$boots loaded boots, $net: boots with an answer after $stall ms" \
		    "$(awk -v s=$stall '$2 > s { n++ } $2 > w { w = $2 } END { printf "%d (worst %d ms)", n, w }' "$out/loaded-$net.txt")" \
		    "$([ $net = tap ] && echo 0 || echo "(QEMU's own)")" "the same"
	done
	ip netns del $netns
	trap - EXIT
}

part_syscall() {
	need_guest
	say "getppid in a loop"
	local kiln linux
	build/bin/kiln bake -o $out/getppid.img $out/getppid.unbaked > /dev/null
	kiln=$(timeout 60 $qemu -machine pc -m 64 -kernel $out/getppid.img < /dev/null | awk '/^getppid/ { print $2 }')
	linux=$(timeout 120 $qemu -machine pc -m 256 -kernel $guest/vmlinuz -initrd $guest/getppid.cpio \
	    -append "$linux_append" < /dev/null | awk '/^getppid/ { print $2 }')
	row "getppid ($kiln ns; Linux $linux ns)" "$(ratio "$kiln" "$linux") x" "<= 0.33 x" "tests/bench/bench.sh syscall"
}

# values NAME FILE: median of what was printed as `NAME value` in the boots kept in FILE
values() { awk -v n="$1" '$1 == n { print $2 }' "$2" | median; }

part_kernel() {
	need_guest
	local name what k l boots=${KERNEL_BOOTS:-3} files=$out/kernel
	say "threads, wake-ups and memory, median of $boots boots in turns"
	build/bin/kiln bake -o $out/kernel.img $out/kernel.unbaked > /dev/null
	: > $files-kiln.txt
	: > $files-linux.txt
	: > $files-smp.txt
	for _ in $(seq "$boots"); do
		timeout 60 $qemu -machine pc -m 256 -kernel $out/kernel.img < /dev/null >> $files-kiln.txt
		timeout 180 $qemu -machine pc -m 256 -kernel $guest/vmlinuz -initrd $guest/kernel.cpio \
		    -append "$linux_append" < /dev/null >> $files-linux.txt
		timeout 120 $qemu -machine pc -m 256 -smp 2 -kernel $out/kernel.img < /dev/null >> $files-smp.txt
	done
	while IFS="|" read -r name bar what; do
		k=$(values "$name" $files-kiln.txt) l=$(values "$name" $files-linux.txt)
		row "$what ($k ns; Linux $l ns)" "$(ratio "$l" "$k") x" ">= $bar x" "tests/bench/bench.sh kernel"
	done <<- ROWS
		clock_gettime|1|clock_gettime
		thread|2|thread create and join
		futex|2|futex: to another thread and back
		pipe|2|pipe: to another thread and back
		epoll|2|eventfd and epoll_wait: the same
		memory|2|mmap, touch and munmap of 1 MB
	ROWS
	while IFS="|" read -r name bar what; do
		row "2 CPUs, 2 threads for 1: $what" "$(values "$name" $files-smp.txt) x" "$bar" "tests/bench/bench.sh kernel"
	done <<- ROWS
		computing|>= 1.7 x|computing
		sharing|>= 1.7 x|computing, sharing a mutex
		faulting|(no bar)|page faults
		memory|(no bar)|mmap, touch and munmap of 1 MB
		futex|(no bar)|two pairs, futex to and fro
		pipe|(no bar)|two pairs, pipe to and fro
		epoll|(no bar)|two pairs, epoll to and fro
		thread|(no bar)|thread create and join
	ROWS
}

for part in $parts; do
	"part_$part"
done
echo
echo "what | reached | bar | command"
cat "$rows"
echo
echo "(kept in $rows)"
